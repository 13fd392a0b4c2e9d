package sessiontoken

import (
	"encoding/base64"
	"errors"
	"reflect"
	"testing"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/internal/wif"
)

func FuzzDecode(f *testing.F) {
	file := readFile(f, "sessiontoken_45.json")
	c := file.codec(f, "A", SessionOptions{})
	known := map[string]bool{}
	n := 0
	for i := range file.Vectors {
		v := &file.Vectors[i]
		if text := v.text(); v.MachineKey == "A" && len(text) < 4000 {
			f.Add(text)
			n++
		}
		known[v.Input.ID] = true
	}
	negative := readFile(f, "sessiontoken_negative.json")
	for i := range negative.Vectors {
		v := &negative.Vectors[i]
		f.Add(v.text())
		if tok, err := c.Decode(ctx, v.text()); err == nil {
			known[tok.ID] = true
		}
	}
	if n == 0 {
		f.Fatal("no seeds")
	}
	for _, text := range hostileTargets(f)[0].Texts(2400) {
		f.Add(text.Text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tok, err := c.Decode(ctx, text)
		if err != nil {
			if tok != nil {
				t.Fatal("token and error")
			}
			return
		}
		if !known[tok.ID] {
			t.Fatalf("accepted a token that nobody issued: %v", tok)
		}
	})
}

func FuzzDocument(f *testing.F) {
	n := 0
	for _, name := range []string{"sessiontoken_tokendoc.json", "sessiontoken_45.json"} {
		file := readFile(f, name)
		for i := range file.Vectors {
			v := &file.Vectors[i]
			doc := testkit.Unhex(f, v.NBFXHex+v.Stages.NBFXHex)
			if len(doc) < 3000 {
				f.Add(doc)
				n++
			}
		}
	}
	if n == 0 {
		f.Fatal("no seeds")
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		tok, err := unmarshal(wif.V45, doc)
		if err != nil {
			var at *FormatError
			if !errors.As(err, &at) || tok != nil {
				t.Fatalf("error %v, token %+v", err, tok)
			}
			return
		}
		written, err := marshal(wif.V45, tok)
		if err != nil {
			return // what .NET reads and nobody should issue
		}
		again, err := unmarshal(wif.V45, written)
		if err != nil {
			t.Fatalf("cannot read what was written: %v", err)
		}
		if !reflect.DeepEqual(tok, again) {
			t.Fatalf("changed in a round trip:\n%#v\n%#v", tok, again)
		}
	})
}

func FuzzEncode(f *testing.F) {
	file := readFile(f, "sessiontoken_45.json")
	c := file.codec(f, "A", SessionOptions{ClockSkew: -1})
	n := 0
	for i := range file.Vectors {
		for _, id := range file.Vectors[i].Input.Identities {
			for _, claim := range id.Claims {
				if len(claim.Value) < 300 {
					f.Add(claim.Type, claim.Value, claim.Issuer, id.Label)
					n++
				}
			}
		}
	}
	if n == 0 {
		f.Fatal("no seeds")
	}
	f.Fuzz(func(t *testing.T, claimType, value, issuer, label string) {
		tok, err := c.NewToken(Principal{Identities: []Identity{{
			AuthenticationType: "Federation", NameClaimType: ClaimTypeName, RoleClaimType: ClaimTypeRole, Label: label,
			Claims: []Claim{{
				Type: claimType, Value: value, ValueType: dotnet.ValueTypeString, Issuer: issuer, OriginalIssuer: issuer,
				Properties: Properties{{"p", value + "."}},
			}},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		text, err := c.Encode(ctx, tok)
		if err != nil {
			return
		}
		if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			t.Fatal(err)
		}
		got, err := c.Decode(ctx, text)
		if err != nil {
			t.Fatal(err)
		}
		got.openedBy = ""
		claim := &tok.Principal.Identities[0].Claims[0]
		if issuer == "" { // the default of .NET
			claim.Issuer, claim.OriginalIssuer = dotnet.LocalAuthority, dotnet.LocalAuthority
		}
		if !reflect.DeepEqual(got, tok) {
			t.Fatalf("changed in a round trip:\n%#v\n%#v", got.Principal, tok.Principal)
		}
	})
}
