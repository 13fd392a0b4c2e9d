package sessiontoken

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/machinekey"
)

func TestKatanaProperties(t *testing.T) {
	var p Properties
	if p.has(PropertyPersistent) || p.has(".redirect") {
		t.Error("empty properties say something")
	}
	p.Set("userName", "carol")
	p.SetTime(PropertyExpires, katanaStart.Add(time.Hour+999*time.Millisecond))
	p.SetTime(PropertyIssued, katanaStart.In(time.FixedZone("", 7200)))
	p.Set(PropertyPersistent, "")
	p.Set(PropertyPersistent, "")
	p.Set(".refresh", "True")
	p.Set(".refresh", "False")
	p.Set(".redirect", "/home")
	p.Set("userName", "dave")
	want := Properties{
		{"userName", "dave"}, {".expires", "Sat, 13 Jul 2024 22:05:30 GMT"},
		{".issued", "Sat, 13 Jul 2024 21:05:30 GMT"},
		{".persistent", ""}, {".refresh", "False"}, {".redirect", "/home"},
	}
	if d := cmp.Diff(want, p); d != "" {
		t.Fatal(d)
	}
	if at, ok := p.Time(PropertyExpires); !ok || !at.Equal(katanaStart.Add(time.Hour)) {
		t.Errorf("Expires: %v", at)
	}
	if to, _ := p.Get(".redirect"); !p.has(PropertyPersistent) || to != "/home" {
		t.Error("what was set is missing")
	}
	for text, want := range map[string][2]bool{
		"True": {true, true}, "TRUE": {true, true}, " false\x00": {false, true}, "": {}, "1": {}, "yes": {},
		// As bool.TryParse of Mono and .NET 10 reads them.
		"\u00a0true\u2003": {true, true}, "true\x00": {true, true}, "\x00 true \x00": {true, true}, "\u1680true\u202f": {true, true},
		"\u205ftrue\u3000": {true, true}, "\u2028true\u2029": {true, true}, "\u0085FALSE\v": {false, true},
		"\ufefftrue": {}, "\u200btrue": {}, "true\u180e": {}, "\u2060true": {}, "\x1ctrue": {},
		"t\x00rue": {}, "\x00": {}, "fal\u017fe": {},
	} {
		p.Set(".refresh", text)
		text, _ := p.Get(".refresh")
		if allow, known := dotnet.ParseBool(text); [2]bool{allow, known} != want ||
			p.allowsRefresh() != (allow || !known) {
			t.Errorf("%q: %v, %v", text, allow, known)
		}
	}
}

func TestKatanaRenew(t *testing.T) {
	const life = 2 * time.Hour
	for _, tc := range []struct {
		name    string
		after   time.Duration // now, after .issued
		change  func(*Properties)
		renewed bool
	}{
		{"fresh", 0, nil, false},
		{"before it was issued", -time.Hour, nil, false},
		{"half", life / 2, nil, false},
		{"half and a fraction", life/2 + 999*time.Millisecond, nil, false},
		{"half and a second", life/2 + time.Second, nil, true},
		{"at expiry", life, nil, true},
		{"expired", life + time.Second, nil, false},
		{"refresh", life, func(p *Properties) { p.Set(".refresh", "True") }, true},
		{"no refresh", life, func(p *Properties) { p.Set(".refresh", "False") }, false},
		{"no issued", life, func(p *Properties) { *p = without(*p, PropertyIssued) }, false},
		{"no expires", life, func(p *Properties) { *p = without(*p, PropertyExpires) }, false},
		{"other form", life, func(p *Properties) { p.Set(PropertyIssued, "2024-07-13") }, false},
		{"ends with time", life,
			func(p *Properties) { p.SetTime(PropertyExpires, time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)) }, false},
	} {
		ticket := &KatanaTicket{SessionKey: machinekey.NewSecret([]byte("k")), Version: "2",
			Identity: carol(), openedBy: "0badcafe"}
		ticket.Properties.Set("first", "1")
		ticket.Properties.SetTime(PropertyExpires, katanaStart.Add(life))
		ticket.Properties.SetTime(PropertyIssued, katanaStart)
		ticket.Properties.Set("last", "2")
		if tc.change != nil {
			tc.change(&ticket.Properties)
		}
		before := append(Properties{}, ticket.Properties...)
		now := katanaStart.Add(tc.after)
		got, ok := ticket.renew(now)
		if ok != tc.renewed || (got != nil) != ok {
			t.Errorf("%s: %v", tc.name, ok)
		}
		if d := cmp.Diff(before, ticket.Properties); d != "" {
			t.Errorf("%s changes the ticket:\n%s", tc.name, d)
		}
		if !ok {
			continue
		}
		want := *ticket
		want.Properties = before
		want.Properties.SetTime(PropertyIssued, now)
		want.Properties.SetTime(PropertyExpires, now.Add(life))
		if d := cmp.Diff(&want, got, ignoreKatanaKey); d != "" || got.openedBy != ticket.openedBy {
			t.Errorf("%s:\n%s", tc.name, d)
		}
	}
}

func TestKatanaNewTicket(t *testing.T) {
	ring := testRing(t)
	now := func() time.Time { return katanaStart.Add(123456789) }
	given := Properties{{"a", "b"}}
	given.SetTime(PropertyIssued, katanaStart.Add(-time.Hour))
	for _, tc := range []struct {
		name           string
		purpose        Purpose
		life           time.Duration
		keepsIssued    bool
		authentication string
	}{
		{"cookie", Cookie("ApplicationCookie"), 14 * 24 * time.Hour, true, "ApplicationCookie"},
		{"access token", AccessToken("Bearer"), 20 * time.Minute, false, "Bearer"},
		{"refresh token", RefreshToken("Bearer"), 20 * time.Minute, false, "Bearer"},
		{"code", AuthorizationCode(), 5 * time.Minute, false, "Bearer"},
	} {
		for _, life := range []time.Duration{0, time.Minute} {
			c, err := NewKatanaCodec(ring, tc.purpose, &KatanaOptions{Now: now, Lifetime: life})
			if err != nil {
				t.Fatal(err)
			}
			if life == 0 {
				life = tc.life
			}
			ticket := c.NewTicket(carol(), given)
			issued := katanaStart
			if tc.keepsIssued {
				issued = katanaStart.Add(-time.Hour)
			}
			want := Properties{{"a", "b"}, {PropertyIssued, dotnet.FormatRFC1123(issued)},
				{PropertyExpires, dotnet.FormatRFC1123(issued.Add(life))}}
			if d := cmp.Diff(want, ticket.Properties); d != "" ||
				ticket.Identity.AuthenticationType != tc.authentication {
				t.Errorf("%s: %q\n%s", tc.name, ticket.Identity.AuthenticationType, d)
			}
		}
	}
	if len(given) != 2 {
		t.Error("NewTicket changes what it is given")
	}
}

// TestKatanaIssuers mints a token from claims without issuers, as ASP.NET
// Identity's Bearer wants it.
func TestKatanaIssuers(t *testing.T) {
	c, err := NewKatanaCodec(testRing(t), AccessToken("Bearer"), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Decode(ctx, encodeKatana(t, c, c.NewTicket(carol(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	for _, claim := range got.Identity.Claims {
		if claim.Issuer != dotnet.LocalAuthority || claim.OriginalIssuer != dotnet.LocalAuthority ||
			claim.ValueType != dotnet.ValueTypeString {
			t.Errorf("%+v", claim)
		}
	}
}

func TestKatanaVersions(t *testing.T) {
	ring := testRing(t)
	all := []string{"3", "2", "2 with bootstrap token", "1"}
	for _, v := range all {
		for _, bootstrap := range []string{"", "x", "é", "token", " "} {
			c := testKatanaCodec(t, ring, KatanaOptions{Version: v})
			ticket := c.NewTicket(carol(), nil)
			if bootstrap != "" {
				ticket.Identity.BootstrapKind, ticket.Identity.Bootstrap = "string", machinekey.NewSecret([]byte(bootstrap))
			}
			text := encodeKatana(t, c, ticket)
			want := ""
			if (v == "3" || v == "2 with bootstrap token") && bootstrap != " " {
				want = bootstrap
			}
			for _, r := range all {
				got, err := testKatanaCodec(t, ring, KatanaOptions{Version: r}).Decode(ctx, text)
				if r != v {
					if !errors.Is(err, ErrUnsupported) || got != nil {
						t.Errorf("%v read as %v: %v, %v", v, r, got, err)
					}
					continue
				}
				if err != nil {
					t.Fatalf("%v: %v", v, err)
				}
				if got.Version != v || string(got.Identity.Bootstrap.Reveal()) != want ||
					len(got.Properties) != 2 {
					t.Errorf("%v with %q: %v, %q, %v", v, bootstrap, got.Version,
						got.Identity.Bootstrap.Reveal(), got.Properties)
				}
			}
			if got, err := testKatanaCodec(t, ring, KatanaOptions{}).Decode(ctx,
				text); err != nil || got.Version != v {
				t.Errorf("%v by default: %v, %v", v, got, err)
			}
		}
	}
}

func TestKatanaPrintsNoSecrets(t *testing.T) {
	ticket := &KatanaTicket{Identity: carol()}
	ticket.Identity.BootstrapKind, ticket.Identity.Bootstrap = "string", machinekey.NewSecret([]byte("s3cr3t"))
	ticket.Properties.Set("access_token", "s3cr3t")
	ticket.Properties.SetTime(PropertyExpires, katanaStart)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "t", ticket, "v", *ticket)
	bare, err := json.Marshal(ticket.Identity.Bootstrap)
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%v %+v %#v %s %q %d %v", ticket, ticket, ticket, ticket, *ticket, ticket,
		[]*KatanaTicket{ticket}) + log.String() + string(bare)
	if strings.Contains(all, "s3cr3t") || strings.Contains(all, "carol") ||
		strings.Contains(all, base64.StdEncoding.EncodeToString([]byte("s3cr3t"))) {
		t.Error(all)
	}
	if want := "sessiontoken.KatanaTicket{claims 2, issued none, expires 2024-07-13T21:05:30Z}"; fmt.Sprint(ticket) != want {
		t.Error(ticket)
	}
}

// without returns p without a property.
func without(p Properties, name string) Properties {
	return slices.DeleteFunc(p, func(e [2]string) bool { return e[0] == name })
}
