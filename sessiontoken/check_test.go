package sessiontoken

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/limits"
	"github.com/webfarm-go/webfarm/internal/race"
	"github.com/webfarm-go/webfarm/machinekey"
)

// testRing returns a ring with a fresh key.
func testRing(t testing.TB) *machinekey.Ring {
	t.Helper()
	return ringOf(t, freshKey(t))
}

func freshKey(t testing.TB) *machinekey.Key {
	t.Helper()
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	key, err := machinekey.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func ringOf(t testing.TB, primary *machinekey.Key, older ...*machinekey.Key) *machinekey.Ring {
	t.Helper()
	ring, err := machinekey.NewRing(primary, older...)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func alice() Principal {
	return Principal{Identities: []Identity{{
		AuthenticationType: "Federation",
		Claims:             []Claim{{Type: ClaimTypeName, Value: "alice"}},
	}}}
}

func TestValidityToTheTick(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	const tick = 100 * time.Nanosecond
	for _, tc := range []struct {
		skew     time.Duration
		from, to time.Duration // relative to now
		want     error
	}{
		{0, -time.Hour, time.Hour, nil},
		{0, defaultClockSkew, time.Hour, nil},
		{0, defaultClockSkew + tick, time.Hour, ErrNotYetValid},
		{0, -time.Hour, -defaultClockSkew, nil},
		{0, -time.Hour, -defaultClockSkew - tick, ErrExpired},
		{-1, 0, 0, nil},
		{-1, tick, time.Hour, ErrNotYetValid},
		{-1, -time.Hour, -tick, ErrExpired},
		{time.Minute, -time.Hour, -time.Minute, nil},
		{time.Minute, -time.Hour, -time.Minute - tick, ErrExpired},
	} {
		c, err := NewSessionCodec(testRing(t),
			&SessionOptions{ClockSkew: tc.skew, Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		tok, err := c.NewToken(alice())
		if err != nil {
			t.Fatal(err)
		}
		tok.ValidFrom, tok.ValidTo = now.Add(tc.from), now.Add(tc.to)
		text, err := c.Encode(ctx, tok)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Decode(ctx, text); !errors.Is(err, tc.want) {
			t.Errorf("%+v: %v", tc, err)
		}
		if a := anatomy.Of(ctx, c.Decode, text); !errors.Is(a.Err, tc.want) || a.Content == nil {
			t.Errorf("%+v: Inspect says %v, token %v", tc, a.Err, a.Content)
		}
	}
}

func TestEndpoint(t *testing.T) {
	ring := testRing(t)
	for _, tc := range []struct {
		issued, read string
		want         error
	}{
		{"", "", nil},
		{"", "/app/", nil},
		{"/app/", "", nil},
		{"/app/", "/app/", nil},
		{"/app/", "/App/", ErrEndpoint},
		{"/app/", "/", ErrEndpoint},
	} {
		writer, err := NewSessionCodec(ring, &SessionOptions{Endpoint: tc.issued})
		if err != nil {
			t.Fatal(err)
		}
		reader, err := NewSessionCodec(ring, &SessionOptions{Endpoint: tc.read})
		if err != nil {
			t.Fatal(err)
		}
		tok, err := writer.NewToken(alice())
		if err != nil {
			t.Fatal(err)
		}
		text, err := writer.Encode(ctx, tok)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := reader.Decode(ctx, text); !errors.Is(err, tc.want) {
			t.Errorf("issued for %q, read at %q: %v", tc.issued, tc.read, err)
		}
	}
}

func TestNewToken(t *testing.T) {
	c, err := NewSessionCodec(testRing(t), &SessionOptions{Endpoint: "/x/", Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	a, err := c.NewToken(alice())
	if err != nil {
		t.Fatal(err)
	}
	b, err := c.NewToken(alice())
	if err != nil {
		t.Fatal(err)
	}
	if a.ID == b.ID || a.ContextID.Equal(b.ContextID) || a.Key.Equal(b.Key) {
		t.Error("two tokens share an identifier or key")
	}
	if id := a.contextID(); !strings.HasPrefix(id, "urn:uuid:") || len(id) != 45 || id[23] != '4' {
		t.Errorf("context id %q", id)
	}
	if len(a.ID) != 70 || a.ID[0] != '_' || a.ID[38:] != strings.ToUpper(a.ID[38:]) {
		t.Errorf("id %q", a.ID)
	}
	if a.EndpointID != "/x/" || a.ValidTo.Sub(a.ValidFrom) != time.Hour ||
		bytes.IndexByte(a.Key.Reveal(), 0) >= 0 || a.Key.Len() != 16 {
		t.Errorf("%+v", a)
	}
}

func TestRotation(t *testing.T) {
	older, newer := freshKey(t), freshKey(t)
	ring := ringOf(t, older)
	c, err := NewSessionCodec(ring, nil)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := c.NewToken(alice())
	if err != nil {
		t.Fatal(err)
	}
	text, err := c.Encode(ctx, tok)
	if err != nil {
		t.Fatal(err)
	}
	if err := ring.Replace(newer, older); err != nil {
		t.Fatal(err)
	}
	got, err := c.Decode(ctx, text)
	if err != nil {
		t.Fatal(err)
	}
	if got.OpenedBy() != older.ID() {
		t.Error("OpenedBy does not name the older key")
	}
	if text, err = c.Encode(ctx, got); err != nil {
		t.Fatal(err)
	}
	if got, err = c.Decode(ctx, text); err != nil || got.OpenedBy() != newer.ID() {
		t.Errorf("issued again: %v, %v", got, err)
	}
	if err := ring.Replace(freshKey(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Decode(ctx, text); err != ErrInvalid {
		t.Errorf("after the keys are gone: %v", err)
	}
}

func TestEncodeRefuses(t *testing.T) {
	c, err := NewSessionCodec(testRing(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Token){
		"no id":                   func(t *Token) { t.ID = "" },
		"no context id":           func(t *Token) { t.ContextID = machinekey.NewSecret([]byte("")) },
		"blank context id":        func(t *Token) { t.ContextID = machinekey.NewSecret([]byte(" ")) },
		"context id with line":    func(t *Token) { t.ContextID = machinekey.NewSecret([]byte("a\nb")) },
		"context id with blank":   func(t *Token) { t.ContextID = machinekey.NewSecret([]byte("a ")) },
		"key generation blank":    func(t *Token) { t.KeyGeneration = "\t" },
		"control in id":           func(t *Token) { t.ID = "a\x01" },
		"invalid UTF-8 id":        func(t *Token) { t.ID = "\xff" },
		"invalid UTF-8 claim":     func(t *Token) { t.Principal.Identities[0].Claims[0].Value = "\xff" },
		"invalid UTF-8 endpoint":  func(t *Token) { t.EndpointID = "\xed\xa0\x80" },
		"no identities":           func(t *Token) { t.Principal = Principal{} },
		"ends before it begins":   func(t *Token) { t.ValidTo = t.ValidFrom.Add(-1) },
		"year 10000":              func(t *Token) { t.ValidTo = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"year 0":                  func(t *Token) { t.KeyExpires = time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC) },
		"duplicate property":      func(t *Token) { t.Principal.Identities[0].Claims[0].Properties = Properties{{"a", "1"}, {"a", "2"}} },
		"reference mode no store": func(t *Token) { t.ReferenceMode = true },
		"unknown bootstrap":       func(t *Token) { t.Principal.Identities[0].BootstrapKind = "odd" },
		"too large": func(t *Token) {
			t.Principal.Identities[0].Claims[0].Value = strings.Repeat("x", limits.Token)
		},
		"circular actor": func(t *Token) {
			t.Principal.Identities[0].Actor = &t.Principal.Identities[0]
		},
	} {
		tok, err := c.NewToken(alice())
		if err != nil {
			t.Fatal(err)
		}
		spoil(tok)
		if text, err := c.Encode(ctx, tok); err == nil || text != "" ||
			!strings.HasPrefix(err.Error(), "sessiontoken: ") {
			t.Errorf("%s: issued %.20q, error %v", name, text, err)
		}
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	c, err := NewSessionCodec(testRing(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := c.NewToken(alice())
	if err != nil {
		t.Fatal(err)
	}
	tok.Key = machinekey.NewSecret([]byte("SECRETKEY"))
	tok.Principal.Identities[0].BootstrapKind, tok.Principal.Identities[0].Bootstrap = "string", machinekey.NewSecret([]byte("SECRETTOKEN"))
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "t", tok, "v", *tok, "b",
		tok.Principal.Identities[0].Bootstrap)
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "t", tok, "p", tok.Principal)
	asJSON, err := json.Marshal(tok)
	if err != nil {
		t.Fatal(err)
	}
	out := logged.String() + string(asJSON)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		out += fmt.Sprintf(verb, tok) + fmt.Sprintf(verb, *tok) + fmt.Sprintf(verb, tok.Principal)
	}
	for _, secret := range []string{"SECRET", "534543", "U0VDUk", "83 69 67"} {
		if strings.Contains(out, secret) {
			t.Errorf("%q in %s", secret, out)
		}
	}
}

func TestDecodeAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("sync.Pool is random under the race detector")
	}
	f := readFile(t, "sessiontoken_45.json")
	c := f.codec(t, "A", SessionOptions{})
	for _, bt := range benchTokens {
		_, text := benchToken(t, f, c, bt.vector)
		n := testing.AllocsPerRun(100, func() {
			if _, err := c.Decode(ctx, text); err != nil {
				t.Fatal(err)
			}
		})
		if n > 5 {
			t.Errorf("%s: %v allocations", bt.name, n)
		}
	}
}

func TestNewSessionCodecRefuses(t *testing.T) {
	if _, err := NewSessionCodec(nil, nil); err == nil {
		t.Error("no ring")
	}
	if _, err := NewSessionCodec(testRing(t), &SessionOptions{Lifetime: -1}); err == nil {
		t.Error("negative lifetime")
	}
}
