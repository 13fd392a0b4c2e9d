package sessiontoken

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/webfarm-go/webfarm/machinekey"
)

// owinStart is the clock of tests that issue.
var owinStart = time.Date(2024, 7, 13, 21, 5, 30, 0, time.UTC)

func testOWINCodec(t testing.TB, ring *machinekey.Ring, opts OWINOptions) *OWINCodec {
	t.Helper()
	if opts.Now == nil {
		opts.Now = func() time.Time { return owinStart }
	}
	c, err := NewOWINCookieCodec(ring, "ApplicationCookie", &opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func carol() Identity {
	return Identity{Claims: []Claim{{Type: ClaimTypeName, Value: "carol"}, {Type: ClaimTypeRole, Value: "admin"}}}
}

func encodeOWIN(t testing.TB, c *OWINCodec, ticket *OWINTicket) string {
	t.Helper()
	text, err := c.Encode(ctx, ticket)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestOWINTimes(t *testing.T) {
	good := "Tue, 06 Dec 2016 15:04:31 GMT"
	at, ok := parseOWINTime(good)
	if !ok || !at.Equal(time.Date(2016, 12, 6, 15, 4, 31, 0, time.UTC)) {
		t.Fatalf("%v, %v", at, ok)
	}
	for i := range good { // no other character fits anywhere, but for other times
		for c := range 256 {
			s := good[:i] + string([]byte{byte(c)}) + good[i+1:]
			at, ok := parseOWINTime(s)
			if std, err := time.Parse(owinTime, s); ok && (err != nil || !std.Equal(at) || formatOWINTime(at) != s) {
				t.Errorf("%q is read as %v", s, at)
			}
		}
	}
	for _, s := range []string{
		"", "0", "Tue, 6 Dec 2016 15:04:31 GMT", "Wed, 06 Dec 2016 15:04:31 GMT", "tue, 06 dec 2016 15:04:31 gmt",
		"Tue, 06 Dec 2016 15:04:31 UTC", "Tue, 06 Dec 2016 15:04:31 +00", "Tue, 06 Dec 2016 24:04:31 GMT",
		"Thu, 30 Feb 2017 00:00:00 GMT", "Sat, 00 Apr 2017 00:00:00 GMT", "Sun, 01 anF 2017 00:00:00 GMT",
		"Sat, 01 Jan 0000 00:00:00 GMT", " Tue, 06 Dec 2016 15:04:3 GMT", "2016-12-06T15:04:31Z, as of GMT", "Tue, 06 Dec 2016 15:04:60 GMT",
	} {
		if at, ok := parseOWINTime(s); ok {
			t.Errorf("%q is read as %v", s, at)
		}
	}
	for _, at := range []time.Time{
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(2024, 2, 29, 1, 2, 3, 0, time.UTC),
	} {
		if got, ok := parseOWINTime(formatOWINTime(at)); !ok || !got.Equal(at) {
			t.Errorf("%v is read as %v", at, got)
		}
	}
}

func TestOWINProperties(t *testing.T) {
	var p OWINProperties
	if p.Persistent() || p.Redirect() != "" {
		t.Error("empty properties say something")
	}
	p.Set("userName", "carol")
	p.SetExpires(owinStart.Add(time.Hour + 999*time.Millisecond))
	p.SetIssued(owinStart.In(time.FixedZone("", 7200)))
	p.SetPersistent(true)
	p.SetPersistent(true)
	p.SetAllowRefresh(true)
	p.SetAllowRefresh(false)
	p.Set(OWINRedirect, "/home")
	p.Set("userName", "dave")
	want := OWINProperties{
		{"userName", "dave"}, {".expires", "Sat, 13 Jul 2024 22:05:30 GMT"}, {".issued", "Sat, 13 Jul 2024 21:05:30 GMT"},
		{".persistent", ""}, {".refresh", "False"}, {".redirect", "/home"},
	}
	if d := cmp.Diff(want, p); d != "" {
		t.Fatal(d)
	}
	if at, ok := p.Expires(); !ok || !at.Equal(owinStart.Add(time.Hour)) {
		t.Errorf("Expires: %v", at)
	}
	if !p.Persistent() || p.Redirect() != "/home" {
		t.Error("what was set is missing")
	}
	p.SetPersistent(false)
	p.Delete("none")
	if _, ok := p.Get(OWINPersistent); ok || len(p) != 5 {
		t.Errorf("after Delete: %v", p)
	}
	for text, want := range map[string][2]bool{
		"True": {true, true}, "TRUE": {true, true}, " false\x00": {false, true}, "": {}, "1": {}, "yes": {},
	} {
		p.Set(OWINRefresh, text)
		if allow, known := p.AllowRefresh(); [2]bool{allow, known} != want {
			t.Errorf("%q: %v, %v", text, allow, known)
		}
	}
	if !(OWINProperties{{OWINPersistent, "false"}}).Persistent() {
		t.Error("for .NET any value counts")
	}
}

func TestOWINExpiryToTheSecond(t *testing.T) {
	ring := testRing(t)
	for _, tc := range []struct {
		issued, expires, now time.Duration
		want                 error
	}{
		{0, 0, 0, nil},
		{0, 0, 999999999, nil}, // the clock has whole seconds
		{0, 0, time.Second, ErrExpired},
		{0, time.Hour, time.Hour, nil},
		{0, time.Hour, time.Hour + time.Second, ErrExpired},
		{time.Hour, 2 * time.Hour, 0, nil}, // issued in the future
		{0, math.MaxInt64, time.Hour, nil},
	} {
		c := testOWINCodec(t, ring, OWINOptions{Now: func() time.Time { return owinStart.Add(tc.now) }})
		ticket := c.NewTicket(carol(), nil)
		ticket.Properties.SetIssued(owinStart.Add(tc.issued))
		ticket.Properties.SetExpires(owinStart.Add(tc.expires))
		text := encodeOWIN(t, c, ticket)
		if got, err := c.Decode(ctx, text); !errors.Is(err, tc.want) || (got == nil) != (err != nil) {
			t.Errorf("%+v: %v, %v", tc, got, err)
		}
		a := c.Inspect(ctx, text)
		if !errors.Is(a.Err, tc.want) || a.OWIN == nil || len(a.Layers) != 5 || a.Layers[4].Err != a.Err {
			t.Errorf("%+v: Inspect says %+v", tc, a)
		}
	}
}

func TestOWINRenew(t *testing.T) {
	const life = 2 * time.Hour
	for _, tc := range []struct {
		name    string
		after   time.Duration // now, after .issued
		change  func(*OWINProperties)
		renewed bool
	}{
		{"fresh", 0, nil, false},
		{"before it was issued", -time.Hour, nil, false},
		{"half", life / 2, nil, false},
		{"half and a fraction", life/2 + 999*time.Millisecond, nil, false},
		{"half and a second", life/2 + time.Second, nil, true},
		{"at expiry", life, nil, true},
		{"expired", life + time.Second, nil, false},
		{"refresh", life, func(p *OWINProperties) { p.SetAllowRefresh(true) }, true},
		{"no refresh", life, func(p *OWINProperties) { p.SetAllowRefresh(false) }, false},
		{"no issued", life, func(p *OWINProperties) { p.Delete(OWINIssued) }, false},
		{"no expires", life, func(p *OWINProperties) { p.Delete(OWINExpires) }, false},
		{"other form", life, func(p *OWINProperties) { p.Set(OWINIssued, "2024-07-13") }, false},
		{"ends with time", life, func(p *OWINProperties) { p.SetExpires(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)) }, false},
	} {
		ticket := &OWINTicket{SessionKey: "k", Version: OWINVersion2, Identity: carol(), openedBy: freshKey(t)}
		ticket.Properties.Set("first", "1")
		ticket.Properties.SetExpires(owinStart.Add(life))
		ticket.Properties.SetIssued(owinStart)
		ticket.Properties.Set("last", "2")
		if tc.change != nil {
			tc.change(&ticket.Properties)
		}
		before := append(OWINProperties{}, ticket.Properties...)
		now := owinStart.Add(tc.after)
		got, ok := ticket.Renew(now)
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
		want.Properties.SetIssued(now)
		want.Properties.SetExpires(now.Add(life))
		if d := cmp.Diff(&want, got, ignoreOWINKey); d != "" || got.openedBy != ticket.openedBy {
			t.Errorf("%s:\n%s", tc.name, d)
		}
	}
}

func TestOWINNewTicket(t *testing.T) {
	ring := testRing(t)
	now := func() time.Time { return owinStart.Add(123456789) }
	given := OWINProperties{{"a", "b"}}
	given.SetIssued(owinStart.Add(-time.Hour))
	for _, tc := range []struct {
		name           string
		codec          func(*machinekey.Ring, *OWINOptions) (*OWINCodec, error)
		life           time.Duration
		keepsIssued    bool
		authentication string
	}{
		{"cookie", cookieCodec("ApplicationCookie"), DefaultOWINCookieLifetime, true, "ApplicationCookie"},
		{"access token", NewOWINAccessTokenCodec, DefaultOWINTokenLifetime, false, "Bearer"},
		{"refresh token", NewOWINRefreshTokenCodec, DefaultOWINTokenLifetime, false, "Bearer"},
		{"code", NewOWINAuthorizationCodeCodec, DefaultOWINCodeLifetime, false, "Bearer"},
	} {
		for _, life := range []time.Duration{0, time.Minute} {
			c, err := tc.codec(ring, &OWINOptions{Now: now, ExpireTimeSpan: life})
			if err != nil {
				t.Fatal(err)
			}
			if life == 0 {
				life = tc.life
			}
			ticket := c.NewTicket(carol(), given)
			issued := owinStart
			if tc.keepsIssued {
				issued = owinStart.Add(-time.Hour)
			}
			want := OWINProperties{{"a", "b"}, {OWINIssued, formatOWINTime(issued)}, {OWINExpires, formatOWINTime(issued.Add(life))}}
			if d := cmp.Diff(want, ticket.Properties); d != "" || ticket.Identity.AuthenticationType != tc.authentication {
				t.Errorf("%s: %q\n%s", tc.name, ticket.Identity.AuthenticationType, d)
			}
		}
	}
	if len(given) != 2 {
		t.Error("NewTicket changes what it is given")
	}
}

// TestOWINIssuers mints a token from claims without issuers, as ASP.NET
// Identity's Bearer wants it.
func TestOWINIssuers(t *testing.T) {
	c, err := NewOWINAccessTokenCodec(testRing(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Decode(ctx, encodeOWIN(t, c, c.NewTicket(carol(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	for _, claim := range got.Identity.Claims {
		if claim.Issuer != LocalAuthority || claim.OriginalIssuer != LocalAuthority || claim.ValueType != ValueTypeString {
			t.Errorf("%+v", claim)
		}
	}
}

func TestOWINVersions(t *testing.T) {
	ring := testRing(t)
	all := []OWINVersion{OWINVersion3, OWINVersion2, OWINVersion2Bootstrap, OWINVersion1}
	for _, v := range all {
		for _, bootstrap := range []string{"", "x", "é", "token", " "} {
			c := testOWINCodec(t, ring, OWINOptions{Version: v, ReadVersions: []OWINVersion{v}})
			ticket := c.NewTicket(carol(), nil)
			if bootstrap != "" {
				ticket.Identity.Bootstrap = Bootstrap{BootstrapString, []byte(bootstrap)}
			}
			text := encodeOWIN(t, c, ticket)
			want := ""
			if v.hasBootstrap() && bootstrap != " " {
				want = bootstrap
			}
			for _, r := range all {
				got, err := testOWINCodec(t, ring, OWINOptions{ReadVersions: []OWINVersion{r}}).Decode(ctx, text)
				if r != v {
					if !errors.Is(err, ErrUnsupported) || got != nil {
						t.Errorf("%v read as %v: %v, %v", v, r, got, err)
					}
					continue
				}
				if err != nil {
					t.Fatalf("%v: %v", v, err)
				}
				if got.Version != v || string(got.Identity.Bootstrap.Data) != want || len(got.Properties) != 2 {
					t.Errorf("%v with %q: %v, %q, %v", v, bootstrap, got.Version, got.Identity.Bootstrap.Data, got.Properties)
				}
			}
			if got, err := testOWINCodec(t, ring, OWINOptions{}).Decode(ctx, text); err != nil || got.Version != v {
				t.Errorf("%v by default: %v, %v", v, got, err)
			}
		}
	}
	if s := fmt.Sprint(all, OWINVersion(9)); s != "[3 2 2 with bootstrap token 1] OWINVersion(9)" {
		t.Error(s)
	}
}

func TestOWINIssueRefuses(t *testing.T) {
	c := testOWINCodec(t, testRing(t), OWINOptions{})
	claim := func(c Claim) func(*OWINTicket) { return func(t *OWINTicket) { t.Identity.Claims[0] = c } }
	property := func(name, value string) func(*OWINTicket) {
		return func(t *OWINTicket) { t.Properties = append(t.Properties, Property{name, value}) }
	}
	for _, tc := range []struct {
		name   string
		change func(*OWINTicket)
	}{
		{"no expiry", func(t *OWINTicket) { t.Properties.Delete(OWINExpires) }},
		{"expiry in another form", func(t *OWINTicket) { t.Properties.Set(OWINExpires, "2030-01-01") }},
		{"expiry beyond .NET", func(t *OWINTicket) { t.Properties.SetExpires(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)) }},
		{"issued in another form", func(t *OWINTicket) { t.Properties.Set(OWINIssued, "") }},
		{"unknown version", func(t *OWINTicket) { t.Version = 7 }},
		{"claim type of one NUL", claim(Claim{Type: "\x00"})},
		{"value type of one NUL", claim(Claim{Type: "a", ValueType: "\x00"})},
		{"issuer of one NUL", claim(Claim{Type: "a", Issuer: "\x00"})},
		{"original issuer of one NUL", claim(Claim{Type: "a", OriginalIssuer: "\x00"})},
		{"name type of one NUL", func(t *OWINTicket) { t.Identity.NameClaimType = "\x00" }},
		{"role type of one NUL", func(t *OWINTicket) { t.Identity.RoleClaimType = "\x00" }},
		{"value not UTF-8", claim(Claim{Type: "a", Value: "\xff"})},
		{"type not UTF-8", claim(Claim{Type: "\xff"})},
		{"authentication type not UTF-8", func(t *OWINTicket) { t.Identity.AuthenticationType = "\xff" }},
		{"bootstrap not UTF-8", func(t *OWINTicket) { t.Identity.Bootstrap = Bootstrap{BootstrapString, []byte("\xff")} }},
		{"property not UTF-8", property("\xff", "")},
		{"property twice", property(OWINIssued, formatOWINTime(owinStart))},
		{"many properties", func(t *OWINTicket) {
			for i := range maxProperties {
				property(fmt.Sprint(i), "")(t)
			}
		}},
		{"many claims", func(t *OWINTicket) { t.Identity.Claims = make([]Claim, maxOWINClaims+1) }},
		{"a large value", claim(Claim{Type: "a", Value: strings.Repeat("x", maxToken)})},
		{"a reference", claim(Claim{Type: OWINSessionID, Value: "k"})},
	} {
		ticket := c.NewTicket(carol(), nil)
		tc.change(ticket)
		text, err := c.Encode(ctx, ticket)
		if text != "" || err == nil || !strings.HasPrefix(err.Error(), "sessiontoken: cannot issue: ") {
			t.Errorf("%s: %q, %v", tc.name, text, err)
		}
	}
	// Nothing of it may stick to the codec's memory.
	if got, err := c.Decode(ctx, encodeOWIN(t, c, c.NewTicket(carol(), nil))); err != nil || got.Identity.Name() != "carol" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestOWINConstructors(t *testing.T) {
	ring := testRing(t)
	for name, f := range map[string]func() (*OWINCodec, error){
		"no ring":                  func() (*OWINCodec, error) { return NewOWINAccessTokenCodec(nil, nil) },
		"no ring for a cookie":     func() (*OWINCodec, error) { return NewOWINCookieCodec(nil, "Cookies", nil) },
		"no AuthenticationType":    func() (*OWINCodec, error) { return NewOWINCookieCodec(ring, "", nil) },
		"blank AuthenticationType": func() (*OWINCodec, error) { return NewOWINCookieCodec(ring, " ", nil) },
		"negative lifetime": func() (*OWINCodec, error) {
			return NewOWINCookieCodec(ring, "Cookies", &OWINOptions{ExpireTimeSpan: -1})
		},
		"unknown version": func() (*OWINCodec, error) { return NewOWINCookieCodec(ring, "Cookies", &OWINOptions{Version: 9}) },
		"unknown version to read": func() (*OWINCodec, error) {
			return NewOWINCookieCodec(ring, "Cookies", &OWINOptions{ReadVersions: []OWINVersion{9}})
		},
		"token with a store":        func() (*OWINCodec, error) { return NewOWINAccessTokenCodec(ring, &OWINOptions{Store: mapStore{}}) },
		"other purposes with store": func() (*OWINCodec, error) { return NewOWINCodec(ring, []string{"a"}, &OWINOptions{Store: mapStore{}}) },
	} {
		if c, err := f(); err == nil || c != nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := NewOWINStateCodec(nil, OWINStateGoogle, "Google"); err == nil {
		t.Error("state without ring")
	}
	if _, err := NewOWINStateCodec(ring, "", "Google"); err == nil {
		t.Error("state without class")
	}
}

// TestOWINKinds shows that no credential passes for another.
func TestOWINKinds(t *testing.T) {
	ring := testRing(t)
	kinds := map[string]func(*machinekey.Ring, *OWINOptions) (*OWINCodec, error){
		"application cookie": cookieCodec("ApplicationCookie"), "external cookie": cookieCodec("ExternalCookie"),
		"access token": NewOWINAccessTokenCodec, "refresh token": NewOWINRefreshTokenCodec, "code": NewOWINAuthorizationCodeCodec,
	}
	for issued, a := range kinds {
		writer, err := a(ring, nil)
		if err != nil {
			t.Fatal(err)
		}
		text := encodeOWIN(t, writer, writer.NewTicket(carol(), nil))
		for read, b := range kinds {
			reader, err := b(ring, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := reader.Decode(ctx, text); issued != read && err != ErrInvalid || (err == nil) != (got != nil) {
				t.Errorf("%s as %s: %v", issued, read, err)
			}
		}
		state, err := NewOWINStateCodec(ring, OWINStateGoogle, "Google")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := state.Decode(text); err != ErrInvalid {
			t.Errorf("%s as state: %v", issued, err)
		}
	}
}

func TestOWINOlderKey(t *testing.T) {
	old, primary := freshKey(t), freshKey(t)
	store := mapStore{}
	for _, s := range []Store{nil, store} {
		before := testOWINCodec(t, ringOf(t, old), OWINOptions{Store: s})
		after := testOWINCodec(t, ringOf(t, primary, old), OWINOptions{Store: s})
		got, err := after.Decode(ctx, encodeOWIN(t, before, before.NewTicket(carol(), nil)))
		if err != nil || got.OpenedBy() != old {
			t.Fatalf("%v, %v", got, err)
		}
		again, err := after.Decode(ctx, encodeOWIN(t, after, got))
		if err != nil || again.OpenedBy() != primary || again.SessionKey != got.SessionKey {
			t.Fatalf("%v, %v", again, err)
		}
	}
	if len(store) != 1 {
		t.Errorf("%d entries", len(store))
	}
}

func TestOWINStore(t *testing.T) {
	ring, store := testRing(t), mapStore{}
	now := owinStart
	c := testOWINCodec(t, ring, OWINOptions{Store: store, Now: func() time.Time { return now }})
	other, err := NewOWINCookieCodec(ring, "ExternalCookie", &OWINOptions{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	a := c.NewTicket(carol(), nil)
	text := encodeOWIN(t, c, a)
	if a.SessionKey != "" || len(store) != 1 {
		t.Fatalf("key %q, %d entries", a.SessionKey, len(store))
	}
	got, err := c.Decode(ctx, text)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.SessionKey) < 26 || got.Identity.Name() != "carol" {
		t.Errorf("%q, %v", got.SessionKey, got)
	}
	for name, entry := range store {
		if bytes.Contains(entry, []byte("carol")) || !strings.HasSuffix(name, ";ApplicationCookie;"+got.SessionKey) {
			t.Errorf("stored under %q: %q", name, entry)
		}
	}

	// Entries cannot change places, not even within one middleware.
	second, err := c.Decode(ctx, encodeOWIN(t, c, c.NewTicket(Identity{Claims: []Claim{{Type: ClaimTypeName, Value: "dave"}}}, nil)))
	if err != nil {
		t.Fatal(err)
	}
	kept := store[c.storeKey(got.SessionKey)]
	store[c.storeKey(got.SessionKey)] = store[c.storeKey(second.SessionKey)]
	if got, err := c.Decode(ctx, text); !errors.Is(err, errOWINEntry) || got != nil {
		t.Errorf("another's entry: %v, %v", got, err)
	}
	store[c.storeKey(got.SessionKey)] = kept[:len(kept)-1]
	if got, err := c.Decode(ctx, text); err != ErrInvalid || got != nil {
		t.Errorf("changed entry: %v, %v", got, err)
	}
	external := other.NewTicket(carol(), nil)
	external.SessionKey = got.SessionKey
	encodeOWIN(t, other, external)
	store[c.storeKey(got.SessionKey)] = store[other.storeKey(got.SessionKey)]
	if got, err := c.Decode(ctx, text); err != ErrInvalid || got != nil {
		t.Errorf("another middleware's entry: %v, %v", got, err)
	}
	store[c.storeKey(got.SessionKey)] = kept

	// References with more than a key, which nobody issues.
	for _, change := range []func(*OWINTicket){
		func(t *OWINTicket) {
			t.Identity.Claims = append(t.Identity.Claims, Claim{Type: ClaimTypeRole, Value: "admin"})
		},
		func(t *OWINTicket) { t.Properties.SetExpires(owinStart.Add(time.Hour)) },
	} {
		reference := inside(t, c, text)
		change(reference)
		forged, err := c.seal(new(owinScratch), reference)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Decode(ctx, forged); !errors.Is(err, errOWINReference) || got != nil {
			t.Errorf("%v, %v", got, err)
		}
	}

	// Inspect leaves an expired ticket in the store, Decode does not.
	now = now.Add(DefaultOWINCookieLifetime + time.Second)
	if a := c.Inspect(ctx, text); !errors.Is(a.Err, ErrExpired) || a.OWIN.SessionKey != got.SessionKey || store[c.storeKey(got.SessionKey)] == nil {
		t.Errorf("Inspect: %+v", a)
	}
	if _, err := c.Decode(ctx, text); !errors.Is(err, ErrExpired) || store[c.storeKey(got.SessionKey)] != nil {
		t.Errorf("expired: %v", err)
	}
	if _, err := c.Decode(ctx, text); !errors.Is(err, ErrNotInStore) {
		t.Errorf("after that: %v", err)
	}
	if err := c.Delete(ctx, &OWINTicket{}); err != nil {
		t.Error(err)
	}
}

// brokenStore fails in all it does.
type brokenStore struct{}

var errBroken = errors.New("broken")

func (brokenStore) Get(context.Context, string) ([]byte, error)          { return nil, errBroken }
func (brokenStore) Put(context.Context, string, []byte, time.Time) error { return errBroken }
func (brokenStore) Delete(context.Context, string) error                 { return errBroken }

func TestOWINBrokenStore(t *testing.T) {
	ring := testRing(t)
	good := testOWINCodec(t, ring, OWINOptions{Store: mapStore{}})
	text := encodeOWIN(t, good, good.NewTicket(carol(), nil))
	c := testOWINCodec(t, ring, OWINOptions{Store: brokenStore{}})
	if _, err := c.Decode(ctx, text); !errors.Is(err, errBroken) || errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
	if _, err := c.Encode(ctx, c.NewTicket(carol(), nil)); !errors.Is(err, errBroken) {
		t.Error(err)
	}
	if err := c.Delete(ctx, &OWINTicket{SessionKey: "k"}); !errors.Is(err, errBroken) {
		t.Error(err)
	}
}

func TestOWINPrintsNoSecrets(t *testing.T) {
	ticket := &OWINTicket{Identity: carol()}
	ticket.Identity.Bootstrap = Bootstrap{BootstrapString, []byte("s3cr3t")}
	ticket.Properties.Set("access_token", "s3cr3t")
	ticket.Properties.SetExpires(owinStart)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "t", ticket, "v", *ticket)
	bare, err := json.Marshal(ticket.Identity.Bootstrap)
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%v %+v %#v %s %q %d %v", ticket, ticket, ticket, ticket, *ticket, ticket, []*OWINTicket{ticket}) + log.String() + string(bare)
	if strings.Contains(all, "s3cr3t") || strings.Contains(all, "carol") || strings.Contains(all, base64.StdEncoding.EncodeToString([]byte("s3cr3t"))) {
		t.Error(all)
	}
	if want := "sessiontoken.OWINTicket{2 claims, issued none, expires 2024-07-13T21:05:30Z}"; ticket.String() != want {
		t.Error(ticket.String())
	}
}

func TestOWINAllocations(t *testing.T) {
	f := readOWINFile(t)
	c, _ := owinBench(t, f)
	for _, bt := range owinBenchTickets {
		v := f.vector(t, bt.vector)
		ticket := v.Input.ticket(OWINVersion3)
		read := testing.AllocsPerRun(100, func() {
			if _, err := c.Decode(ctx, *v.Text); err != nil {
				t.Fatal(err)
			}
		})
		write := testing.AllocsPerRun(100, func() { encodeOWIN(t, c, ticket) })
		t.Logf("%s: %v to read, %v to issue", bt.name, read, write)
		if poolsKeep() && (read > 3 || write > 1) { // ticket, text, claims; text
			t.Errorf("%s: %v allocations to read, %v to issue", bt.name, read, write)
		}
	}
}

// poolsKeep reports whether a sync.Pool gives back what it was given. Under
// the race detector it drops some of it, and allocations mean nothing.
func poolsKeep() bool {
	var p sync.Pool
	for range 100 {
		p.Put(&p)
		if p.Get() == nil {
			return false
		}
	}
	return true
}

func TestOWINConcurrent(t *testing.T) {
	f := readOWINFile(t)
	c, _ := owinBench(t, f)
	var wg sync.WaitGroup
	for _, bt := range owinBenchTickets {
		v := f.vector(t, bt.vector)
		for range 4 {
			wg.Go(func() {
				for range 20 {
					got, err := c.Decode(ctx, *v.Text)
					if err != nil || v.Ticket.diff(got) != "" {
						t.Errorf("%v, %v", got, err)
						return
					}
					if text, err := c.Encode(ctx, got); err != nil || len(text) < 100 {
						t.Errorf("%d bytes, %v", len(text), err)
						return
					}
				}
			})
		}
	}
	wg.Wait()
}
