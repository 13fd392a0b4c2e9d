package sessiontoken

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/seal"
	"github.com/webfarm-go/webfarm/machinekey"
)

// otherKeys are keys of another world: a machine key that has no modes and
// whose id is no fingerprint, and that can be out of reach.
type otherKeys struct {
	ring *machinekey.Ring
	away error
}

func (k *otherKeys) KeyStatus(keyID string) (known, renew bool) { return keyID == "other", false }

func (k *otherKeys) Protector(purposes ...string) (Protector, error) {
	p, err := k.ring.Protector(purposes...)
	return otherProtector{k, p}, err
}

type otherProtector struct {
	keys *otherKeys
	p    Protector
}

func (p otherProtector) Protect(dst, plaintext []byte) ([]byte, error) {
	return p.p.Protect(dst, plaintext)
}

func (p otherProtector) Unprotect(ctx context.Context, dst, protected []byte) ([]byte, string, error) {
	if p.keys.away != nil {
		return dst, "", p.keys.away
	}
	out, _, err := p.p.Unprotect(ctx, dst, protected)
	return out, "other", err
}

// TestOtherKeys wants every codec to work over keys that are no machine keys,
// to name them by their id, and to keep a failure of theirs apart from a
// credential that is not good.
func TestOtherKeys(t *testing.T) {
	keys := &otherKeys{ring: ringOf(t, freshKey(t))}
	session, err := NewSessionCodec(keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	referring, err := NewSessionCodec(keys, &SessionOptions{Store: mapStore{}})
	if err != nil {
		t.Fatal(err)
	}
	katana, err := NewKatanaCodec(keys, Cookie("ApplicationCookie"),
		&KatanaOptions{Store: mapStore{}})
	if err != nil {
		t.Fatal(err)
	}
	forms, err := NewFormsCodec(keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	anonymous, err := NewAnonymousCodec(keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	opened := func(by func() string, err error) (string, error) {
		if err != nil {
			return "", err
		}
		return by(), nil
	}
	whole := func() (string, error) {
		token, err := session.NewToken(alice())
		if err != nil {
			return "", err
		}
		return session.Encode(ctx, token)
	}
	for name, codec := range map[string]struct {
		encode func() (string, error)
		decode func(text string) (openedBy string, err error)
	}{
		"session": {whole, func(text string) (string, error) {
			t, err := session.Decode(ctx, text)
			return opened(t.OpenedBy, err)
		}},
		"reference": {func() (string, error) {
			token, err := referring.NewToken(alice())
			if err != nil {
				return "", err
			}
			token.ReferenceMode = true
			return referring.Encode(ctx, token)
		}, func(text string) (string, error) {
			t, err := referring.Decode(ctx, text)
			return opened(t.OpenedBy, err)
		}},
		"Katana": {func() (string, error) { return katana.Encode(ctx, katana.NewTicket(carol(), nil)) },
			func(text string) (string, error) {
				t, err := katana.Decode(ctx, text)
				return opened(t.OpenedBy, err)
			}},
		"forms": {func() (string, error) { return forms.Encode(ctx, forms.NewTicket("bob", "")) },
			func(text string) (string, error) {
				t, err := forms.Decode(ctx, text)
				return opened(t.OpenedBy, err)
			}},
		"anonymous": {func() (string, error) { return anonymous.Encode(ctx, anonymous.NewID()) },
			func(text string) (string, error) {
				r := anatomy.Of(ctx, anonymous.Decode, text)
				if r.Err != nil {
					return "", r.Err
				}
				return r.Layers[0].Facts[0].Value, nil
			}},
	} {
		keys.away = nil
		text, err := codec.encode()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if by, err := codec.decode(text); err != nil || by != "other" {
			t.Errorf("%s: opened by %q, %v", name, by, err)
		}
		keys.away = fmt.Errorf("other: %w", seal.ErrUnprotect)
		if _, err := codec.decode(text); !errors.Is(err, ErrInvalid) ||
			errors.Is(err, seal.ErrUnprotect) {
			t.Errorf("%s with a refusal: %v", name, err)
		}
		keys.away = fmt.Errorf("other: %w", seal.ErrUnavailable)
		if _, err := codec.decode(text); errors.Is(err, ErrInvalid) ||
			!errors.Is(err, seal.ErrUnavailable) {
			t.Errorf("%s with keys out of reach: %v", name, err)
		}
	}
}

// TestMachineKeysOnly wants an error where only machine keys can serve.
func TestMachineKeysOnly(t *testing.T) {
	keys := &otherKeys{ring: ringOf(t, freshKey(t))}
	if _, err := NewFormsCodec(keys,
		&FormsOptions{Protection: machinekey.ProtectionEncryption}); err == nil {
		t.Error("an option of machine keys counts for nothing, in silence")
	}
	if _, err := NewSessionCodec(keys, &SessionOptions{WIF10: true}); err == nil {
		t.Error("MachineKey.Encode without machine keys")
	}
	var none *machinekey.Ring // not nil as Keys
	if _, err := NewFormsCodec(none, nil); err == nil {
		t.Error("a nil ring makes a codec")
	}
	if _, err := NewKatanaCodec(nil, Purposes(nil...), nil); err == nil {
		t.Error("no keys make a codec")
	}
	c, err := NewSessionCodec(none,
		&SessionOptions{Transforms: []Protector{scriptedTransform{same, same}}})
	if err != nil || c.Traits().Keys != nil {
		t.Errorf("transforms without keys: %v, %v", c, err)
	}
}
