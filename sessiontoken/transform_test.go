package sessiontoken

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/webfarm-go/webfarm/internal/flate"
	"github.com/webfarm-go/webfarm/internal/limits"
	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/internal/wif"
	"github.com/webfarm-go/webfarm/machinekey"
)

// readyTransforms returns one of each.
func readyTransforms(t testing.TB) map[string]Protector {
	t.Helper()
	ring := testRing(t)
	mk, err := MachineKeyTransform(ring)
	if err != nil {
		t.Fatal(err)
	}
	text, err := MachineKeyEncodeTransform(ring)
	if err != nil {
		t.Fatal(err)
	}
	f := readRSA(t)
	chain := certificateChain(t,
		CertificateOptions{Certificates: []tls.Certificate{f.certificate(t, "rsa2048")}})
	return map[string]Protector{"deflate": DeflateTransform(), "machine key": mk,
		"machine key (hex)": text, "rsa encryption": chain[1], "rsa signature": chain[2]}
}

func TestReadyTransforms(t *testing.T) {
	for name, tr := range readyTransforms(t) {
		if layer, ready := layerOf(tr); layer != name || !ready {
			t.Errorf("%s: name %q, ready: %v", name, layer, ready)
		}
		data := bytes.Repeat([]byte("claims "), 100)
		encoded, err := tr.Protect([]byte("dst"), data)
		if err != nil || !bytes.HasPrefix(encoded, []byte("dst")) {
			t.Fatalf("%s: %v", name, err)
		}
		decoded, _, err := tr.Unprotect(ctx, []byte("dst"), encoded[3:])
		if err != nil || string(decoded) != "dst"+string(data) {
			t.Errorf("%s: %v", name, err)
		}
		for _, empty := range [][]byte{nil, {}} {
			if out, err := tr.Protect([]byte("dst"), empty); err == nil || string(out) != "dst" {
				t.Errorf("%s: Protect of nothing: %q, %v", name, out, err)
			}
			if out, _, err := tr.Unprotect(ctx, []byte("dst"), empty); err == nil ||
				string(out) != "dst" {
				t.Errorf("%s: Unprotect of nothing: %q, %v", name, out, err)
			}
		}
		for n := range 200 {
			if out, _, err := tr.Unprotect(ctx, []byte("dst"),
				bytes.Repeat([]byte{0xFF}, n)); err == nil || string(out) != "dst" {
				t.Errorf("%s: Unprotect of junk: %v", name, err)
			}
		}
	}
}

func TestTransformsRefused(t *testing.T) {
	ready := readyTransforms(t)
	legacy, err := machinekey.New(machinekey.Config{ValidationKey: machinekey.NewSecret(seed.Of(t).Bytes(64)), DecryptionKey: machinekey.NewSecret(seed.Of(t).Bytes(24)),
		Validation: machinekey.LegacyAES, Mode: machinekey.Framework20SP2})
	if err != nil {
		t.Fatal(err)
	}
	ring := testRing(t)
	for _, tc := range []struct {
		name string
		ring *machinekey.Ring
		o    SessionOptions
		want string
	}{
		{"no keys", nil, SessionOptions{}, "needs keys"},
		{"no keys, 1.0", nil, SessionOptions{WIF10: true}, "needs machine keys"},
		{"empty list", ring, SessionOptions{Transforms: []Protector{}}, "is empty"},
		{"nil transform", ring, SessionOptions{Transforms: []Protector{nil, ready["machine key"]}},
			"Transforms[0] is nil"},
		{"deflate alone", ring, SessionOptions{Transforms: []Protector{ready["deflate"]}},
			`"deflate", does not authenticate`},
		{"deflate last", ring, SessionOptions{Transforms: []Protector{ready["machine key"],
			ready["deflate"]}}, "does not authenticate"},
		{"encryption alone", ring, SessionOptions{Transforms: []Protector{ready["deflate"],
			ready["rsa encryption"]}}, "does not authenticate"},
		{"encryption last", ring, SessionOptions{Transforms: []Protector{ready["deflate"],
			ready["rsa signature"], ready["rsa encryption"]}}, "does not authenticate"},
		{"store without keys", nil, SessionOptions{Transforms: []Protector{ready["rsa signature"]},
			Store: mapStore{}}, "Store needs keys"},
		{"legacy key in 4.5", ringOf(t, legacy), SessionOptions{}, "invalid validation algorithm"},
		{"legacy key and store", ringOf(t, legacy), SessionOptions{WIF10: true, Store: mapStore{}},
			"invalid validation algorithm"},
	} {
		if c, err := NewSessionCodec(tc.ring, &tc.o); err == nil || c != nil ||
			!strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	// What 4.5 cannot use serves WIF 1.0.
	if _, err := NewSessionCodec(ringOf(t, legacy), &SessionOptions{WIF10: true}); err != nil {
		t.Error(err)
	}
	if _, err := MachineKeyTransform(nil); err == nil {
		t.Error("MachineKeyTransform without a ring")
	}
	if _, err := MachineKeyEncodeTransform(nil); err == nil {
		t.Error("MachineKeyEncodeTransform without a ring")
	}
}

// scriptedTransform does what its fields say.
type scriptedTransform struct {
	protect, unprotect func(data []byte) ([]byte, error)
}

func (t scriptedTransform) Protect(_, data []byte) ([]byte, error) { return t.protect(data) }

func (t scriptedTransform) Unprotect(_ context.Context, _, data []byte) ([]byte, string, error) {
	out, err := t.unprotect(data)
	return out, "a key", err
}

func same(data []byte) ([]byte, error) { return data, nil }

// TestForeignTransforms runs transforms of all kinds, among them one that
// returns its argument, in every place of a chain.
func TestForeignTransforms(t *testing.T) {
	ready := readyTransforms(t)
	identity := scriptedTransform{same, same}
	for _, chain := range [][]Protector{
		{ready["machine key"]},
		{ready["rsa signature"]},
		{ready["rsa encryption"], ready["machine key (hex)"]},
		{identity, ready["deflate"], ready["machine key"]},
		{ready["deflate"], identity, ready["machine key"]},
		{ready["deflate"], identity, identity, identity, ready["rsa signature"],
			ready["machine key (hex)"], ready["machine key"]},
		{ready["deflate"], ready["rsa signature"], scriptedTransform{same, same}},
	} {
		for _, f := range []wif.Version{wif.V45, wif.V10} {
			c, err := NewSessionCodec(nil, &SessionOptions{WIF10: f == wif.V10, Transforms: chain})
			if err != nil {
				t.Fatal(err)
			}
			tok, err := c.NewToken(alice())
			if err != nil {
				t.Fatal(err)
			}
			for range 3 { // with fresh and with used buffers
				text, err := c.Encode(ctx, tok)
				if err != nil {
					t.Fatal(err)
				}
				got, err := c.Decode(ctx, text)
				if err != nil || got.ID != tok.ID || got.Principal.Name() != "alice" {
					t.Fatalf("%d transforms, %v: %v, %v", len(chain), f, got, err)
				}
			}
		}
	}
}

func TestTransformErrors(t *testing.T) {
	ready := readyTransforms(t)
	boom := errors.New("boom")
	fail := func([]byte) ([]byte, error) { return nil, boom }
	codec := func(chain ...Protector) *SessionCodec {
		c, err := NewSessionCodec(nil, &SessionOptions{Transforms: chain})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	tok, good := newFormatToken(t, testRing(t), wif.V45)
	decode := func(c *SessionCodec, protected []byte) error {
		got, err := c.Decode(ctx, envelopeText(tok, protected))
		if got != nil {
			t.Error("a token")
		}
		return err
	}
	if _, err := good.Encode(ctx, tok); err != nil {
		t.Fatal(err)
	}
	if err := decode(codec(scriptedTransform{same, fail}), []byte("x")); err != ErrInvalid {
		t.Errorf("outermost: %v", err)
	}
	var at *FormatError
	outer := scriptedTransform{same, same}
	err := decode(codec(ready["deflate"], scriptedTransform{same, fail}, outer), []byte("x"))
	if !errors.As(err, &at) || at.Layer != "transform" || !errors.Is(err, boom) ||
		!errors.Is(err, ErrInvalid) {
		t.Errorf("inner: %v", err)
	}
	if err := decode(codec(ready["deflate"], outer), []byte("\x07")); !errors.As(err, &at) ||
		at.Layer != "deflate" || !errors.Is(err, flate.ErrCorrupt) {
		t.Errorf("deflate: %v", err)
	}
	large := scriptedTransform{same,
		func([]byte) ([]byte, error) { return make([]byte, limits.Token+1), nil }}
	if err := decode(codec(large), []byte("x")); !errors.Is(err, flate.ErrTooLarge) {
		t.Errorf("large: %v", err)
	}
	if text, err := codec(scriptedTransform{fail, same}).Encode(ctx, tok); !errors.Is(err, boom) ||
		text != "" || !strings.HasPrefix(err.Error(), "sessiontoken: cannot issue: transform: ") {
		t.Errorf("Encode: %v", err)
	}
	double := scriptedTransform{func(data []byte) ([]byte, error) { return make([]byte, limits.Text), nil }, same}
	if text, err := codec(double).Encode(ctx, tok); err == nil || text != "" {
		t.Errorf("a text that is not read again: %v", err)
	}
	empty := scriptedTransform{same, func([]byte) ([]byte, error) { return nil, nil }}
	for _, f := range []wif.Version{wif.V45, wif.V10} {
		c, err := NewSessionCodec(nil, &SessionOptions{Transforms: []Protector{empty},
			WIF10: f == wif.V10})
		if err != nil {
			t.Fatal(err)
		}
		if err := decode(c, []byte("x")); !errors.As(err, &at) || !errors.Is(err, ErrInvalid) {
			t.Errorf("%v: empty payload: %v", f, err)
		}
	}
	// The DPAPI is recognised under every chain.
	if err := decode(codec(ready["deflate"], ready["rsa signature"]),
		append([]byte(dpapiHead), 1, 2, 3)); err != errDPAPI {
		t.Errorf("DPAPI: %v", err)
	}
}

// TestChainsAtTheSameTime is for the race detector.
func TestChainsAtTheSameTime(t *testing.T) {
	for _, tc := range chainCases(t) {
		text := envelopeText(tc.ids, tc.a)
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				for range 20 {
					tok, err := tc.codec.Decode(ctx, text)
					if err != nil || tok.ID != tc.ids.ID {
						t.Errorf("%s: %v", tc.name, err)
						return
					}
					if _, err := tc.codec.Encode(ctx, tok); err != nil {
						t.Errorf("%s: %v", tc.name, err)
						return
					}
				}
			})
		}
		wait.Wait()
	}
}
