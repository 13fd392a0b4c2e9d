package testvectors_test

import (
	"encoding/base64"
	"slices"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/flate"
	"github.com/webfarm-go/webfarm/internal/tokentest"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// katanaInput is a ticket to issue. What is not there has the default of .NET.
type katanaInput struct {
	AuthenticationType *string // null: .NET refuses it
	NameType, RoleType string
	Claims             []katanaClaim
	Properties         [][2]string
	Bootstrap          string
	Actor              *katanaInput // not in the bytes
	Label              string       // not in the bytes
}

type katanaClaim struct{ Type, Value, ValueType, Issuer, OriginalIssuer string }

// katanaTicket is a ticket that was read, and what Katana derives from it.
type katanaTicket struct {
	AuthenticationType, NameType, RoleType string
	IsAuthenticated, HasActor              bool
	Name, Bootstrap                        string
	Claims                                 []katanaClaim
	Properties                             [][2]string
	IssuedUTC, ExpiresUTC                  *time.Time
	IsPersistent                           bool
	AllowRefresh                           *bool
	RedirectURI                            string
}

type katanaModel struct {
	katanaTicket
	tree map[string]any
}

func (m *katanaModel) UnmarshalJSON(data []byte) error {
	return decodeBoth(data, &m.katanaTicket, &m.tree)
}

// compare fails where the ticket that was read is not the recorded one.
func (m *katanaModel) compare(t *testing.T, f *file, got *sessiontoken.KatanaTicket) {
	t.Helper()
	for _, difference := range differences("ticket", describeKatana(got), m.tree, !f.own) {
		t.Error(difference)
	}
}

// neverExpires reports whether .NET found no end in the ticket, or could not
// read one of its times. Such a ticket must be asked for. If nothing is
// recorded of it, the ticket that was read says it, if any was.
func (m *katanaModel) neverExpires(got *sessiontoken.KatanaTicket) bool {
	if _, recorded := m.tree["expiresUtc"]; !recorded {
		if got == nil {
			return false
		}
		_, expires := got.Properties.Time(sessiontoken.PropertyExpires)
		return !expires
	}
	issued := slices.ContainsFunc(m.Properties,
		func(p [2]string) bool { return p[0] == sessiontoken.PropertyIssued })
	return m.ExpiresUTC == nil || issued && m.IssuedUTC == nil
}

// describeKatana writes a ticket the way the vectors do.
func describeKatana(o *sessiontoken.KatanaTicket) map[string]any {
	redirect, _ := o.Properties.Get(".redirect")
	_, persistent := o.Properties.Get(sessiontoken.PropertyPersistent)
	principal := sessiontoken.Principal{Identities: []sessiontoken.Identity{o.Identity}}
	d := map[string]any{
		"authenticationType": o.Identity.AuthenticationType, "nameType": o.Identity.NameClaimType, "roleType": o.Identity.RoleClaimType,
		"isAuthenticated": principal.IsAuthenticated(), "hasActor": o.Identity.Actor != nil,
		"name": principal.Name(), "bootstrap": string(o.Identity.Bootstrap.Reveal()),
		"claims": list(o.Identity.Claims, func(c sessiontoken.Claim) any {
			return map[string]any{"type": c.Type, "value": c.Value, "valueType": c.ValueType,
				"issuer": c.Issuer, "originalIssuer": c.OriginalIssuer}
		}),
		"properties": list(o.Properties, func(p [2]string) any { return []any{p[0], p[1]} }),
		"issuedUtc":  nil, "expiresUtc": nil, "allowRefresh": nil,
		"isPersistent": persistent, "redirectUri": redirect,
	}
	if at, ok := o.Properties.Time(sessiontoken.PropertyIssued); ok {
		d["issuedUtc"] = timeText(at)
	}
	if at, ok := o.Properties.Time(sessiontoken.PropertyExpires); ok {
		d["expiresUtc"] = timeText(at)
	}
	refresh, _ := o.Properties.Get(".refresh")
	if allow, known := dotnet.ParseBool(refresh); known {
		d["allowRefresh"] = allow
	}
	return d
}

// ticket makes the ticket to issue.
func (j *katanaInput) ticket(version string) *sessiontoken.KatanaTicket {
	o := &sessiontoken.KatanaTicket{Version: version, Properties: katanaProperties(j.Properties)}
	if j.AuthenticationType != nil {
		o.Identity.AuthenticationType = *j.AuthenticationType
	}
	o.Identity.NameClaimType, o.Identity.RoleClaimType, o.Identity.Label = j.NameType, j.RoleType, j.Label
	for _, c := range j.Claims {
		o.Identity.Claims = append(o.Identity.Claims,
			sessiontoken.Claim{Type: c.Type, Value: c.Value, ValueType: c.ValueType,
				Issuer: c.Issuer, OriginalIssuer: c.OriginalIssuer})
	}
	if j.Bootstrap != "" {
		o.Identity.BootstrapKind, o.Identity.Bootstrap = "string", machinekey.NewSecret([]byte(j.Bootstrap))
	}
	if j.Actor != nil {
		o.Identity.Actor = &j.Actor.ticket(version).Identity
	}
	return o
}

func katanaProperties(pairs [][2]string) (p sessiontoken.Properties) {
	for _, pair := range pairs {
		p = append(p, pair)
	}
	return p
}

// markedAsDefault reports whether a text of the ticket is the mark by which
// Katana writes a default, so that it does not read back.
func (j *katanaInput) markedAsDefault() bool {
	const mark = "\x00"
	return j.NameType == mark || j.RoleType == mark ||
		slices.ContainsFunc(j.Claims, func(c katanaClaim) bool {
			return c.Type == mark || c.ValueType == mark || c.Issuer == mark ||
				c.OriginalIssuer == mark
		})
}

// katanaVersionOf returns the version of a format. That of Katana 3.0.1 has the
// bytes of the current one.
func katanaVersionOf(t *testing.T, format string) string {
	t.Helper()
	version, ok := map[string]string{"3": "3", "3bc": "3",
		"2": "2", "2bc": "2 with bootstrap token", "1": "1"}[format]
	if !ok {
		t.Fatalf("no test for format %q", format)
	}
	return version
}

// katanaOpened are the layers of a protected text.
type katanaOpened struct{ protected, content []byte }

// openKatana takes the two outer layers off by hand, and puts them on again.
func openKatana(t *testing.T, cfg machinekey.Config, purposes []string, text string) katanaOpened {
	t.Helper()
	protected, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	p, err := protectorOf(cfg, purposesOf("", purposes...), protected) // the IV is its beginning
	if err != nil {
		t.Fatal(err)
	}
	content, _, err := p.Unprotect(t.Context(), nil, protected)
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.Protect(nil, content)
	if err != nil {
		t.Fatal(err)
	}
	sameBytes(t, "protected anew", again, protected)
	return katanaOpened{protected, content}
}

// ticketInside returns the ticket in a text itself, also if it is a reference
// to a store.
func ticketInside(t *testing.T, cfg machinekey.Config, purposes []string, text string) *sessiontoken.KatanaTicket {
	t.Helper()
	plain, err := flate.Gunzip(nil, openKatana(t, cfg, purposes, text).content, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	ticket, err := tokentest.UnmarshalKatana(plain)
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

// sameTicket compares two tickets.
func sameTicket(t *testing.T, what string, got, want *sessiontoken.KatanaTicket) {
	t.Helper()
	for _, difference := range differences(what, describeKatana(got), describeKatana(want), true) {
		t.Error(difference)
	}
}
