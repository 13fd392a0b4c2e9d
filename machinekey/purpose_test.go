package machinekey_test

import (
	"bytes"
	"testing"

	"github.com/webfarm-go/webfarm/machinekey"
)

func TestUserPurpose(t *testing.T) {
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
		p, err := machinekey.UserPurpose(test.purposes...)
		if (err == nil) != test.ok {
			t.Errorf("UserPurpose(%q) error %v, want ok %v", test.purposes, err, test.ok)
		}
		if (p == machinekey.Purpose{}) == test.ok {
			t.Errorf("UserPurpose(%q) = %v", test.purposes, p)
		}
	}
}

func TestBuiltinPurpose(t *testing.T) {
	for primary, want := range map[string]machinekey.Purpose{
		"FormsAuthentication.Ticket":           machinekey.FormsTicket,
		"RolePrincipal.Ticket":                 machinekey.RoleTicket,
		"AnonymousIdentificationModule.Ticket": machinekey.AnonymousTicket,
		"User.MachineKey.Protect":              purposeOf(t),
	} {
		if got, err := machinekey.BuiltinPurpose(primary); err != nil || got != want {
			t.Errorf("BuiltinPurpose(%q) = %v, %v, want %v", primary, got, err, want)
		}
	}
	for _, bad := range [][]string{
		{""},
		{"formsauthentication.ticket"},
		{"MachineKeyDerivation"},
		{"User.MachineKey.Protect", " "},
		{"WebForms.GridView.DataKeys", "\xff"},
	} {
		if p, err := machinekey.BuiltinPurpose(bad[0], bad[1:]...); err == nil {
			t.Errorf("BuiltinPurpose(%q) = %v, want an error", bad, p)
		}
	}
	// View state names the page; the list may hold what UserPurpose refuses.
	if _, err := machinekey.BuiltinPurpose("WebForms.HiddenFieldPageStatePersister.ClientState",
		"TemplateSourceDirectory: /APP", "Type: DEFAULT_ASPX", ""); err != nil {
		t.Error(err)
	}
}

func TestPurposeString(t *testing.T) {
	for want, p := range map[string]machinekey.Purpose{
		"invalid":                           {},
		"FormsAuthentication.Ticket":        machinekey.FormsTicket,
		`User.MachineKey.Protect "a" "b c"`: purposeOf(t, "a", "b c"),
	} {
		if got := p.String(); got != want {
			t.Errorf("String() = %s, want %s", got, want)
		}
	}
}

// TestPurposesSeparate opens each purpose's data with every other's protector.
func TestPurposesSeparate(t *testing.T) {
	ring := ringOf(t, generated(t))
	purposes := []machinekey.Purpose{
		machinekey.FormsTicket, machinekey.RoleTicket, machinekey.AnonymousTicket,
		purposeOf(t), purposeOf(t, "a"), purposeOf(t, "A"), purposeOf(t, "a", "b"), purposeOf(t, "b", "a"),
		purposeOf(t, "ab"), purposeOf(t, "a\x01b"), purposeOf(t, "a", "a"), purposeOf(t, " a"),
	}
	text := []byte("text")
	for i, writer := range purposes {
		w, err := ring.Protector(writer)
		if err != nil {
			t.Fatal(err)
		}
		protected := protect(t, w, text)
		for j, reader := range purposes {
			r, err := ring.Protector(reader)
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
