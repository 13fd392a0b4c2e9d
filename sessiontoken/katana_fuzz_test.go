package sessiontoken

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
)

func FuzzKatanaDecode(f *testing.F) {
	file := readKatanaFile(f)
	c, _ := katanaBench(f, file)
	known := map[string]bool{}
	n := 0
	for i := range file.Vectors {
		v := &file.Vectors[i]
		if v.Text == nil {
			continue
		}
		if len(*v.Text) < 4000 {
			f.Add(*v.Text)
			n++
		}
		if got, err := c.Decode(ctx, *v.Text); err == nil {
			known[fmt.Sprint(got)] = true
		}
	}
	if n < 100 || len(known) < 10 {
		f.Fatalf("%d seeds, %d of them good", n, len(known))
	}
	for _, text := range hostileTargets(f)[4].Texts(400) {
		f.Add(text.Text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		compareKatanaText(t, text)
		got, err := c.Decode(ctx, text)
		if err != nil {
			if got != nil {
				t.Fatal("ticket and error")
			}
			return
		}
		if !known[fmt.Sprint(got)] {
			t.Fatalf("accepted a ticket that nobody issued: %v", got)
		}
	})
}

func FuzzKatanaTicket(f *testing.F) {
	file := readKatanaFile(f)
	n := 0
	for i := range file.Vectors {
		if v := &file.Vectors[i]; v.SerializedHex != nil && len(*v.SerializedHex) < 6000 {
			f.Add(testkit.Unhex(f, *v.SerializedHex))
			n++
		}
	}
	if n < 70 {
		f.Fatalf("%d seeds", n)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var got, again KatanaTicket
		if err := got.unmarshal(data); err != nil {
			var at *FormatError
			if !errors.As(err, &at) || at.Offset < 0 || at.Offset > len(data) ||
				!reflect.DeepEqual(got, KatanaTicket{}) {
				t.Fatalf("error %v, ticket %+v", err, got)
			}
			return
		}
		written, err := got.marshal()
		if err != nil {
			return // what .NET reads and nobody should issue
		}
		if err := again.unmarshal(written); err != nil {
			t.Fatalf("cannot read what was written: %v", err)
		}
		if id := &got.Identity; strings.TrimFunc(string(id.Bootstrap.Reveal()),
			unicode.IsSpace) == "" {
			id.BootstrapKind, id.Bootstrap = "", machinekey.Secret{} // not written, as in .NET
		}
		if !reflect.DeepEqual(got, again) {
			t.Fatalf("changed in a round trip:\n%#v\n%#v", got.Identity, again.Identity)
		}
	})
}

func FuzzKatanaEncode(f *testing.F) {
	file := readKatanaFile(f)
	c, _ := katanaBench(f, file)
	n := 0
	for i := range file.Vectors {
		if in := file.Vectors[i].Input; in != nil {
			for _, claim := range in.Claims {
				if len(claim.Value) < 300 {
					f.Add(claim.Type, claim.Value, claim.ValueType, claim.Issuer, in.NameType)
					n++
				}
			}
		}
	}
	if n < 100 {
		f.Fatalf("%d seeds", n)
	}
	f.Fuzz(func(t *testing.T, claimType, value, valueType, issuer, nameType string) {
		id := Identity{
			NameClaimType: nameType, RoleClaimType: claimType,
			Claims: []Claim{{Type: claimType, Value: value, ValueType: valueType, Issuer: issuer,
				OriginalIssuer: value}, {Type: nameType, Issuer: issuer}},
		}
		ticket := c.NewTicket(id, Properties{{value, issuer}})
		text, err := c.Encode(ctx, ticket)
		if err != nil {
			return
		}
		got, err := c.Decode(ctx, text)
		if err != nil {
			t.Fatal(err)
		}
		// What .NET fills in.
		want := &ticket.Identity
		want.NameClaimType, want.RoleClaimType = cmp.Or(nameType,
			ClaimTypeName), cmp.Or(claimType, ClaimTypeRole)
		for i := range want.Claims {
			claim := &want.Claims[i]
			claim.ValueType = cmp.Or(claim.ValueType, dotnet.ValueTypeString)
			claim.Issuer = cmp.Or(claim.Issuer, dotnet.LocalAuthority)
			claim.OriginalIssuer = cmp.Or(claim.OriginalIssuer, claim.Issuer)
		}
		got.openedBy = ""
		if !reflect.DeepEqual(got, ticket) {
			t.Fatalf("changed in a round trip:\n%#v\n%#v", got.Identity, ticket.Identity)
		}
	})
}
