package machinekey_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/webfarm-go/webfarm/internal/netfx"
	"github.com/webfarm-go/webfarm/internal/race"
	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/internal/share"
	"github.com/webfarm-go/webfarm/machinekey"
)

// legacyAlgorithms are all pairs that the legacy formats know, with fresh keys.
func legacyAlgorithms(tb testing.TB) map[string]machinekey.Config {
	tb.Helper()
	random := seed.Of(tb)
	configs := map[string]machinekey.Config{}
	for _, v := range validations[1:8] {
		for _, c := range []struct {
			decryption machinekey.Decryption
			size       int
		}{
			{machinekey.Auto, 8}, {machinekey.Auto, 32}, {machinekey.AES, 16}, {machinekey.AES, 24},
			{machinekey.AES, 32},
			{machinekey.InsecureTripleDES, 16}, {machinekey.InsecureTripleDES, 24},
			{machinekey.InsecureDES, 8}, {machinekey.InsecureDES, 24},
		} {
			fits := map[machinekey.Validation][]int{machinekey.LegacyTripleDES: {8, 16, 24},
				machinekey.LegacyAES: {16, 24, 32}}
			if sizes := fits[v]; sizes != nil && !slices.Contains(sizes, c.size) {
				continue
			}
			cfg := machinekey.Config{ValidationKey: machinekey.NewSecret(random.Bytes(64)),
				DecryptionKey: machinekey.NewSecret(random.Bytes(c.size)), Validation: v,
				Decryption: c.decryption, AllowInsecure: true, Mode: machinekey.Framework20SP2}
			configs[fmt.Sprintf("%v-%v-%d", v, c.decryption, 8*c.size)] = cfg
		}
	}
	return configs
}

// protections are those that can be written and are authentic.
var protections = []machinekey.Protection{machinekey.ProtectionAll, machinekey.ProtectionEncryption,
	machinekey.ProtectionValidation}

// legacyGenerated is a fresh configuration of a legacy mode.
func legacyGenerated(tb testing.TB) machinekey.Config {
	tb.Helper()
	cfg, err := machinekey.Generate(machinekey.HMACSHA1, machinekey.AES)
	if err != nil {
		tb.Fatal(err)
	}
	cfg.Mode = machinekey.Framework20SP1
	return cfg
}

func legacyOf(tb testing.TB, o machinekey.LegacyOptions, primary machinekey.Config, older ...machinekey.Config) protector {
	tb.Helper()
	var keys []*machinekey.Key
	for _, cfg := range older {
		keys = append(keys, keyOf(tb, cfg))
	}
	p, err := wrap(ringOf(tb, keyOf(tb, primary), keys...).CookieProtector(o,
		machinekey.FormsPurpose))
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// eachLegacy runs f for all algorithms and authentic protections of cookies,
// and for MachineKey.Encode.
func eachLegacy(t *testing.T, f func(name string, cfg machinekey.Config, prot machinekey.Protection, p protector)) {
	t.Helper()
	for name, cfg := range legacyAlgorithms(t) {
		for _, prot := range protections {
			o := machinekey.LegacyOptions{Protection: prot}
			f(name+"-"+string(prot), cfg, prot, legacyOf(t, o, cfg))
		}
		p, err := encoder(keyOf(t, cfg), machinekey.LegacyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		f(name+"-Encode", cfg, machinekey.ProtectionAll, p)
	}
}

func TestLegacyRoundTrip(t *testing.T) {
	eachLegacy(t, func(name string, _ machinekey.Config, _ machinekey.Protection, p protector) {
		for size := range 70 {
			plaintext := bytes.Repeat([]byte{byte(size)}, size)
			prefix := []byte("prefix")
			protected, err := p.Protect(prefix, plaintext)
			if err != nil || !bytes.HasPrefix(protected, prefix) {
				t.Fatalf("%s, %d bytes: Protect %v", name, size, err)
			}
			if n := len(protected) - len(prefix) - size; n < 16 || n > 176 {
				t.Errorf("%s, %d bytes: %d bytes longer", name, size, n)
			}
			got, err := p.Unprotect(prefix, protected[len(prefix):])
			if err != nil || string(got) != "prefix"+string(plaintext) {
				t.Fatalf("%s, %d bytes: Unprotect = %q, %v", name, size, got, err)
			}
		}
	})
}

// TestLegacyMalleability changes a protected value in every single-bit way,
// cuts it at every length and glues two together at every step.
func TestLegacyMalleability(t *testing.T) {
	eachLegacy(t, func(name string, _ machinekey.Config, _ machinekey.Protection, p protector) {
		one, err := p.Protect(nil, []byte("the first of two values"))
		if err != nil {
			t.Fatal(err)
		}
		two, err := p.Protect(nil, []byte("and the second: 23 too."))
		if err != nil {
			t.Fatal(err)
		}
		dst := append(make([]byte, 0, 400), "dst"...)
		refuse := func(what string, n int, protected []byte) {
			got, key, err := p.UnprotectKey(dst, protected)
			if err != machinekey.ErrUnprotect || key != "" || string(got) != "dst" {
				t.Fatalf("%s: %s %d: %q, %v, %v", name, what, n, got, key, err)
			}
			if spare := dst[len(dst):cap(dst)]; !bytes.Equal(spare, make([]byte, len(spare))) {
				t.Fatalf("%s: %s %d: left %x behind dst", name, what, n, spare)
			}
		}
		for i := range one {
			for bit := range 8 {
				one[i] ^= 1 << bit
				refuse("bit", 8*i+bit, one)
				one[i] ^= 1 << bit
			}
			refuse("cut to", i, one[:i])
			refuse("without the first", i+1, one[i+1:])
			if spliced := slices.Concat(one[:i], two[i:]); !bytes.Equal(spliced, one) &&
				!bytes.Equal(spliced, two) {
				refuse("splice at", i, spliced)
				refuse("repeated from", i, slices.Concat(one[:i], one[i-1:]))
			}
		}
		refuse("nil", 0, nil)
		refuse("zeros", 400, make([]byte, 400))
		refuse("extended", 1, append(bytes.Clone(one), 0))
		refuse("both", 2, slices.Concat(one, two))
	})
}

// TestLegacyInside lets the signature pass and breaks what is inside: signed
// garbage, a wrong decryption key, and data too short for its digest.
func TestLegacyInside(t *testing.T) {
	cfg := legacyGenerated(t)
	cfg.DecryptionKey = machinekey.NewSecret(cfg.DecryptionKey.Reveal()[:24]) // the prefix is 1.5 blocks
	key := keyOf(t, cfg)
	all := legacyOf(t, machinekey.LegacyOptions{}, cfg)
	refuse := func(what string, n int, protected []byte) {
		t.Helper()
		dst := append(make([]byte, 0, 600), "dst"...)
		got, err := all.Unprotect(dst, protected)
		if err != machinekey.ErrUnprotect || string(got) != "dst" {
			t.Errorf("%s %d: %q, %v", what, n, got, err)
		}
		if spare := dst[3:cap(dst)]; !bytes.Equal(spare, make([]byte, len(spare))) {
			t.Errorf("%s %d: left %x behind dst", what, n, spare)
		}
	}
	sign := func(ciphertext []byte) []byte {
		mac, err := legacyData{}.Hash(key, ciphertext)
		if err != nil {
			t.Fatal(err)
		}
		return slices.Concat(ciphertext, mac)
	}
	for size := range 200 { // all that signed garbage decrypts to is random
		refuse("garbage of", size, sign(seed.Of(t).Bytes(size)))
	}
	raw := legacyData{IVType: netfx.IVNone, Unsigned: true}
	for size := range 200 { // good padding, but no digest
		data := make([]byte, size)
		ciphertext, err := raw.Encrypt(key, data)
		if err != nil {
			t.Fatal(err)
		}
		refuse("no digest in", size, sign(ciphertext))
	}
	// A good digest over everything, with every padding that is none.
	data := []byte("data")
	mac, err := legacyData{}.Hash(key, data)
	if err != nil {
		t.Fatal(err)
	}
	inside := slices.Concat(make([]byte, 24), data, mac) // the whole body is 48 bytes: no room for padding
	padded, err := raw.Encrypt(key, inside)
	if err != nil || len(padded) != 64 {
		t.Fatal(len(padded), err)
	}
	if got, err := all.Unprotect(nil, sign(padded)); err != nil || string(got) != "data" {
		t.Fatalf("%q, %v", got, err)
	}
	refuse("without padding", 0, sign(padded[:48]))

	refused := 0
	for range 20 {
		wrong := cfg
		wrong.DecryptionKey = machinekey.NewSecret(seed.Of(t).Bytes(24))
		for _, prot := range protections[:2] {
			o := machinekey.LegacyOptions{Protection: prot}
			protected, err := legacyOf(t, o, cfg).Protect(nil,
				[]byte("some text over one block, twice as long"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := legacyOf(t, o, wrong).Unprotect(nil, protected)
			switch {
			case err == nil && prot == machinekey.ProtectionEncryption:
				continue // 1 in 256: nothing but the padding tells
			case err != machinekey.ErrUnprotect || got != nil:
				t.Errorf("%v, wrong decryption key: %q, %v", prot, got, err)
			}
			refused++
			p := legacyOf(t, o, wrong, cfg)
			if got, opener, err := p.UnprotectKey(nil, protected); err != nil ||
				opener != key.ID() || len(got) != 39 {
				t.Errorf("%v, right key second: %q, %v", prot, got, err)
			}
		}
	}
	if refused < 20 {
		t.Errorf("only %d wrong keys were refused", refused)
	}
}

func TestLegacyOverlap(t *testing.T) {
	cfg := legacyGenerated(t)
	cfg.Rand = constant(7)
	text := []byte("forty bytes of text, more than 2 blocks.")
	for _, prot := range protections {
		p := legacyOf(t, machinekey.LegacyOptions{Protection: prot}, cfg)
		protected, err := p.Protect(nil, text)
		if err != nil {
			t.Fatal(err)
		}
		const room = 250
		for distance := range room {
			buf := make([]byte, 3*room)
			in := buf[room:][:len(text)]
			copy(in, text)
			start := distance + room/2
			got, err := p.Protect(buf[:start], in)
			if err != nil || !bytes.Equal(got[start:], protected) {
				t.Fatalf("%v: Protect, dst of %d: %x, %v", prot, start, got, err)
			}

			buf = make([]byte, 3*room)
			in = buf[room:][:len(protected)]
			copy(in, protected)
			in[0] ^= 1
			if got, err := p.Unprotect(buf[:start], in); err != machinekey.ErrUnprotect ||
				len(got) != start {
				t.Fatalf("%v: Unprotect of a forgery: %x, %v", prot, got, err)
			}
			in[0] ^= 1
			if !bytes.Equal(in, protected) {
				t.Fatalf("%v: a refused input was changed", prot)
			}
			got, err = p.Unprotect(buf[:start], in)
			if err != nil || !bytes.Equal(got[start:], text) {
				t.Fatalf("%v: Unprotect, dst of %d: %q, %v", prot, start, got, err)
			}
		}
	}
}

func TestLegacyAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("sync.Pool is random under the race detector")
	}
	plaintext := make([]byte, 1000)
	eachLegacy(t, func(name string, _ machinekey.Config, _ machinekey.Protection, p protector) {
		protected, err := p.Protect(nil, plaintext)
		if err != nil {
			t.Fatal(err)
		}
		forged := bytes.Clone(protected)
		forged[0] ^= 1
		dst := make([]byte, 0, len(plaintext)+176)
		for what, run := range map[string]func(){
			"Protect":               func() { p.Protect(dst, plaintext) },
			"Unprotect":             func() { p.Unprotect(dst, protected) },
			"Unprotect of forgery":  func() { p.Unprotect(nil, forged) },
			"Unprotect of too few":  func() { p.Unprotect(nil, forged[:15]) },
			"UnprotectKey":          func() { p.UnprotectKey(dst, protected) },
			"Unprotect, exact room": func() { p.Unprotect(dst[:0:len(protected)], protected) },
		} {
			if n := testing.AllocsPerRun(10, run); n != 0 {
				t.Errorf("%s: %s allocates %v times", name, what, n)
			}
		}
	})
}

// TestLegacyRand checks what is read from Config.Rand: as much as the cipher's
// key has, and nothing without encryption.
func TestLegacyRand(t *testing.T) {
	eachLegacy(t,
		func(name string, cfg machinekey.Config, prot machinekey.Protection, _ protector) {
			var p protector
			source := bytes.NewReader(make([]byte, 100))
			cfg.Rand = iotest.OneByteReader(source)
			o := machinekey.LegacyOptions{Protection: prot}
			if strings.HasSuffix(name, "-Encode") {
				var err error
				if p, err = encoder(keyOf(t, cfg), o); err != nil {
					t.Fatal(err)
				}
			} else {
				p = legacyOf(t, o, cfg)
			}
			if prot == machinekey.ProtectionValidation {
				cfg.DecryptionKey = machinekey.Secret{} // nothing is encrypted
			}
			if _, err := p.Protect(nil, []byte("text")); err != nil {
				t.Fatal(err)
			}
			want := cfg.DecryptionKey.Len()
			if cfg.Decryption == machinekey.InsecureDES {
				want = min(want, 8)
			}
			if read := 100 - source.Len(); read != want {
				t.Errorf("%s: read %d random bytes, want %d", name, read, want)
			}
		})
	cfg := legacyGenerated(t)
	cfg.Rand = bytes.NewReader(make([]byte, 31))
	dst := append(make([]byte, 0, 200), "dst"...)
	got, err := legacyOf(t, machinekey.LegacyOptions{}, cfg).Protect(dst, []byte("text"))
	if !errors.Is(err, io.ErrUnexpectedEOF) || string(got) != "dst" {
		t.Errorf("Protect = %q, %v, want io.ErrUnexpectedEOF", got, err)
	}
	if spare := dst[3:cap(dst)]; !bytes.Equal(spare, make([]byte, len(spare))) {
		t.Errorf("left %x behind dst", spare)
	}
}

// TestLegacyOptions has every protection read what it wrote and nothing that
// another one wrote.
func TestLegacyOptions(t *testing.T) {
	cfg := legacyGenerated(t)
	text := []byte("text")
	for _, written := range protections {
		protected, err := legacyOf(t, machinekey.LegacyOptions{Protection: written},
			cfg).Protect(nil, text)
		if err != nil {
			t.Fatal(err)
		}
		for _, read := range protections {
			got, err := legacyOf(t, machinekey.LegacyOptions{Protection: read},
				cfg).Unprotect(nil, protected)
			switch {
			case read == written:
				if err != nil || !bytes.Equal(got, text) {
					t.Errorf("%v: %q, %v", read, got, err)
				}
			case read == machinekey.ProtectionEncryption && written == machinekey.ProtectionAll,
				read == machinekey.ProtectionValidation && written != read:
				// The signature is made alike, so these do open: with the
				// digest as data, or with the ciphertext.
				if err != nil || bytes.Equal(got, text) {
					t.Errorf("%v as %v: %q, %v", written, read, got, err)
				}
			case err != machinekey.ErrUnprotect || got != nil:
				t.Errorf("%v as %v: %q, %v", written, read, got, err)
			}
		}
	}
}

// TestLegacyReadOnly: what is too weak is read and never issued.
func TestLegacyReadOnly(t *testing.T) {
	const all, encryption, validation, none = machinekey.ProtectionAll, machinekey.ProtectionEncryption,
		machinekey.ProtectionValidation, machinekey.InsecureProtectionNone
	for _, test := range []struct {
		o     machinekey.LegacyOptions
		write bool
	}{
		{machinekey.LegacyOptions{}, true},
		{machinekey.LegacyOptions{Protection: encryption}, true},
		{machinekey.LegacyOptions{Protection: validation}, true},
		{machinekey.LegacyOptions{Protection: validation, InsecureUnsigned: true}, true}, // there is nothing it changes
		{machinekey.LegacyOptions{Protection: none}, false},
		{machinekey.LegacyOptions{Protection: none, InsecureUnsigned: true}, false},
		{machinekey.LegacyOptions{Protection: all, InsecureUnsigned: true}, false},
		{machinekey.LegacyOptions{Protection: encryption, InsecureUnsigned: true}, false},
	} {
		p := legacyOf(t, test.o, legacyGenerated(t))
		dst := []byte("dst")
		got, err := p.Protect(dst, []byte("text"))
		var e *machinekey.ConfigError
		switch {
		case test.write && (err != nil || len(got) < 3+4+20):
			t.Errorf("%v: %q, %v", test.o, got, err)
		case !test.write && (string(got) != "dst" || !errors.As(err, &e) ||
			e.Code != "insecure_protection"):
			t.Errorf("%v: %q, %v, want insecure_protection", test.o, got, err)
		}
	}
	p := legacyOf(t, machinekey.LegacyOptions{Protection: none}, legacyGenerated(t))
	if got, err := p.Unprotect([]byte("dst"), []byte("text")); err != nil ||
		string(got) != "dsttext" {
		t.Errorf("None: %q, %v", got, err)
	}
}

// TestUnsignedRefuses changes unsigned data with a digest inside in every way.
func TestUnsignedRefuses(t *testing.T) {
	for _, mode := range []machinekey.Mode{machinekey.Framework20SP1, machinekey.Framework20SP2} {
		cfg := legacyGenerated(t)
		cfg.Mode = mode
		key := keyOf(t, cfg)
		p := legacyOf(t, machinekey.LegacyOptions{InsecureUnsigned: true}, cfg)
		low := legacyData{Unsigned: true}
		data := []byte("some data, over a block")
		mac, err := low.Hash(key, data)
		if err != nil {
			t.Fatal(err)
		}
		protected, err := low.Encrypt(key, slices.Concat(data, mac))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.Unprotect(nil, protected); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%v: %q, %v", mode, got, err)
		}
		prefix := 0
		if mode == machinekey.Framework20SP2 {
			prefix = 32
		}
		for i := range protected {
			for bit := range 8 {
				flipped := bytes.Clone(protected)
				flipped[i] ^= 1 << bit
				got, err := p.Unprotect(nil, flipped)
				if i < prefix-16 { // the prefix is not looked at: a weakness of the format
					if err != nil || !bytes.Equal(got, data) {
						t.Errorf("%v: bit %d of byte %d of the prefix: %q, %v", mode,
							bit, i, got, err)
					}
					continue
				}
				if err != machinekey.ErrUnprotect || got != nil {
					t.Errorf("%v: bit %d of byte %d: %q, %v", mode, bit, i, got, err)
				}
			}
			if got, err := p.Unprotect(nil, protected[:i]); err != machinekey.ErrUnprotect ||
				got != nil {
				t.Errorf("%v: cut to %d: %q, %v", mode, i, got, err)
			}
		}
	}
}

func TestCookieProtectorRefuses(t *testing.T) {
	legacy := legacyGenerated(t)
	for _, test := range []struct {
		code   string
		change func(*machinekey.Config)
	}{
		{"invalid_compatibility_mode", func(c *machinekey.Config) { c.Mode = "" }},
		{"invalid_validation_key",
			func(c *machinekey.Config) { c.ValidationKey = machinekey.NewSecret(c.ValidationKey.Reveal()[:19]) }},
		{"invalid_validation_key",
			func(c *machinekey.Config) { c.ValidationKey = machinekey.NewSecret(make([]byte, 65)) }},
		{"weak_decryption_key", func(c *machinekey.Config) {
			c.AllowInsecure, c.Decryption, c.DecryptionKey = true, machinekey.InsecureDES, machinekey.NewSecret(make([]byte, 8))
		}},
		{"weak_decryption_key", func(c *machinekey.Config) {
			c.AllowInsecure, c.Decryption, c.DecryptionKey = true, machinekey.InsecureTripleDES, machinekey.NewSecret(make([]byte, 24))
		}},
	} {
		cfg := legacy
		cfg.AllowWeakKey = true
		test.change(&cfg)
		var e *machinekey.ConfigError
		for _, ring := range []*machinekey.Ring{ringOf(t, keyOf(t, cfg)),
			ringOf(t, keyOf(t, legacy), keyOf(t, cfg))} {
			if p, err := ring.CookieProtector(machinekey.LegacyOptions{},
				machinekey.FormsPurpose); p != nil || !errors.As(err, &e) || e.Code != test.code {
				t.Errorf("%v: %v, %v, want %s", cfg, p, err, test.code)
			}
			if _, err := wrap(ring.Protector(machinekey.FormsPurpose)); err != nil {
				t.Errorf("%v: Protector: %v", cfg, err) // the other column
			}
			_, err := wrap(ring.EncodeProtector(machinekey.LegacyOptions{}))
			if e = nil; (err == nil) != (test.code == "invalid_compatibility_mode") ||
				err != nil && (!errors.As(err, &e) || e.Code != test.code) {
				t.Errorf("%v: EncodeProtector: %v", cfg, err)
			}
		}
	}
	ring := ringOf(t, keyOf(t, legacy))
	var e *machinekey.ConfigError
	if _, err := wrap(ring.CookieProtector(machinekey.LegacyOptions{Protection: "all"},
		machinekey.FormsPurpose)); !errors.As(err, &e) || e.Code != "invalid_enum" {
		t.Errorf("protection \"all\": %v", err)
	}
	var zeroRing machinekey.Ring
	for _, err := range []error{
		func() error {
			_, err := wrap(zeroRing.CookieProtector(machinekey.LegacyOptions{},
				machinekey.FormsPurpose))
			return err
		}(),
		func() error { _, err := wrap(zeroRing.EncodeProtector(machinekey.LegacyOptions{})); return err }(),
	} {
		if err == nil || err == machinekey.ErrUnprotect {
			t.Errorf("a zero value: %v", err)
		}
	}
}

// TestLegacyRotation replaces the keys under legacy protectors in use.
func TestLegacyRotation(t *testing.T) {
	oldKey, newKey := keyOf(t, legacyGenerated(t)), keyOf(t, legacyGenerated(t))
	ring := ringOf(t, oldKey)
	all, err := wrap(ring.CookieProtector(machinekey.LegacyOptions{}, machinekey.FormsPurpose))
	if err != nil {
		t.Fatal(err)
	}
	readable, err := wrap(ring.CookieProtector(machinekey.LegacyOptions{Protection: machinekey.ProtectionValidation}, machinekey.FormsPurpose))
	if err != nil {
		t.Fatal(err)
	}
	encode, err := wrap(ring.EncodeProtector(machinekey.LegacyOptions{}))
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC() // the ring must still find them
	for _, p := range []protector{all, readable, encode} {
		ring.Replace(oldKey)
		before, err := p.Protect(nil, []byte("text"))
		if err != nil {
			t.Fatal(err)
		}
		if err := ring.Replace(newKey, oldKey); err != nil {
			t.Fatal(err)
		}
		if got, key, err := p.UnprotectKey(nil, before); err != nil || key != oldKey.ID() ||
			string(got) != "text" {
			t.Errorf("%v: %q, %v, %v", p, got, key, err)
		}
		after, err := p.Protect(nil, []byte("text"))
		if err != nil {
			t.Fatal(err)
		}
		if err := ring.Replace(newKey); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Unprotect(nil, before); err != machinekey.ErrUnprotect {
			t.Errorf("%v: opened with a key that is gone: %v", p, err)
		}
		if _, key, err := p.UnprotectKey(nil, after); err != nil || key != newKey.ID() {
			t.Errorf("%v: %v, %v", p, key, err)
		}
	}
	var e *machinekey.ConfigError
	cfg := legacyGenerated(t)
	cfg.Mode = ""
	if err := ring.Replace(keyOf(t, cfg)); !errors.As(err, &e) ||
		e.Code != "invalid_compatibility_mode" {
		t.Errorf("Replace with a key without a mode: %v", err)
	}
	if ring.Primary() != newKey {
		t.Error("a refused Replace changed the ring")
	}
	if again, err := wrap(ring.CookieProtector(machinekey.LegacyOptions{},
		machinekey.FormsPurpose)); err != nil || again != all {
		t.Errorf("LegacyProtector of the same options = %p, %v, want %p", again, err, all)
	}
	if again, err := wrap(ring.EncodeProtector(machinekey.LegacyOptions{})); err != nil ||
		again != encode {
		t.Errorf("EncodeProtector again = %p, %v, want %p", again, err, encode)
	}
	runtime.KeepAlive(readable)
}

// TestLegacyFresh protects the same text twice: every block differs, since the
// random prefix is in front of the chain.
func TestLegacyFresh(t *testing.T) {
	p := legacyOf(t, machinekey.LegacyOptions{}, legacyGenerated(t))
	one, err1 := p.Protect(nil, []byte("text"))
	two, err2 := p.Protect(nil, []byte("text"))
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	for i := 0; i+16 <= len(one); i += 16 {
		if bytes.Equal(one[i:i+16], two[i:i+16]) {
			t.Errorf("block %d is the same twice", i/16)
		}
	}
}

// TestLegacyHostile gives large input that is not authentic. The bound: no
// memory at all, since the tag is verified where the bytes are.
func TestLegacyHostile(t *testing.T) {
	if race.Enabled {
		t.Skip("sync.Pool is random under the race detector")
	}
	large := make([]byte, 1<<20/share.OneIn(t, 8))
	eachLegacy(t, func(name string, cfg machinekey.Config, _ machinekey.Protection, p protector) {
		if cfg.Decryption != machinekey.AES {
			return
		}
		// The average, rounded down: what the runtime allocates beside it counts too.
		if n := testing.AllocsPerRun(5, func() {
			if _, err := p.Unprotect(nil, large); err != machinekey.ErrUnprotect {
				t.Errorf("%s: %v", name, err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	})
}
