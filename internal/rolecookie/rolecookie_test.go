package rolecookie

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/base64"
	"github.com/webfarm-go/webfarm/internal/forms"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/internal/seal"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

var ctx = context.Background()

// protectorOf returns what protects role cookies with a fresh key.
func protectorOf(t *testing.T, mode machinekey.Mode, o machinekey.LegacyOptions) machinekey.Protector {
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
	ring, err := machinekey.NewRing(key)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ring.CookieProtector(o, machinekey.RolePurpose)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestRoleCookie(t *testing.T) {
	for _, m := range []struct {
		name       string
		mode       machinekey.Mode
		protection machinekey.Protection
	}{
		{"Framework45", machinekey.Framework45, machinekey.ProtectionAll},
		{"Framework20SP1", machinekey.Framework20SP1, machinekey.ProtectionAll},
		{"Framework20SP2 Encryption", machinekey.Framework20SP2, machinekey.ProtectionEncryption},
		{"Framework20SP2 Validation", machinekey.Framework20SP2, machinekey.ProtectionValidation},
	} {
		p := protectorOf(t, m.mode, machinekey.LegacyOptions{Protection: m.protection})
		payload := []byte("\x00\x01\x00\x00\x00\xff\xff\xff\xff opaque")
		text, err := Encode(p, payload)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(ctx, p, text)
		if err != nil || !bytes.Equal(got, payload) {
			t.Fatalf("%s: %q, %v", m.name, got, err)
		}
		if other, err := Decode(ctx, p, text); err != nil || &other[0] == &got[0] {
			t.Errorf("%s: two calls share memory", m.name)
		}
		protected, err := base64.DecodeURLToken(text)
		if err != nil {
			t.Fatal(err)
		}
		for i := range protected {
			for bit := range 8 {
				protected[i] ^= 1 << bit
				if got, err := Decode(ctx, p,
					base64.EncodeURLToken(protected)); err != sessiontoken.ErrInvalid ||
					got != nil {
					t.Fatalf("%s: bit %d: %q, %v", m.name, i*8+bit, got, err)
				}
				protected[i] ^= 1 << bit
			}
			if got, err := Decode(ctx, p,
				base64.EncodeURLToken(protected[:i])); err != sessiontoken.ErrInvalid ||
				got != nil {
				t.Fatalf("%s: %d bytes: %q, %v", m.name, i, got, err)
			}
		}
		if got, err := Decode(ctx, p, string(forms.AppendHex(nil,
			protected))); err != sessiontoken.ErrInvalid || got != nil {
			t.Errorf("%s: read hex: %q, %v", m.name, got, err)
		}
	}
}

func TestRoleCookieLimits(t *testing.T) {
	p := protectorOf(t, machinekey.Framework45, machinekey.LegacyOptions{})
	for _, n := range []int{4000, 1 << 24} {
		if text, err := Encode(p, make([]byte, n)); text != "" ||
			!errors.Is(err, layer.ErrTooLong) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	for _, text := range []string{strings.Repeat("A", 4097), strings.Repeat("A", 1<<20)} {
		used := allocated(func() {
			if got, err := Decode(ctx, p, text); got != nil || !errors.Is(err, layer.ErrTooLong) ||
				!errors.Is(err, sessiontoken.ErrInvalid) {
				t.Errorf("%d characters: %v", len(text), err)
			}
		})
		if used > 64<<10 {
			t.Errorf("allocated %d bytes", used)
		}
	}
	for _, opts := range []machinekey.LegacyOptions{{Protection: machinekey.InsecureProtectionNone},
		{InsecureUnsigned: true}} {
		p := protectorOf(t, machinekey.Framework20SP1, opts)
		if text, err := Encode(p, []byte("x")); err == nil || text != "" {
			t.Errorf("%+v: issued %q", opts, text)
		}
	}
}

// awayKeys are keys that cannot be reached.
type awayKeys struct{ machinekey.Protector }

func (awayKeys) Unprotect(context.Context, []byte, []byte) ([]byte, string, error) {
	return nil, "", seal.ErrUnavailable
}

// TestKeysOutOfReach wants the error of the keys: it says nothing about the cookie.
func TestKeysOutOfReach(t *testing.T) {
	p := protectorOf(t, machinekey.Framework45, machinekey.LegacyOptions{})
	text, err := Encode(p, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Decode(ctx, awayKeys{p}, text); !errors.Is(err, seal.ErrUnavailable) ||
		errors.Is(err, sessiontoken.ErrInvalid) {
		t.Error(err)
	}
}

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
