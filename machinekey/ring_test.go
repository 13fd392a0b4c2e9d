package machinekey_test

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/machinekey"
)

func TestRotation(t *testing.T) {
	oldKey, newKey, stranger := generated(t), generated(t), generated(t)
	ring := ringOf(t, oldKey)
	purpose := purposeOf("rotation")
	p, err := wrap(ring.Protector(purpose...))
	if err != nil {
		t.Fatal(err)
	}
	text := []byte("text")
	before := protect(t, p, text)

	open := func(protected []byte, want *machinekey.Key) {
		t.Helper()
		got, key, err := p.UnprotectKey(nil, protected)
		if want == nil {
			if err != machinekey.ErrUnprotect {
				t.Errorf("opened with a key that is gone: %q, %v", got, err)
			}
			return
		}
		if err != nil || key != want.ID() || !bytes.Equal(got, text) {
			t.Errorf("UnprotectKey = %q, %v, %v, want key %v", got, key, err, want)
		}
	}
	open(before, oldKey)

	if err := ring.Replace(newKey, stranger, oldKey); err != nil {
		t.Fatal(err)
	}
	if ring.Primary() != newKey || len(ring.Keys()) != 3 {
		t.Errorf("ring is %v", ring)
	}
	after := protect(t, p, text)
	open(before, oldKey)
	open(after, newKey)

	if err := ring.Replace(newKey); err != nil {
		t.Fatal(err)
	}
	open(before, nil)
	open(after, newKey)

	if again, err := wrap(ring.Protector(purpose...)); err != nil || again != p {
		t.Errorf("Protector of the same purpose = %p, %v, want %p", again, err, p)
	}
	runtime.KeepAlive(p)
}

// legacyOnly is a key that only the legacy formats can use.
func legacyOnly(t *testing.T) *machinekey.Key {
	t.Helper()
	return keyOf(t, machinekey.Config{ValidationKey: machinekey.NewSecret(seed.Of(t).Bytes(64)),
		DecryptionKey: machinekey.NewSecret(seed.Of(t).Bytes(24)), Validation: machinekey.LegacyAES,
		Mode: machinekey.Framework20SP1})
}

func TestReplaceRefused(t *testing.T) {
	first := generated(t)
	ring := ringOf(t, first)
	if err := ring.Replace(legacyOnly(t)); err != nil {
		t.Errorf("no purpose is in use yet: %v", err)
	}
	if err := ring.Replace(first); err != nil {
		t.Fatal(err)
	}
	p, err := wrap(ring.Protector(machinekey.FormsPurpose))
	if err != nil {
		t.Fatal(err)
	}
	q, err := wrap(ring.Protector(machinekey.RolePurpose))
	if err != nil {
		t.Fatal(err)
	}
	protected := protect(t, p, []byte("text"))

	var e *machinekey.ConfigError
	if err := ring.Replace(generated(t), legacyOnly(t)); !errors.As(err, &e) ||
		e.Code != "invalid_validation_algorithm" {
		t.Errorf("Replace: %v, want invalid_validation_algorithm", err)
	}
	for _, err := range []error{ring.Replace(nil), ring.Replace(first, nil),
		ring.Replace(&machinekey.Key{})} {
		if err == nil {
			t.Error("Replace took a key that New did not make")
		}
	}
	if ring.Primary() != first || len(ring.Keys()) != 1 {
		t.Errorf("a refused Replace changed the ring to %v", ring)
	}
	if _, key, err := p.UnprotectKey(nil, protected); err != nil || key != first.ID() {
		t.Errorf("a refused Replace changed a protector: %v, %v", key, err)
	}
	if got := protect(t, q, nil); len(got) == 0 {
		t.Error("empty")
	}
}

func TestLegacyKeyMakesNoProtector(t *testing.T) {
	for _, ring := range []*machinekey.Ring{ringOf(t, legacyOnly(t)),
		ringOf(t, generated(t), legacyOnly(t))} {
		_, err := wrap(ring.Protector(machinekey.FormsPurpose))
		var e *machinekey.ConfigError
		if !errors.As(err, &e) || e.Code != "invalid_validation_algorithm" {
			t.Errorf("%v: %v, want invalid_validation_algorithm", ring, err)
		}
	}
}

// TestReplaceUnderLoad rotates while others protect and unprotect. Every ring
// content knows both keys, so everything must open all the time.
func TestReplaceUnderLoad(t *testing.T) {
	a, b := generated(t), generated(t)
	ring := ringOf(t, a, b)
	p, err := wrap(ring.Protector(purposeOf("load")...))
	if err != nil {
		t.Fatal(err)
	}
	text := bytes.Repeat([]byte("text"), 20)
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			var buf, out []byte
			for n := range 500 {
				var err error
				if buf, err = p.Protect(buf[:0], text); err != nil {
					t.Error(err)
					return
				}
				if out, err = p.Unprotect(out[:0], buf); err != nil || !bytes.Equal(out, text) {
					t.Errorf("Unprotect = %q, %v", out, err)
					return
				}
				if n%10 == 0 {
					if q, err := wrap(ring.Protector(machinekey.FormsPurpose)); err != nil ||
						ring.Primary() == nil {
						t.Errorf("%v, %v", q, err)
						return
					}
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { workers.Wait(); close(done) }()
	for i := 0; ; i++ {
		select {
		case <-done:
			return
		default:
		}
		keys := []*machinekey.Key{a, b}
		if i%2 == 0 {
			keys = []*machinekey.Key{b, a}
		}
		if i%10 == 0 {
			keys = append(keys, generated(t)) // has to be derived first
		}
		if err := ring.Replace(keys[0], keys[1:]...); err != nil {
			t.Fatal(err)
		}
	}
}

func TestKeyStatus(t *testing.T) {
	var keys [4]*machinekey.Key
	for i := range keys {
		keys[i] = generated(t)
	}
	first, second, next, stranger := keys[0], keys[1], keys[2], keys[3]
	ring, err := machinekey.NewRing(first, next)
	if err != nil {
		t.Fatal(err)
	}
	check := func(when string, want ...*machinekey.Key) {
		t.Helper()
		for i, k := range keys {
			known, renew := ring.KeyStatus(k.ID())
			if known != slices.Contains(ring.Keys(), k) || renew != slices.Contains(want, k) {
				t.Errorf("%s: key %d: known %v, renew %v", when, i, known, renew)
			}
		}
	}
	replace := func(primary *machinekey.Key, older ...*machinekey.Key) {
		t.Helper()
		if err := ring.Replace(primary, older...); err != nil {
			t.Fatal(err)
		}
	}
	check("at first")
	replace(second, first, next)
	check("after a change", first)
	replace(next, second, first)
	check("after two", first, second)
	replace(first, next, second)
	check("gone back", next, second)
	replace(first, second)
	check("one dropped", second)
	replace(first, next, second)
	check("and known again, for reading", second)
	for _, id := range []string{"", stranger.ID()} {
		if known, renew := ring.KeyStatus(id); known || renew {
			t.Errorf("key %q: known %v, renew %v", id, known, renew)
		}
	}
}

// A farm that changes its mode has the same keys twice. They are two keys: what
// the older mode wrote is issued again.
func TestKeyStatusOfModes(t *testing.T) {
	cfg := legacyGenerated(t)
	before := keyOf(t, cfg)
	cfg.Mode = machinekey.Framework45
	after := keyOf(t, cfg)
	ring := ringOf(t, before)
	p, err := wrap(ring.CookieProtector(machinekey.LegacyOptions{}, machinekey.FormsPurpose))
	if err != nil {
		t.Fatal(err)
	}
	old := protect(t, p, []byte("ticket"))
	if err := ring.Replace(after, before); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		protected []byte
		key       *machinekey.Key
		renew     bool
	}{{old, before, true}, {protect(t, p, []byte("ticket")), after, false}} {
		_, id, err := p.UnprotectKey(nil, test.protected)
		if err != nil || id != test.key.ID() {
			t.Errorf("opened by %s, %v, want %v", id, err, test.key)
		}
		if known, renew := ring.KeyStatus(id); !known || renew != test.renew {
			t.Errorf("%v: known %v, renew %v", test.key, known, renew)
		}
	}
}

// A program that reads its keys again makes new ones of the same bytes. What
// the older one wrote is still to be issued again.
func TestKeyStatusKnowsTheSameKeyMadeAgain(t *testing.T) {
	configs := make([]machinekey.Config, 3)
	for i := range configs {
		var err error
		if configs[i], err = machinekey.Generate(machinekey.HMACSHA256,
			machinekey.AES); err != nil {
			t.Fatal(err)
		}
	}
	remake := func(i int) *machinekey.Key {
		k, err := machinekey.New(configs[i])
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	ring, err := machinekey.NewRing(remake(0), remake(2))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // the last two change nothing but the pointers
		if err := ring.Replace(remake(1), remake(0), remake(2)); err != nil {
			t.Fatal(err)
		}
		for i, k := range ring.Keys() {
			if known, renew := ring.KeyStatus(k.ID()); !known || renew != (i == 1) {
				t.Errorf("key %d: known %v, renew %v", i, known, renew)
			}
		}
	}
}
