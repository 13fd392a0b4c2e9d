package machinekey_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/machinekey"
)

// keyFile is a web.config on disk, replaced as an operator should: by renaming
// a complete file.
type keyFile struct {
	tb   testing.TB
	path string
}

func newKeyFile(tb testing.TB) *keyFile {
	return &keyFile{tb, filepath.Join(tb.TempDir(), "web.config")}
}

func (f *keyFile) write(text string) {
	f.tb.Helper()
	if err := os.WriteFile(f.path+".new", []byte(text), 0o600); err != nil {
		f.tb.Fatal(err)
	}
	if err := os.Rename(f.path+".new", f.path); err != nil {
		f.tb.Fatal(err)
	}
}

// put writes the element of cfg and returns its key.
func (f *keyFile) put(cfg machinekey.Config) *machinekey.Key {
	f.tb.Helper()
	f.write("<configuration><system.web>" + cfg.WebConfig() + "</system.web></configuration>")
	return keyOf(f.tb, cfg)
}

func freshConfig(tb testing.TB) machinekey.Config {
	tb.Helper()
	cfg, err := machinekey.Generate(machinekey.HMACSHA1, machinekey.AES)
	if err != nil {
		tb.Fatal(err)
	}
	return cfg
}

// watched is a Watch under a fake clock.
type watched struct {
	t    *testing.T
	file *keyFile
	ring *machinekey.Ring

	mu      sync.Mutex
	changes []string
	faults  []error
}

// watch runs test while a file is watched that holds the ring's only key.
func watch(t *testing.T, o machinekey.WatchOptions, test func(w *watched, first machinekey.Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &watched{t: t, file: newKeyFile(t)}
		cfg := freshConfig(t)
		w.ring = ringOf(t, w.file.put(cfg))
		o.OnChange = func(old, now *machinekey.Key) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.changes = append(w.changes, old.ID()+" "+now.ID())
		}
		o.OnError = func(err error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.faults = append(w.faults, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- machinekey.Watch(ctx, w.ring, w.file.path, &o) }()
		synctest.Wait()
		test(w, cfg)
		cancel()
		if err := <-done; err != context.Canceled {
			t.Errorf("Watch ended with %v", err)
		}
	})
}

// wait lets the clock run and the watcher look.
func (w *watched) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// want fails unless the ring holds exactly these keys in this order, and
// OnChange and OnError were called so often.
func (w *watched) want(changes, faults int, keys ...*machinekey.Key) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var got, want []string
	for _, k := range w.ring.Keys() {
		got = append(got, k.ID())
	}
	for _, k := range keys {
		want = append(want, k.ID())
	}
	if !slices.Equal(got, want) {
		w.t.Errorf("ring %v, want %v", got, want)
	}
	if len(w.changes) != changes || len(w.faults) != faults {
		w.t.Errorf("changes %v, faults %v; want %d and %d", w.changes, w.faults, changes, faults)
	}
}

// fault returns the nth error that OnError was told.
func (w *watched) fault(n int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n >= len(w.faults) {
		return nil
	}
	return w.faults[n]
}

const interval = 10 * time.Second // the default

func TestWatch(t *testing.T) {
	watch(t, machinekey.WatchOptions{}, func(w *watched, cfg machinekey.Config) {
		first := w.ring.Primary()
		w.wait(10 * interval)
		w.want(0, 0, first)

		later := time.Now().Add(time.Hour)
		if err := os.Chtimes(w.file.path, later, later); err != nil {
			t.Fatal(err)
		}
		w.wait(interval)
		w.want(0, 0, first)

		second := w.file.put(freshConfig(t))
		w.wait(interval)
		w.want(1, 0, second, first)
		w.mu.Lock()
		if w.changes[0] != first.ID()+" "+second.ID() {
			t.Errorf("OnChange was told %s", w.changes[0])
		}
		w.mu.Unlock()

		w.file.put(cfg) // taken back
		w.wait(interval)
		w.want(2, 0, first, second)
		if w.ring.Primary() != first {
			t.Error("the key of the ring was replaced by a copy")
		}
	})
}

func TestWatchAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := newKeyFile(t)
		first := generated(t)
		ring := ringOf(t, first)
		want := file.put(freshConfig(t)) // changed since the ring was made
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go machinekey.Watch(ctx, ring, file.path, nil)
		synctest.Wait()
		if keys := ring.Keys(); len(keys) != 2 || keys[0].ID() != want.ID() || keys[1] != first {
			t.Errorf("ring is %v", ring)
		}
	})
}

func TestWatchKnownKey(t *testing.T) {
	watch(t, machinekey.WatchOptions{}, func(w *watched, _ machinekey.Config) {
		first, next := w.ring.Primary(), freshConfig(t)
		second := keyOf(t, next)
		if err := w.ring.Replace(first, second); err != nil { // readers first
			t.Fatal(err)
		}
		w.wait(interval)
		w.want(0, 0, first, second)
		w.file.put(next)
		w.wait(interval)
		w.want(1, 0, second, first)
	})
}

func TestWatchBrokenFile(t *testing.T) {
	watch(t, machinekey.WatchOptions{}, func(w *watched, _ machinekey.Config) {
		first := w.ring.Primary()
		secret := strings.Repeat("A1", 64)
		for i, text := range []string{
			"<configuration><system.web>",
			"<configuration><system.web/></configuration>",
			`<configuration><system.web><machineKey validationKey="` + secret +
				`" decryptionKey="` + secret + `"/></system.web></configuration>`,
			`<configuration><system.web><machineKey validationKey="` + secret +
				`" decryptionKey="` + secret[:48] +
				`" decryption="3DES" validation="SHA1"/></system.web></configuration>`,
		} {
			w.file.write(text)
			w.wait(10 * interval) // reported once
			w.want(0, i+1, first)
			var bad *machinekey.ConfigError
			if err := w.fault(i); !errors.As(err, &bad) ||
				!strings.Contains(err.Error(), "web.config") ||
				strings.Contains(err.Error(), secret[:8]) {
				t.Errorf("fault %v", err)
			}
		}
		if err := os.Remove(w.file.path); err != nil {
			t.Fatal(err)
		}
		w.wait(interval)
		w.want(0, 5, first)
		if err := w.fault(4); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("fault %v", err)
		}
		second := w.file.put(freshConfig(t))
		w.wait(interval)
		w.want(1, 5, second, first)
		w.file.write("") // the next fault is news again
		w.wait(interval)
		w.want(1, 6, second, first)
	})
}

// TestWatchUnfit watches a key that a protector in use cannot take.
func TestWatchUnfit(t *testing.T) {
	watch(t, machinekey.WatchOptions{}, func(w *watched, _ machinekey.Config) {
		first := w.ring.Primary()
		p, err := wrap(w.ring.Protector(machinekey.FormsPurpose))
		if err != nil {
			t.Fatal(err)
		}
		protected := protect(t, p, []byte("ticket"))
		w.file.put(machinekey.Config{ValidationKey: machinekey.NewSecret(seed.Of(w.t).Bytes(64)),
			DecryptionKey: machinekey.NewSecret(seed.Of(w.t).Bytes(24)),
			Validation:    machinekey.LegacyAES, Mode: machinekey.Framework20SP1})
		w.wait(time.Minute)
		w.want(0, 1, first)
		if _, key, err := p.UnprotectKey(nil, protected); err != nil || key != first.ID() {
			t.Errorf("%v, %v", key, err)
		}
	})
}

func TestWatchConfig(t *testing.T) {
	watch(t, machinekey.WatchOptions{Config: func(c *machinekey.Config) { c.AllowInsecure = true }},
		func(w *watched, _ machinekey.Config) {
			first := w.ring.Primary()
			cfg, err := machinekey.Generate(machinekey.HMACSHA1, machinekey.AES)
			if err != nil {
				t.Fatal(err)
			}
			cfg.Decryption, cfg.DecryptionKey, cfg.AllowInsecure = machinekey.InsecureTripleDES, machinekey.NewSecret(cfg.DecryptionKey.Reveal()[:24]), true
			second := w.file.put(cfg)
			w.wait(interval)
			w.want(1, 0, second, first)
		})
}

func TestWatchKeepOlder(t *testing.T) {
	watch(t, machinekey.WatchOptions{KeepOlder: 2}, func(w *watched, _ machinekey.Config) {
		keys := w.ring.Keys()
		for range 6 {
			keys = append(keys, w.file.put(freshConfig(t)))
			w.wait(interval)
		}
		// The program's own key stays, though it is the oldest.
		w.want(6, 0, keys[6], keys[5], keys[4], keys[0])
	})
}

func TestWatchKeepFor(t *testing.T) {
	watch(t, machinekey.WatchOptions{Interval: time.Hour, KeepFor: 10 * time.Hour},
		func(w *watched, _ machinekey.Config) {
			first := w.ring.Primary()
			second := w.file.put(freshConfig(t))
			w.wait(20 * time.Hour)
			w.want(1, 0, second, first)
			third := w.file.put(freshConfig(t))
			w.wait(10 * time.Hour)
			w.want(2, 0, third, second, first)
			w.file.write("broken") // does not prolong what was to end
			w.wait(2 * time.Hour)
			w.want(2, 1, third, first)
		})
}

// TestWatchLeak drops a leaked key while the file still holds it, and after.
func TestWatchLeak(t *testing.T) {
	watch(t, machinekey.WatchOptions{}, func(w *watched, leaked machinekey.Config) {
		next := freshConfig(t)
		second := keyOf(t, next)
		if err := w.ring.Replace(second); err != nil {
			t.Fatal(err)
		}
		w.wait(interval)
		w.want(0, 0, second)
		w.file.put(next)
		w.wait(interval)
		w.want(0, 0, second)

		third := w.file.put(freshConfig(t))
		w.wait(interval)
		w.want(1, 0, third, second)
		if err := w.ring.Replace(w.ring.Primary()); err != nil {
			t.Fatal(err)
		}
		w.wait(interval)
		w.want(1, 0, third)
	})
}

func TestWatchConfigSource(t *testing.T) {
	watch(t, machinekey.WatchOptions{}, func(w *watched, cfg machinekey.Config) {
		first := w.ring.Primary()
		source := &keyFile{t, filepath.Join(filepath.Dir(w.file.path), "mk.config")}
		source.write(cfg.WebConfig())
		w.file.write(`<configuration><system.web><machineKey configSource="mk.config"/></system.web></configuration>`)
		w.wait(interval)
		w.want(0, 0, first)
		next := freshConfig(t)
		source.write(next.WebConfig())
		w.wait(interval)
		w.want(1, 0, keyOf(t, next), first)
	})
}

func TestWatchRefusesNonsense(t *testing.T) {
	ring := ringOf(t, generated(t))
	for _, test := range []struct {
		ring *machinekey.Ring
		path string
		o    machinekey.WatchOptions
	}{
		{nil, "web.config", machinekey.WatchOptions{}},
		{new(machinekey.Ring), "web.config", machinekey.WatchOptions{}},
		{ring, "", machinekey.WatchOptions{}},
		{ring, "web.config", machinekey.WatchOptions{Interval: -1}},
		{ring, "web.config", machinekey.WatchOptions{KeepFor: -1}},
		{ring, "web.config", machinekey.WatchOptions{KeepOlder: -1}},
	} {
		if err := machinekey.Watch(t.Context(), test.ring, test.path, &test.o); err == nil ||
			!strings.HasPrefix(err.Error(), "machinekey: ") {
			t.Errorf("%v %q: %v", test.ring, test.path, err)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("shutdown")
	cancel(cause)
	if err := machinekey.Watch(ctx, ring, "web.config", nil); err != cause {
		t.Errorf("Watch ended with %v", err)
	}
}
