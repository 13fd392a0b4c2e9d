package machinekey_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/webfarm-go/webfarm/internal/netfx"
	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/machinekey"
)

// TestEncodeModes: Encode does not depend on the mode, and its data is that of
// the cookies of a legacy mode.
func TestEncodeModes(t *testing.T) {
	cfg := legacyGenerated(t)
	cookies := legacyOf(t, machinekey.LegacyOptions{}, cfg)
	for _, mode := range []machinekey.Mode{"", machinekey.Framework20SP1, machinekey.Framework20SP2,
		machinekey.Framework45} {
		cfg.Mode = mode
		key := keyOf(t, cfg)
		for _, prot := range protections {
			text, err := encode(key, []byte("data"), prot)
			if err != nil || strings.Trim(text, "0123456789ABCDEF") != "" {
				t.Fatalf("%v, %v: %q, %v", mode, prot, text, err)
			}
			if got, err := decode(key, text, prot); err != nil || string(got) != "data" {
				t.Errorf("%v, %v: %q, %v", mode, prot, got, err)
			}
		}
		p, err := wrap(ringOf(t, key).EncodeProtector(machinekey.LegacyOptions{}))
		if err != nil {
			t.Fatal(err)
		}
		raw, err := p.Protect(nil, []byte("data"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decode(key, fmt.Sprintf("%x", raw), machinekey.ProtectionAll); err != nil ||
			string(got) != "data" {
			t.Errorf("%v: Decode of EncodeProtector's bytes: %q, %v", mode, got, err)
		}
		if got, err := cookies.Unprotect(nil, raw); err != nil || string(got) != "data" {
			t.Errorf("%v: LegacyProtector: %q, %v", mode, got, err)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	key := keyOf(t, legacyGenerated(t))
	for _, prot := range protections {
		text, err := encode(key, []byte("data"), prot)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"", "0", "zz", text[1:], text[2:], text[:len(text)-1],
			text[:len(text)-2], text + "00", text + "\n",
			" " + text, "0x" + text, strings.Repeat("0", 400), text[:10] + "\x00" + text[11:]} {
			if got, err := decode(key, bad, prot); err != machinekey.ErrUnprotect || got != nil {
				t.Errorf("%v: Decode(%q) = %q, %v", prot, bad, got, err)
			}
		}
		if prot == machinekey.ProtectionValidation {
			continue
		}
		if got, err := decodeUnsigned(key, text, prot); err == nil && string(got) == "data" {
			t.Errorf("%v: signed data opens as unsigned", prot)
		}
	}
	none := machinekey.InsecureProtectionNone
	var zero *machinekey.Key
	cfg := legacyGenerated(t)
	cfg.Mode = ""
	unknown := keyOf(t, cfg)
	cfg.ValidationKey = machinekey.NewSecret(seed.Of(t).Bytes(19))
	short := keyOf(t, cfg)
	for i, err := range []error{
		func() error { _, err := encode(key, nil, none); return err }(),
		func() error { _, err := decode(key, "00", none); return err }(),
		func() error { _, err := decode(key, "00", "Nothing"); return err }(),
		func() error { _, err := decodeUnsigned(key, "00", none); return err }(),
		func() error { _, err := encode(zero, nil, ""); return err }(),
		func() error { _, err := decode(new(machinekey.Key), "", ""); return err }(),
		func() error { _, err := decodeUnsigned(new(machinekey.Key), "", ""); return err }(),
		func() error { _, err := decodeUnsigned(unknown, "00", ""); return err }(),
		func() error { _, err := encode(short, nil, ""); return err }(),
		func() error { _, err := decode(short, "00", ""); return err }(),
	} {
		if err == nil || errors.Is(err, machinekey.ErrUnprotect) ||
			!strings.HasPrefix(err.Error(), "machinekey: ") {
			t.Errorf("%d: %v", i, err)
		}
	}
}

// TestLegacyDataModifier: the modifier is needed to open what it closed.
func TestLegacyDataModifier(t *testing.T) {
	for name, cfg := range legacyAlgorithms(t) {
		key := keyOf(t, cfg)
		for iv := netfx.IVRandom; iv <= netfx.IVNone; iv++ {
			low := legacyData{IVType: iv, Unsigned: iv == netfx.IVNone, Modifier: []byte("page")}
			one, err := low.Encrypt(key, []byte("data"))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := low.Decrypt(key, one); err != nil || string(got) != "data" {
				t.Errorf("%s %v: %q, %v", name, iv, got, err)
			}
			two, err := low.Encrypt(key, []byte("data"))
			if err != nil || bytes.Equal(one, two) != (iv != netfx.IVRandom) {
				t.Errorf("%s %v: twice the same: %v, %v", name, iv, bytes.Equal(one, two), err)
			}
			for _, modifier := range []string{"", "Page", "pag", "age"} {
				low.Modifier = []byte(modifier)
				got, err := low.Decrypt(key, one)
				if modifier == "" || modifier == "age" { // the tail of one is no other's
					if err != nil || string(got) != "datapage"[:8-len(modifier)] {
						t.Errorf("%s %v, modifier %q: %q, %v", name, iv, modifier, got, err)
					}
				} else if err != machinekey.ErrUnprotect || got != nil {
					t.Errorf("%s %v, modifier %q: %q, %v", name, iv, modifier, got, err)
				}
			}
			low.Modifier = make([]byte, 100)
			if got, err := low.Decrypt(key, one); err != machinekey.ErrUnprotect || got != nil {
				t.Errorf("%s %v, a longer modifier: %q, %v", name, iv, got, err)
			}
		}
	}
}

func TestEncodeConcurrently(t *testing.T) {
	key := keyOf(t, legacyGenerated(t))
	var workers sync.WaitGroup
	for i := range 8 {
		workers.Go(func() {
			for n := range 50 {
				prot := protections[(i+n)%3]
				text, err := encode(key, []byte{byte(n)}, prot)
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := decode(key, text, prot); err != nil || got[0] != byte(n) {
					t.Error(got, err)
					return
				}
			}
		})
	}
	workers.Wait()
}
