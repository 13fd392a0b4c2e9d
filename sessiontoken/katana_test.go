package sessiontoken

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/katana"
	"github.com/webfarm-go/webfarm/internal/limits"
	"github.com/webfarm-go/webfarm/machinekey"
)

// katanaStart is the clock of tests that issue.
var katanaStart = time.Date(2024, 7, 13, 21, 5, 30, 0, time.UTC)

func testKatanaCodec(t testing.TB, ring *machinekey.Ring, opts KatanaOptions) *KatanaCodec {
	t.Helper()
	if opts.Now == nil {
		opts.Now = func() time.Time { return katanaStart }
	}
	c, err := NewKatanaCodec(ring, Cookie("ApplicationCookie"), &opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func carol() Identity {
	return Identity{Claims: []Claim{{Type: ClaimTypeName, Value: "carol"},
		{Type: ClaimTypeRole, Value: "admin"}}}
}

func encodeKatana(t testing.TB, c *KatanaCodec, ticket *KatanaTicket) string {
	t.Helper()
	text, err := c.Encode(ctx, ticket)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestKatanaExpiryToTheSecond(t *testing.T) {
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
		c := testKatanaCodec(t, ring,
			KatanaOptions{Now: func() time.Time { return katanaStart.Add(tc.now) }})
		ticket := c.NewTicket(carol(), nil)
		ticket.Properties.SetTime(PropertyIssued, katanaStart.Add(tc.issued))
		ticket.Properties.SetTime(PropertyExpires, katanaStart.Add(tc.expires))
		text := encodeKatana(t, c, ticket)
		if got, err := c.Decode(ctx, text); !errors.Is(err, tc.want) ||
			(got == nil) != (err != nil) {
			t.Errorf("%+v: %v, %v", tc, got, err)
		}
		a := anatomy.Of(ctx, c.Decode, text)
		if !errors.Is(a.Err, tc.want) || a.Content == nil || len(a.Layers) != 5 ||
			a.Layers[4].Err != a.Err {
			t.Errorf("%+v: Inspect says %+v", tc, a)
		}
	}
}

// TestKatanaExpirySpelled ends a ticket whose names are in another case, and with
// InsecureNoExpiry as well. What .NET cannot read never ends there.
func TestKatanaExpirySpelled(t *testing.T) {
	ring := testRing(t)
	last := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for text, reads := range map[string]bool{
		"Mon, 01 Jan 2024 00:00:00 GMT": true, "MON, 01 JAN 2024 00:00:00 GMT": true, "mon, 01 jan 2024 00:00:00 GMT": true,
		"Mon, 01 Jan 2024 00:00:00 gmt": false, "Mon,  01 Jan 2024 00:00:00 GMT": false, "Mon, 01 Jan 2024 00:00:00 GMT ": false,
		"Tue, 01 Jan 2024 00:00:00 GMT": false, "TUE, 01 JAN 2024 00:00:00 GMT": false,
	} {
		for _, insecure := range []bool{false, true} {
			now := last
			c := testKatanaCodec(t, ring, KatanaOptions{InsecureNoExpiry: insecure,
				Now: func() time.Time { return now }})
			writer := testKatanaCodec(t, ring, KatanaOptions{InsecureNoExpiry: true})
			ticket := writer.NewTicket(carol(), nil)
			ticket.Properties.Set(PropertyExpires, text)
			cookie := encodeKatana(t, writer, ticket)
			for after, want := range map[time.Duration]error{0: nil, time.Second: ErrExpired} {
				switch {
				case !reads && insecure:
					want = nil
				case !reads:
					want = ErrUnsupported
				}
				now = last.Add(after)
				if got, err := c.Decode(ctx, cookie); !errors.Is(err, want) ||
					(got == nil) != (err != nil) {
					t.Errorf("%q after %v, InsecureNoExpiry %v: %v, want %v", text, after,
						insecure, err, want)
				}
			}
		}
	}
}

func TestKatanaIssueRefuses(t *testing.T) {
	c := testKatanaCodec(t, testRing(t), KatanaOptions{})
	claim := func(c Claim) func(*KatanaTicket) { return func(t *KatanaTicket) { t.Identity.Claims[0] = c } }
	property := func(name, value string) func(*KatanaTicket) {
		return func(t *KatanaTicket) { t.Properties = append(t.Properties, [2]string{name, value}) }
	}
	for _, tc := range []struct {
		name   string
		change func(*KatanaTicket)
	}{
		{"no expiry", func(t *KatanaTicket) { t.Properties = without(t.Properties, PropertyExpires) }},
		{"expiry in another form", func(t *KatanaTicket) { t.Properties.Set(PropertyExpires, "2030-01-01") }},
		{"expiry beyond .NET", func(t *KatanaTicket) {
			t.Properties.SetTime(PropertyExpires, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))
		}},
		{"issued in another form", func(t *KatanaTicket) { t.Properties.Set(PropertyIssued, "") }},
		{"unknown version", func(t *KatanaTicket) { t.Version = "7" }},
		{"claim type of one NUL", claim(Claim{Type: "\x00"})},
		{"value type of one NUL", claim(Claim{Type: "a", ValueType: "\x00"})},
		{"issuer of one NUL", claim(Claim{Type: "a", Issuer: "\x00"})},
		{"original issuer of one NUL", claim(Claim{Type: "a", OriginalIssuer: "\x00"})},
		{"name type of one NUL", func(t *KatanaTicket) { t.Identity.NameClaimType = "\x00" }},
		{"role type of one NUL", func(t *KatanaTicket) { t.Identity.RoleClaimType = "\x00" }},
		{"value not UTF-8", claim(Claim{Type: "a", Value: "\xff"})},
		{"type not UTF-8", claim(Claim{Type: "\xff"})},
		{"authentication type not UTF-8", func(t *KatanaTicket) { t.Identity.AuthenticationType = "\xff" }},
		{"bootstrap not UTF-8", func(t *KatanaTicket) {
			t.Identity.BootstrapKind, t.Identity.Bootstrap = "string", machinekey.NewSecret([]byte("\xff"))
		}},
		{"property not UTF-8", property("\xff", "")},
		{"property twice", property(PropertyIssued, dotnet.FormatRFC1123(katanaStart))},
		{"many properties", func(t *KatanaTicket) {
			for i := range limits.Properties {
				property(fmt.Sprint(i), "")(t)
			}
		}},
		{"many claims", func(t *KatanaTicket) { t.Identity.Claims = make([]Claim, limits.KatanaClaims+1) }},
		{"a large value", claim(Claim{Type: "a", Value: strings.Repeat("x", limits.Token)})},
		{"a reference", claim(Claim{Type: katana.SessionID, Value: "k"})},
	} {
		ticket := c.NewTicket(carol(), nil)
		tc.change(ticket)
		text, err := c.Encode(ctx, ticket)
		if text != "" || err == nil || !strings.HasPrefix(err.Error(),
			"sessiontoken: cannot issue: ") {
			t.Errorf("%s: %q, %v", tc.name, text, err)
		}
	}
	// Nothing of it may stick to the codec's memory.
	if got, err := c.Decode(ctx, encodeKatana(t, c, c.NewTicket(carol(), nil))); err != nil ||
		got.principal().Name() != "carol" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestKatanaConstructors(t *testing.T) {
	ring := testRing(t)
	for name, f := range map[string]func() (*KatanaCodec, error){
		"no ring":                  func() (*KatanaCodec, error) { return NewKatanaCodec(nil, AccessToken("Bearer"), nil) },
		"no ring for a cookie":     func() (*KatanaCodec, error) { return NewKatanaCodec(nil, Cookie("Cookies"), nil) },
		"no AuthenticationType":    func() (*KatanaCodec, error) { return NewKatanaCodec(ring, Cookie(""), nil) },
		"blank AuthenticationType": func() (*KatanaCodec, error) { return NewKatanaCodec(ring, Cookie(" "), nil) },
		"negative lifetime": func() (*KatanaCodec, error) {
			return NewKatanaCodec(ring, Cookie("Cookies"), &KatanaOptions{Lifetime: -1})
		},
		"unknown version": func() (*KatanaCodec, error) {
			return NewKatanaCodec(ring, Cookie("Cookies"), &KatanaOptions{Version: "9"})
		},
		"token with a store": func() (*KatanaCodec, error) {
			return NewKatanaCodec(ring, AccessToken("Bearer"), &KatanaOptions{Store: mapStore{}})
		},
		"other purposes with store": func() (*KatanaCodec, error) {
			return NewKatanaCodec(ring, Purposes("a"), &KatanaOptions{Store: mapStore{}})
		},
	} {
		if c, err := f(); err == nil || c != nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestKatanaKinds shows that no credential passes for another.
func TestKatanaKinds(t *testing.T) {
	ring := testRing(t)
	kinds := map[string]Purpose{
		"application cookie": Cookie("ApplicationCookie"), "external cookie": Cookie("ExternalCookie"),
		"access token": AccessToken("Bearer"), "refresh token": RefreshToken("Bearer"), "code": AuthorizationCode(),
		"state": Purposes(katana.StateGoogle, "Google", "v1"),
	}
	for issued, a := range kinds {
		writer, err := NewKatanaCodec(ring, a, nil)
		if err != nil {
			t.Fatal(err)
		}
		text := encodeKatana(t, writer, writer.NewTicket(carol(), nil))
		for read, b := range kinds {
			reader, err := NewKatanaCodec(ring, b, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := reader.Decode(ctx, text); issued != read && err != ErrInvalid ||
				(err == nil) != (got != nil) {
				t.Errorf("%s as %s: %v", issued, read, err)
			}
		}
	}
}

func TestKatanaAllocations(t *testing.T) {
	f := readKatanaFile(t)
	c, _ := katanaBench(t, f)
	for _, bt := range katanaBenchTickets {
		v := f.vector(t, bt.vector)
		ticket := v.Input.ticket("3")
		read := testing.AllocsPerRun(100, func() {
			if _, err := c.Decode(ctx, *v.Text); err != nil {
				t.Fatal(err)
			}
		})
		write := testing.AllocsPerRun(100, func() { encodeKatana(t, c, ticket) })
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

func TestKatanaConcurrent(t *testing.T) {
	f := readKatanaFile(t)
	c, _ := katanaBench(t, f)
	var wg sync.WaitGroup
	for _, bt := range katanaBenchTickets {
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
