package sessiontoken

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/base64"
	"github.com/webfarm-go/webfarm/internal/forms"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/machinekey"
)

func TestRoleCookie(t *testing.T) {
	for _, m := range formsModes {
		c, err := NewRoleCookieCodec(ringOf(t, modeKey(t, m.mode)), &RoleCookieOptions{Protection: m.protection})
		if err != nil {
			t.Fatal(err)
		}
		payload := []byte("\x00\x01\x00\x00\x00\xff\xff\xff\xff opaque")
		text, err := c.Encode(ctx, payload)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Decode(ctx, text)
		if err != nil || !bytes.Equal(got, payload) {
			t.Fatalf("%s: %q, %v", m.name, got, err)
		}
		if other, err := c.Decode(ctx, text); err != nil || &other[0] == &got[0] {
			t.Errorf("%s: two calls share memory", m.name)
		}
		protected, err := base64.DecodeURLToken(text)
		if err != nil {
			t.Fatal(err)
		}
		for i := range protected {
			for bit := range 8 {
				protected[i] ^= 1 << bit
				if got, err := c.Decode(ctx, base64.EncodeURLToken(protected)); err != ErrInvalid || got != nil {
					t.Fatalf("%s: bit %d: %q, %v", m.name, i*8+bit, got, err)
				}
				protected[i] ^= 1 << bit
			}
			if got, err := c.Decode(ctx, base64.EncodeURLToken(protected[:i])); err != ErrInvalid || got != nil {
				t.Fatalf("%s: %d bytes: %q, %v", m.name, i, got, err)
			}
		}
		if got, err := c.Decode(ctx, string(forms.AppendHex(nil, protected))); err != ErrInvalid || got != nil {
			t.Errorf("%s: read hex: %q, %v", m.name, got, err)
		}
	}
}

func TestRoleCookieLimits(t *testing.T) {
	c, err := NewRoleCookieCodec(ringOf(t, modeKey(t, machinekey.Framework45)), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{4000, 1 << 24} {
		if text, err := c.Encode(ctx, make([]byte, n)); text != "" || !errors.Is(err, layer.ErrTooLong) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	for _, text := range []string{strings.Repeat("A", 4097), strings.Repeat("A", 1<<20)} {
		used := allocated(func() {
			if got, err := c.Decode(ctx, text); got != nil || !errors.Is(err, layer.ErrTooLong) || !errors.Is(err, ErrInvalid) {
				t.Errorf("%d characters: %v", len(text), err)
			}
		})
		if used > formsHeapBound {
			t.Errorf("allocated %d bytes", used)
		}
	}
	for _, opts := range []RoleCookieOptions{{Protection: machinekey.InsecureProtectionNone}, {InsecureUnsigned: true}} {
		c, err := NewRoleCookieCodec(ringOf(t, modeKey(t, machinekey.Framework20SP1)), &opts)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := c.Encode(ctx, []byte("x")); err == nil || text != "" {
			t.Errorf("%+v: issued %q", opts, text)
		}
	}
}
