package sessiontoken

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/dotnet"
	"github.com/webfarm-go/webfarm/internal/forms"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/machinekey"
)

// modeKey returns a fresh key in a mode.
func modeKey(t testing.TB, mode machinekey.Mode) *machinekey.Key {
	t.Helper()
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Mode = mode
	key, err := machinekey.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// formsCodec returns a codec with a fresh key at vectorTime.
func formsCodec(t testing.TB, mode machinekey.Mode, opts FormsOptions) *FormsCodec {
	t.Helper()
	if opts.Now == nil {
		opts.Now = vectorNow
	}
	c, err := NewFormsCodec(ringOf(t, modeKey(t, mode)), &opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustEncode(t testing.TB, c *FormsCodec, ticket *FormsTicket) string {
	t.Helper()
	text, err := c.Encode(ctx, ticket)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestNewFormsCodec(t *testing.T) {
	if _, err := NewFormsCodec(nil, nil); err == nil {
		t.Error("no ring")
	}
	if _, err := NewFormsCodec(new(machinekey.Ring), nil); err == nil {
		t.Error("a ring without keys")
	}
	ring := ringOf(t, modeKey(t, machinekey.Framework45))
	for _, opts := range []FormsOptions{{Lifetime: -1}, {ClockSkew: -1}} {
		if _, err := NewFormsCodec(ring, &opts); err == nil {
			t.Errorf("%v", opts)
		}
	}
	var config *machinekey.ConfigError
	for _, ring := range []*machinekey.Ring{
		ringOf(t, modeKey(t, "")),
		ringOf(t, modeKey(t, machinekey.Framework45), modeKey(t, "")),
	} {
		_, err := NewFormsCodec(ring, nil)
		if !errors.As(err, &config) || config.Attribute != "compatibilityMode" ||
			!strings.Contains(err.Error(), "Framework45") {
			t.Errorf("without a mode: %v", err)
		}
		if _, err := NewAnonymousCodec(ring, nil); !errors.As(err, &config) {
			t.Errorf("anonymous ids without a mode: %v", err)
		}
	}
}

func TestNewTicket(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 678, time.FixedZone("", 3600))
	c := formsCodec(t, machinekey.Framework45,
		FormsOptions{Lifetime: time.Hour, Path: "/app", Now: func() time.Time { return now }})
	ticket := c.NewTicket("alice", "x")
	begin := time.Date(2026, 1, 2, 2, 4, 5, 600, time.UTC)
	want := FormsTicket{Version: 2, Name: "alice", UserData: "x", CookiePath: "/app",
		IssueDate: begin, Expiration: begin.Add(time.Hour)}
	if *ticket != want {
		t.Errorf("got %+v", *ticket)
	}
	if c = formsCodec(t, machinekey.Framework45, FormsOptions{}); c.NewTicket("",
		"").CookiePath != "/" {
		t.Error("default path")
	}
	if ticket = c.NewTicket("", ""); ticket.Expiration.Sub(ticket.IssueDate) != 30*time.Minute {
		t.Error("default timeout")
	}
}

func TestFormsRoundTrip(t *testing.T) {
	for _, mode := range []machinekey.Mode{machinekey.Framework45, machinekey.Framework20SP1,
		machinekey.Framework20SP2} {
		for _, protection := range []machinekey.Protection{machinekey.ProtectionAll,
			machinekey.ProtectionEncryption, machinekey.ProtectionValidation} {
			c := formsCodec(t, mode, FormsOptions{Protection: protection})
			ticket := c.NewTicket("Łukasz 日本 😀", "a\x00b")
			ticket.Persistent, ticket.Version, ticket.CookiePath = true, 255, ""
			text := mustEncode(t, c, ticket)
			for _, text := range []string{text, asURLToken(t, text)} {
				got, err := c.Decode(ctx, text)
				if err != nil {
					t.Fatalf("%v %v: %v", mode, protection, err)
				}
				got.openedBy = ""
				if !reflect.DeepEqual(got, ticket) {
					t.Fatalf("%v %v: %+v", mode, protection, got)
				}
			}
		}
	}
}

func TestFormsValidity(t *testing.T) {
	now := vectorTime
	const tick = 100 * time.Nanosecond
	for _, tc := range []struct {
		skew, issued, expires time.Duration // the last two relative to now
		want                  error
	}{
		{0, -time.Hour, time.Hour, nil},
		{0, time.Hour, 2 * time.Hour, nil}, // .NET does not look at the issue date
		{0, -time.Hour, 0, nil},
		{0, -time.Hour, -tick, ErrExpired},
		{time.Minute, -time.Hour, -time.Minute, nil},
		{time.Minute, -time.Hour, -time.Minute - tick, ErrExpired},
		{0, time.Hour, -time.Hour, ErrExpired},
	} {
		c := formsCodec(t, machinekey.Framework45, FormsOptions{ClockSkew: tc.skew})
		ticket := c.NewTicket("alice", "")
		ticket.IssueDate, ticket.Expiration = now.Add(tc.issued), now.Add(tc.expires)
		text := mustEncode(t, c, ticket)
		if got, err := c.Decode(ctx, text); !errors.Is(err, tc.want) ||
			(got == nil) != (err != nil) {
			t.Errorf("%+v: %v", tc, err)
		}
		if p, err := c.ReadPrincipal(ctx, text); !errors.Is(err, tc.want) ||
			(p == nil) != (err != nil) {
			t.Errorf("%+v: %v", tc, err)
		}
	}
}

func TestFormsRenew(t *testing.T) {
	begin := vectorTime
	ticket := &FormsTicket{Name: "a", UserData: "d", CookiePath: "/", IssueDate: begin,
		Expiration: begin.Add(20 * time.Minute), openedBy: "0badcafe"}
	const tick = 100 * time.Nanosecond
	for _, tc := range []struct {
		after time.Duration
		want  bool
	}{
		{-time.Hour, false}, {0, false}, {10*time.Minute - tick, false}, {10 * time.Minute, true},
		{20 * time.Minute, true}, {20*time.Minute + tick, false}, {time.Hour, false},
	} {
		now := begin.Add(tc.after)
		got, renewed := ticket.renew(now.In(time.FixedZone("", 7200)))
		if renewed != tc.want {
			t.Errorf("after %v: %v", tc.after, renewed)
			continue
		}
		want := *ticket
		if renewed {
			want.IssueDate, want.Expiration, want.openedBy = now, now.Add(20*time.Minute), ""
		}
		if !reflect.DeepEqual(*got, want) {
			t.Errorf("after %v: %+v", tc.after, *got)
		}
	}
	end := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	for name, ticket := range map[string]*FormsTicket{
		"beyond the year 9999":         {IssueDate: end.Add(-time.Hour), Expiration: end},
		"times that .NET cannot hold":  {IssueDate: time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC), Expiration: end},
		"centuries, more than 1<<63ns": {IssueDate: time.Time{}, Expiration: end},
	} {
		if got, renewed := ticket.renew(end.Add(-time.Minute)); renewed || got != ticket {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestFormsPrincipal(t *testing.T) {
	opts := FormsOptions{Roles: func(userData string) []string { return strings.Split(userData, ",") }}
	c := formsCodec(t, machinekey.Framework45, opts)
	p, err := c.ReadPrincipal(ctx, mustEncode(t, c, c.NewTicket("alice", "admin,staff")))
	if err != nil {
		t.Fatal(err)
	}
	claim := func(claimType, value string) Claim {
		return Claim{Type: claimType, Value: value, ValueType: dotnet.ValueTypeString,
			Issuer: dotnet.LocalAuthority, OriginalIssuer: dotnet.LocalAuthority}
	}
	want := &Principal{Identities: []Identity{{
		AuthenticationType: "Forms", NameClaimType: ClaimTypeName, RoleClaimType: ClaimTypeRole,
		Claims: []Claim{claim(ClaimTypeName, "alice"), claim(ClaimTypeRole, "admin"),
			claim(ClaimTypeRole, "staff")},
	}}}
	if !reflect.DeepEqual(p, want) || p.Name() != "alice" || !p.HasRole("staff") ||
		!p.IsAuthenticated() {
		t.Errorf("%+v", p)
	}
	c = formsCodec(t, machinekey.Framework20SP2, FormsOptions{})
	if p, err = c.ReadPrincipal(ctx, mustEncode(t, c, c.NewTicket("", "admin"))); err != nil ||
		p.Name() != "" || p.HasRole("admin") || len(p.Identities[0].Claims) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err = c.ReadPrincipal(ctx, "00"); p != nil || err != ErrInvalid {
		t.Errorf("%+v, %v", p, err)
	}
	var _ Reader = c
}

func TestFormsEncodeRefuses(t *testing.T) {
	c := formsCodec(t, machinekey.Framework45, FormsOptions{})
	for name, tc := range map[string]struct {
		spoil   func(*FormsTicket)
		tooLong bool
	}{
		"NUL in name":       {func(t *FormsTicket) { t.Name = "admin\x00x" }, false},
		"NUL in path":       {func(t *FormsTicket) { t.CookiePath = "/\x00" }, false},
		"name not UTF-8":    {func(t *FormsTicket) { t.Name = "\xff" }, false},
		"surrogate in name": {func(t *FormsTicket) { t.Name = "a\xed\xa0\x80" }, false},
		"data not UTF-8":    {func(t *FormsTicket) { t.UserData = "\xff" }, false},
		"path not UTF-8":    {func(t *FormsTicket) { t.CookiePath = "\xff" }, false},
		"year 10000":        {func(t *FormsTicket) { t.Expiration = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, false},
		"year 0":            {func(t *FormsTicket) { t.IssueDate = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC) }, false},
		"2000 characters":   {func(t *FormsTicket) { t.UserData = strings.Repeat("x", 2000) }, true},
		"16 MiB":            {func(t *FormsTicket) { t.UserData = strings.Repeat("x", 16<<20) }, true},
	} {
		ticket := c.NewTicket("alice", "")
		tc.spoil(ticket)
		text, err := c.Encode(ctx, ticket)
		if err == nil || text != "" || !strings.HasPrefix(err.Error(),
			"sessiontoken: cannot issue: ") || errors.Is(err, layer.ErrTooLong) != tc.tooLong {
			t.Errorf("%s: issued %.20q, error %v", name, text, err)
		}
	}
	for _, opts := range []FormsOptions{
		{Protection: machinekey.InsecureProtectionNone},
		{InsecureUnsigned: true},
		{Protection: machinekey.ProtectionEncryption, InsecureUnsigned: true},
		{InsecureOldLayout: true},
	} {
		c := formsCodec(t, machinekey.Framework20SP1, opts)
		if text, err := c.Encode(ctx, c.NewTicket("alice", "")); err == nil || text != "" {
			t.Errorf("%+v: issued %q", opts, text)
		}
	}
}

// TestFormsLength issues tickets of every length up to the limit: what is
// issued can be read, and the longest have exactly the most characters.
func TestFormsLength(t *testing.T) {
	c := formsCodec(t, machinekey.Framework45, FormsOptions{})
	longest := 0
	for n := 880; n < 1000; n++ {
		text, err := c.Encode(ctx, c.NewTicket("u", strings.Repeat("x", n)))
		if err != nil {
			if !errors.Is(err, layer.ErrTooLong) {
				t.Fatal(err)
			}
			continue
		}
		longest = max(longest, len(text))
		if _, err := c.Decode(ctx, text); err != nil {
			t.Fatalf("%d characters: %v", len(text), err)
		}
	}
	if longest != 4096 {
		t.Errorf("longest has %d characters", longest)
	}
}

// TestFormsMixedModes is the migration of a farm from the legacy modes to
// Framework45 with the same keys, and on to new keys.
func TestFormsMixedModes(t *testing.T) {
	cfg, err := machinekey.Generate(machinekey.HMACSHA1, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	keyIn := func(mode machinekey.Mode) *machinekey.Key {
		cfg := cfg
		cfg.Mode = mode
		key, err := machinekey.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	legacy, modern, fresh := keyIn(machinekey.Framework20SP1), keyIn(machinekey.Framework45), modeKey(t, machinekey.Framework45)
	ring := ringOf(t, legacy)
	c, err := NewFormsCodec(ring, nil)
	if err != nil {
		t.Fatal(err)
	}
	one := mustEncode(t, c, c.NewTicket("one", ""))
	opened := func(text string, want *machinekey.Key) {
		t.Helper()
		got, err := c.Decode(ctx, text)
		if want == nil {
			if err != ErrInvalid || got != nil {
				t.Errorf("still read: %v, %v", got, err)
			}
		} else if err != nil || got.OpenedBy() != want.ID() {
			t.Errorf("got %v, %v", got, err)
		}
	}
	replace := func(primary *machinekey.Key, older ...*machinekey.Key) {
		t.Helper()
		if err := ring.Replace(primary, older...); err != nil {
			t.Fatal(err)
		}
	}
	replace(legacy, modern) // the first key writes as before, both read
	opened(one, legacy)
	replace(modern, legacy)
	two := mustEncode(t, c, c.NewTicket("two", ""))
	opened(one, legacy)
	opened(two, modern)
	replace(fresh, modern, legacy)
	opened(one, legacy)
	opened(two, modern)
	replace(fresh, legacy) // the first key stays, another goes
	opened(one, legacy)
	opened(two, nil)
	replace(fresh)
	opened(one, nil)
	replace(fresh, modern) // and comes back
	opened(two, modern)
	replace(modern)
	opened(two, modern)

	// A key that cannot be used is refused by the ring, and changes nothing.
	var config *machinekey.ConfigError
	if err := ring.Replace(modeKey(t, "")); !errors.As(err, &config) {
		t.Errorf("a key without a mode: %v", err)
	}
	opened(two, modern)
}

// TestFormsReplaceWhileReading is for the race detector: what is issued under
// any keys of the ring can always be read.
func TestFormsReplaceWhileReading(t *testing.T) {
	a, b := modeKey(t, machinekey.Framework45), modeKey(t, machinekey.Framework20SP2)
	ring := ringOf(t, a, b)
	c, err := NewFormsCodec(ring, nil)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for j := range 100 {
				if i == 0 {
					if j%2 == 0 {
						ring.Replace(b, a)
					} else {
						ring.Replace(a, b)
					}
					continue
				}
				name := fmt.Sprint(i, j)
				text, err := c.Encode(ctx, c.NewTicket(name, ""))
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := c.Decode(ctx, text); err != nil || got.Name != name {
					t.Errorf("%v, %v", got, err)
					return
				}
			}
		}()
	}
	wg.Wait()
}

func TestFormsInspect(t *testing.T) {
	c := formsCodec(t, machinekey.Framework20SP1,
		FormsOptions{Protection: machinekey.InsecureProtectionNone})
	data, err := c.NewTicket("alice", "s3cr3t").bytes().Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	a := anatomy.Of(ctx, c.Decode, string(forms.AppendHex(nil, data)))
	text := fmt.Sprint(a.Layers)
	if a.Err != nil || a.Content == nil || a.Content.(*FormsTicket).UserData != "s3cr3t" ||
		len(a.Layers) != 4 || !strings.Contains(text, "anybody") ||
		!strings.Contains(text, `"alice"`) || !strings.Contains(text, "Framework20SP1") {
		t.Errorf("%v %v", a.Err, text)
	}
	c = formsCodec(t, machinekey.Framework45, FormsOptions{})
	if a = anatomy.Of(ctx, c.Decode, "zz"); a.Err != ErrInvalid || len(a.Layers) != 1 {
		t.Errorf("%+v", a)
	}
	if a = anatomy.Of(ctx, c.Decode, strings.Repeat("00", 100)); a.Content != nil ||
		a.Err != ErrInvalid || len(a.Layers) != 2 {
		t.Errorf("%+v", a)
	}
}

func TestFormsTicketPrintsNoUserData(t *testing.T) {
	ticket := FormsTicket{Name: "alice", UserData: "SECRET"}
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "t", ticket, "p", &ticket)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "t", ticket, "p", &ticket)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb, ticket, &ticket)
	}
	if s := out.String(); strings.Contains(s, "SECRET") || strings.Contains(s, "534543") ||
		!strings.Contains(s, "alice") {
		t.Error(s)
	}
	if _, err := json.Marshal(ticket); err != nil {
		t.Error(err)
	}
}
