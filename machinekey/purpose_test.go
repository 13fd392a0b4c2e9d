package machinekey_test

import (
	"bytes"
	"testing"

	"github.com/webfarm-go/webfarm/machinekey"
)

func TestUserPurposes(t *testing.T) {
	ring := ringOf(t, generated(t))
	for _, test := range []struct {
		purposes []string
		ok       bool
	}{
		{nil, true},
		{[]string{"a"}, true},
		{[]string{" a "}, true},
		{[]string{"a", "a"}, true},
		{[]string{"\x00"}, true},
		{[]string{"\u200b"}, true}, // zero width space is no white space
		{[]string{""}, false},
		{[]string{"a", " "}, false},
		{[]string{"\t\r\n\v\f "}, false},
		{[]string{"\u0085"}, false},
		{[]string{"\u00a0\u2003\u2028\u2029\u3000"}, false},
		{[]string{"a\xff"}, false},
		{[]string{"\xed\xa0\x80"}, false}, // a lone surrogate
	} {
		if _, err := ring.Protector(purposeOf(test.purposes...)...); (err == nil) != test.ok {
			t.Errorf("purposes %q: error %v, want ok %v", test.purposes, err, test.ok)
		}
	}
}

func TestPrimaryPurposes(t *testing.T) {
	ring := ringOf(t, generated(t))
	for _, bad := range [][]string{
		nil,
		{""},
		{"Acme.Cart"},
		{"formsauthentication.ticket"},
		{"MachineKeyDerivation"},
		{"WebForms.GridView.DataKeys", "\xff"},
	} {
		if p, err := ring.Protector(bad...); err == nil {
			t.Errorf("purposes %q: %v, want an error", bad, p)
		}
		if p, err := ring.CookieProtector(machinekey.LegacyOptions{}, bad...); err == nil {
			t.Errorf("purposes %q: %v, want an error", bad, p)
		}
	}
	// View state names the page; the list may hold what is no purpose of
	// MachineKey.Protect.
	if _, err := ring.Protector("WebForms.HiddenFieldPageStatePersister.ClientState",
		"TemplateSourceDirectory: /APP", "Type: DEFAULT_ASPX", ""); err != nil {
		t.Error(err)
	}
}

// TestPurposesSeparate opens each purpose's data with every other's protector.
func TestPurposesSeparate(t *testing.T) {
	ring := ringOf(t, generated(t))
	purposes := [][]string{
		{machinekey.FormsPurpose}, {machinekey.RolePurpose}, {machinekey.AnonymousPurpose},
		purposeOf(), purposeOf("a"), purposeOf("A"), purposeOf("a", "b"), purposeOf("b", "a"),
		purposeOf("ab"), purposeOf("a\x01b"), purposeOf("a", "a"), purposeOf(" a"),
	}
	text := []byte("text")
	for i, writer := range purposes {
		w, err := wrap(ring.Protector(writer...))
		if err != nil {
			t.Fatal(err)
		}
		protected := protect(t, w, text)
		for j, reader := range purposes {
			r, err := wrap(ring.Protector(reader...))
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.Unprotect(nil, protected)
			if i == j && (err != nil || !bytes.Equal(got, text)) {
				t.Errorf("%v: %q, %v", reader, got, err)
			}
			if i != j && err != machinekey.ErrUnprotect {
				t.Errorf("%v opened data of %v", reader, writer)
			}
		}
	}
}
