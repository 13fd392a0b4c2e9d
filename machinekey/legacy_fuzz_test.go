package machinekey_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/webfarm-go/webfarm/machinekey"
)

// decoder is one key of the vectors and everything it may open, by protection
// and data in hex.
type decoder struct {
	key   *machinekey.Key
	ring  protector
	known map[machinekey.Protection]map[string]string
}

// FuzzDecode gives the same bytes to Decode under several keys of the vectors,
// as text and raw. What opens must be known; everything else is ErrUnprotect.
func FuzzDecode(f *testing.F) {
	var decoders []*decoder
	byID := map[string]*decoder{}
	signed := map[string]bool{} // all that a key of the vectors wrote
	seeds := 0
	for _, v := range legacyVectors(f, "legacy_encode.json", 220) {
		if v.Op != "encode" && v.Op != "decode" || v.Kind == "config" ||
			v.AppSettings.UseLegacyMachineKeyEncryption {
			continue
		}
		if raw, err := hex.DecodeString(v.Encoded); err == nil {
			f.Add(raw)
			seeds++
		}
		if len(v.Name) < 8 || v.Name[:8] != "nleg-SP1" && v.Name[:8] != "leg-keyA" {
			continue // a few keys are enough
		}
		cfg, err := v.config()
		if err != nil {
			f.Fatal(err)
		}
		cfg.AllowInsecure, cfg.AllowKnownKey, cfg.AllowWeakKey = true, true, true
		cfg.Mode = machinekey.Framework20SP1 // the same keys open each other's data in every mode
		key := keyOf(f, cfg)
		d := byID[key.ID()]
		if d == nil {
			p, err := wrap(ringOf(f, key).EncodeProtector(machinekey.LegacyOptions{}))
			if err != nil {
				f.Fatal(err)
			}
			d = &decoder{key: key, ring: p, known: map[machinekey.Protection]map[string]string{
				machinekey.ProtectionAll: {}, machinekey.ProtectionEncryption: {},
				machinekey.ProtectionValidation: {}}}
			byID[key.ID()] = d
			decoders = append(decoders, d)
		}
		if v.Valid {
			raw, err := hex.DecodeString(v.Encoded)
			if err != nil {
				f.Fatal(err)
			}
			d.known[machinekey.Protection(v.Protection)][string(raw)] = string(v.Plaintext)
			signed[string(raw)] = true
		}
	}
	if seeds != 161 || len(decoders) == 0 {
		f.Fatalf("%d seeds and %d keys, want 161 seeds", seeds, len(decoders))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		text := fmt.Sprintf("%X", raw)
		for _, d := range decoders {
			for _, prot := range protections {
				got, err := decode(d.key, text, prot)
				plaintext, known := d.known[prot][string(raw)]
				switch {
				case known && (err != nil || string(got) != plaintext):
					t.Errorf("%v, %v: a known value gives %x, %v", d.key, prot, got, err)
				case !known && err == nil && signed[string(raw)]:
					// The tag does not say for which protection or cipher it is.
				case !known && (err != machinekey.ErrUnprotect || got != nil):
					t.Errorf("%v, %v: Decode = %x, %v", d.key, prot, got, err)
				}
			}
			plaintext, known := d.known[machinekey.ProtectionAll][string(raw)]
			dst := append(make([]byte, 0, len(raw)+3), "dst"...)
			input := bytes.Clone(raw)
			got, key, err := d.ring.UnprotectKey(dst, raw)
			if known != (err == nil) || known && (key == "" || string(got) != "dst"+plaintext) ||
				!known && (err != machinekey.ErrUnprotect || key != "" || string(got) != "dst") {
				t.Errorf("%v: UnprotectKey = %x, %v, %v", d.ring, got, key, err)
			}
			if !bytes.Equal(raw, input) {
				t.Error("the input was changed")
			}
			if _, err := decodeUnsigned(d.key, text, machinekey.ProtectionAll); err != nil &&
				err != machinekey.ErrUnprotect {
				t.Errorf("InsecureDecodeUnsigned: %v", err)
			}
			if _, err := (legacyData{Unsigned: true, Modifier: raw[:len(raw)/8]}).Decrypt(d.key,
				raw); err != nil && err != machinekey.ErrUnprotect {
				t.Errorf("Decrypt: %v", err)
			}
		}
	})
}

// FuzzEncode protects any data with any key in every way and opens it again.
func FuzzEncode(f *testing.F) {
	seeds := 0
	for _, v := range legacyVectors(f, "legacy_encode.json", 220) {
		if v.Op == "encode" && v.Valid {
			f.Add([]byte(v.MachineKey.ValidationKey), byte(seeds), byte(seeds/7),
				[]byte(v.Plaintext))
			seeds++
		}
	}
	if seeds != 89 {
		f.Fatalf("%d seeds, want 89", seeds)
	}
	f.Fuzz(func(t *testing.T, validationKey []byte, algorithms, prot byte, plaintext []byte) {
		cfg := machinekey.Config{
			ValidationKey: machinekey.NewSecret(validationKey),
			DecryptionKey: machinekey.NewSecret(bytes.Repeat([]byte{algorithms, 1, 2, 3, 5, 8, 13,
				21, 34, 55, 89}, 3)[:8+8*(algorithms/4%4)]),
			Validation:    validations[algorithms%9],
			Decryption:    decryptions[algorithms/16%5],
			Mode:          modes[prot/4%5],
			AllowInsecure: true,
			AllowWeakKey:  true,
		}
		key, err := machinekey.New(cfg)
		if err != nil {
			return // refused, and no panic
		}
		text, err := encode(key, plaintext, everyProtection[prot%4])
		if err != nil {
			return
		}
		got, err := decode(key, text, everyProtection[prot%4])
		if err != nil || !bytes.Equal(got, plaintext) {
			t.Errorf("Decode = %x, %v, want %x", got, err, plaintext)
		}
		p, err := wrap(ringOf(t,
			key).CookieProtector(machinekey.LegacyOptions{Protection: everyProtection[prot%4]},
			machinekey.FormsPurpose))
		if err != nil {
			return // another mode
		}
		protected, err := p.Protect(nil, plaintext)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.Unprotect(nil, protected); err != nil || !bytes.Equal(got, plaintext) {
			t.Errorf("Unprotect = %x, %v, want %x", got, err, plaintext)
		}
		protected[len(protected)/2] ^= 0x40
		if _, err := p.Unprotect(nil, protected); err != machinekey.ErrUnprotect {
			t.Errorf("Unprotect of a changed value: %v", err)
		}
	})
}
