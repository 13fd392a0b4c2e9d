package sessiontoken

import (
	"slices"
	"testing"
)

func TestNewPrincipal(t *testing.T) {
	p := NewPrincipal("alice", "staff", "buyer")
	if n := len(p.Identities); n != 1 || p.Identities[0].AuthenticationType != "Federation" {
		t.Errorf("%d identities, %q", n, p.Identities[0].AuthenticationType)
	}
	var got []string
	for c := range p.All("") {
		got = append(got, c.Type, c.Value)
	}
	const role = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
	want := []string{"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", "alice", role,
		"staff", role, "buyer"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if p := NewPrincipal("bob"); !p.IsAuthenticated() || p.Name() != "bob" || p.HasRole("") {
		t.Errorf("bob: %v, %q", p.IsAuthenticated(), p.Name())
	}
}

func TestPrincipal(t *testing.T) {
	p := &Principal{Identities: []Identity{
		{
			AuthenticationType: "Federation", NameClaimType: "urn:nick", RoleClaimType: "urn:group",
			Claims: []Claim{
				{Type: ClaimTypeName, Value: "Alice Example"},
				{Type: "URN:NICK", Value: "alice"},
				{Type: "urn:group", Value: "staff"},
				{Type: ClaimTypeRole, Value: "not a role here"},
				{Type: ClaimTypeEmail, Value: "a@example.com", Properties: Properties{{"verified", "yes"}}},
			},
		},
		{Claims: []Claim{{Type: ClaimTypeRole, Value: "guest"},
			{Type: ClaimTypeEmail, Value: "b@example.com"}}},
	}}
	if got := p.Name(); got != "alice" {
		t.Errorf("Name() = %q", got)
	}
	for role, want := range map[string]bool{"staff": true, "guest": true, "STAFF": false,
		"not a role here": false, "": false} {
		if got := p.HasRole(role); got != want {
			t.Errorf("HasRole(%q) = %v", role, got)
		}
	}
	c, ok := p.First(ClaimTypeEmail)
	if !ok || c.Value != "a@example.com" {
		t.Errorf("First: %v, %v", c, ok)
	}
	if v, ok := c.Properties.Get("verified"); !ok || v != "yes" {
		t.Errorf("Property: %q, %v", v, ok)
	}
	if _, ok := c.Properties.Get("other"); ok {
		t.Error("a property that is not there")
	}
	if _, ok := p.First("urn:none"); ok {
		t.Error("a claim that is not there")
	}
	if got := slices.Collect(p.All(ClaimTypeEmail)); len(got) != 2 ||
		got[1].Value != "b@example.com" {
		t.Errorf("All: %v", got)
	}
	if got := slices.Collect(p.All("")); len(got) != 7 {
		t.Errorf("All: %d claims", len(got))
	}
	if !p.IsAuthenticated() || (&Principal{Identities: p.Identities[1:2]}).IsAuthenticated() {
		t.Error("IsAuthenticated")
	}
}

func TestNobody(t *testing.T) {
	var none *Principal
	for _, p := range []*Principal{none, {}, {Identities: []Identity{{}}}} {
		if p.Name() != "" || p.HasRole("x") || p.IsAuthenticated() {
			t.Errorf("%v is somebody", p)
		}
		if _, ok := p.First(ClaimTypeName); ok {
			t.Errorf("%v has claims", p)
		}
	}
}
