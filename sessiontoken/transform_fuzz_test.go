package sessiontoken

import (
	"cmp"
	"encoding/base64"
	"errors"
	"reflect"
	"testing"

	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/internal/wif"
)

// FuzzDecodeChains is FuzzDecode for WIF 1.0 with machine keys and for
// certificates.
func FuzzDecodeChains(f *testing.F) {
	known := map[string]bool{}
	var codecs []*SessionCodec
	n := 0
	wif10 := readWIF10(f)
	codecs = append(codecs, wif10.codec(f, wif10.vector(f, "one-claim"), SessionOptions{}))
	for i := range wif10.Vectors {
		v := &wif10.Vectors[i]
		known[v.Input.ID] = true
		if text := v.text(); len(text) < 4000 {
			f.Add(text)
			n++
		}
	}
	for i := range wif10.Negatives {
		f.Add(base64.StdEncoding.EncodeToString(testkit.Unhex(f, wif10.Negatives[i].XMLHex)))
		n++
	}
	rsa := readRSA(f)
	codecs = append(codecs, certificateCodec(f, rsa.chain(f, rsa.vector(f, "rsa-one-claim"))))
	for i := range rsa.Vectors {
		v := &rsa.Vectors[i]
		known[v.Input.ID] = true
		if text := v.text(); len(text) < 4000 {
			f.Add(text)
			n++
		}
	}
	if n < 30 {
		f.Fatalf("%d seeds", n)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, c := range codecs {
			tok, err := c.Decode(ctx, text)
			if (tok == nil) == (err == nil) {
				t.Fatalf("%v and %v", tok, err)
			}
			if err == nil && !known[tok.ID] {
				t.Fatalf("accepted a token that nobody issued: %v", tok)
			}
		}
	})
}

// FuzzDocumentWIF10 is FuzzDocument for WIF 1.0.
func FuzzDocumentWIF10(f *testing.F) {
	n := 0
	file := readWIF10(f)
	for i := range file.Vectors {
		if doc := testkit.Unhex(f, file.Vectors[i].Stages.NBFXHex); len(doc) < 3000 {
			f.Add(doc)
			n++
		}
	}
	if n == 0 {
		f.Fatal("no seeds")
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		tok, err := unmarshal(wif.V10, doc)
		if err != nil {
			var at *FormatError
			if !errors.As(err, &at) || tok != nil {
				t.Fatalf("error %v, token %v", err, tok)
			}
			return
		}
		written, err := marshal(wif.V10, tok)
		if err != nil {
			return // what .NET reads and nobody should issue
		}
		again, err := unmarshal(wif.V10, written)
		if err != nil {
			t.Fatalf("cannot read what was written: %v", err)
		}
		var withTypes func(i *Identity)
		withTypes = func(i *Identity) { // the writer names the types that are left out
			i.NameClaimType, i.RoleClaimType = cmp.Or(i.NameClaimType,
				ClaimTypeName), cmp.Or(i.RoleClaimType, ClaimTypeRole)
			if i.Actor != nil {
				withTypes(i.Actor)
			}
		}
		for k := range tok.Principal.Identities {
			withTypes(&tok.Principal.Identities[k])
		}
		if !reflect.DeepEqual(tok, again) {
			t.Fatalf("changed in a round trip:\n%#v\n%#v", tok.Principal, again.Principal)
		}
	})
}
