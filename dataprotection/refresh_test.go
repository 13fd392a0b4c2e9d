package dataprotection_test

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/seed"
)

// farm is a ring whose clock is that of the bubble, and its repository.
type farm struct {
	*memory
	ring      *dataprotection.Ring
	p         dataprotection.Protector
	refreshes []error
}

func newFarm(t *testing.T, o dataprotection.RingOptions, elements ...string) *farm {
	t.Helper()
	f := &farm{memory: &memory{elements: elements}}
	start := time.Now()
	o.Now = func() time.Time { return now.Add(time.Since(start)) }
	o.OnRefresh = func(err error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.refreshes = append(f.refreshes, err)
	}
	var err error
	if f.ring, err = dataprotection.Open(t.Context(), f.memory, &o); err != nil {
		t.Fatal(err)
	}
	f.p = protector(t, f.ring, "a")
	return f
}

// sealed returns what another node protects with the nth key.
func sealed(t *testing.T, n int) []byte {
	t.Helper()
	protected, err := protector(t, open(t, nil, plainKey(n)), "a").Protect(nil, []byte("data"))
	if err != nil {
		t.Fatal(err)
	}
	return protected
}

// TestUnknownKey has a node that makes a key while this one runs.
func TestUnknownKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, dataprotection.RingOptions{Interval: -1}, plainKey(2))
		young := sealed(t, 1)

		f.set(nil, plainKey(2), plainKey(1))
		began := time.Now()
		got, id, err := f.p.Unprotect(t.Context(), nil, young)
		if err != nil || string(got) != "data" || id != keyID(1) || time.Since(began) != 0 {
			t.Fatalf("Unprotect = %q, %q, %v", got, id, err)
		}
		if known, renew := f.ring.KeyStatus(keyID(2)); !known || !renew {
			t.Errorf("the older key: known %v, renew %v", known, renew)
		}

		// Then made-up ids cost nothing for five seconds.
		for range 100 {
			if _, _, err := f.p.Unprotect(t.Context(), nil,
				sealed(t, 7)); err != dataprotection.ErrUnprotect {
				t.Fatal(err)
			}
		}
		if f.count() != 2 {
			t.Errorf("%d readings, want 2", f.count())
		}
		time.Sleep(5 * time.Second)
		if _, _, err := f.p.Unprotect(t.Context(), nil,
			sealed(t, 7)); err != dataprotection.ErrUnprotect || f.count() != 3 {
			t.Errorf("%v after %d readings, want 3", err, f.count())
		}
	})
}

// TestUnknownKeyShared has many requests with an unknown key while the
// repository takes its time. All wait for one reading, those with known keys
// do not.
func TestUnknownKeyShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, dataprotection.RingOptions{Interval: -1}, plainKey(2))
		young, old := sealed(t, 1), sealed(t, 2)
		f.set(nil, plainKey(2), plainKey(1))
		f.wait = func(context.Context) { time.Sleep(time.Second) }

		var wg sync.WaitGroup
		var good atomic.Int32
		for range 50 {
			wg.Go(func() {
				began := time.Now()
				if _, _, err := f.p.Unprotect(t.Context(), nil, young); err == nil &&
					time.Since(began) == time.Second {
					good.Add(1)
				}
			})
		}
		synctest.Wait()
		began := time.Now()
		if _, _, err := f.p.Unprotect(t.Context(), nil, old); err != nil || time.Since(began) != 0 {
			t.Errorf("a known key: %v after %v", err, time.Since(began))
		}
		wg.Wait()
		if good.Load() != 50 || f.count() != 2 {
			t.Errorf("%d of 50 opened after one second, %d readings", good.Load(), f.count())
		}
	})
}

// TestUnknownKeyUnavailable has a repository that is away, is broken or hangs.
func TestUnknownKeyUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, dataprotection.RingOptions{Interval: -1}, plainKey(2))
		away := errors.New("connection refused")
		f.set(away, plainKey(2))
		unknown := sealed(t, 1)
		for range 3 { // the second and third in the pause
			got, _, err := f.p.Unprotect(t.Context(), []byte("dst"), unknown)
			if !errors.Is(err, dataprotection.ErrUnavailable) || !errors.Is(err, away) ||
				string(got) != "dst" {
				t.Errorf("Unprotect = %q, %v", got, err)
			}
		}
		if f.count() != 2 {
			t.Errorf("%d readings, want 2", f.count())
		}
		if _, _, err := f.p.Unprotect(t.Context(), nil, sealed(t, 2)); err != nil {
			t.Errorf("a known key: %v", err)
		}

		time.Sleep(5 * time.Second)
		f.set(nil, plainKey(2), plainKey(2))
		if _, _, err := f.p.Unprotect(t.Context(), nil, unknown); !errors.Is(err,
			dataprotection.ErrUnavailable) {
			t.Errorf("a ring that does not load: %v", err)
		}

		time.Sleep(5 * time.Second)
		f.set(nil, plainKey(2), plainKey(1))
		f.wait = func(ctx context.Context) { <-ctx.Done() }
		began := time.Now()
		if _, _, err := f.p.Unprotect(t.Context(), nil, unknown); !errors.Is(err,
			dataprotection.ErrUnavailable) || time.Since(began) != 2*time.Second {
			t.Errorf("a repository that hangs: %v after %v", err, time.Since(began))
		}
		began = time.Now()
		if _, _, err := f.p.Unprotect(t.Context(), nil,
			unknown); err != dataprotection.ErrUnavailable || time.Since(began) != 0 {
			t.Errorf("in the pause: %v after %v", err, time.Since(began))
		}
		time.Sleep(5 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began = time.Now()
		if _, _, err := f.p.Unprotect(ctx, nil, unknown); !errors.Is(err,
			dataprotection.ErrUnavailable) ||
			!errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("a request that ends: %v after %v", err, time.Since(began))
		}

		// The reading is given up after half a minute, and the next succeeds.
		f.mu.Lock()
		f.wait = nil
		f.mu.Unlock()
		time.Sleep(40 * time.Second)
		if _, _, err := f.p.Unprotect(t.Context(), nil, unknown); err != nil {
			t.Error(err)
		}
		if f.ring.Refresh(t.Context()) != nil {
			t.Error("Refresh fails")
		}
	})
}

// TestInterval has the ring read beside the requests.
func TestInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, dataprotection.RingOptions{}, plainKey(2))
		protected := sealed(t, 2)
		use := func() {
			t.Helper()
			if _, _, err := f.p.Unprotect(t.Context(), nil, protected); err != nil {
				t.Error(err)
			}
			synctest.Wait()
		}
		time.Sleep(48*time.Second - 1)
		use()
		if f.count() != 1 {
			t.Errorf("%d readings before 80 %% of a minute, want 1", f.count())
		}
		time.Sleep(12*time.Second + 1)
		use()
		use()
		if f.count() != 2 {
			t.Errorf("%d readings after a minute, want 2", f.count())
		}

		// A key that is revoked is refused from the next reading on; a broken
		// ring changes nothing.
		f.set(nil, plainKey(2), "<key")
		time.Sleep(time.Minute)
		use()
		f.set(nil, plainKey(2), `<revocation><key id="`+keyID(2)+`"/></revocation>`)
		time.Sleep(time.Minute)
		f.p.Unprotect(t.Context(), nil, protected) // starts the reading, and may be before or after it
		synctest.Wait()
		if _, _, err := f.p.Unprotect(t.Context(), nil,
			protected); err != dataprotection.ErrUnprotect {
			t.Errorf("a revoked key: %v", err)
		}
		if known, _ := f.ring.KeyStatus(keyID(2)); known {
			t.Error("a revoked key is known")
		}
		if _, err := f.p.Protect(nil, nil); !errors.Is(err, dataprotection.ErrNoKey) {
			t.Errorf("Protect: %v", err)
		}
		dangerous, err := f.ring.DangerousProtector("a")
		if err != nil {
			t.Fatal(err)
		}
		if got, id, err := dangerous.Unprotect(t.Context(), nil, protected); err != nil ||
			string(got) != "data" || id != keyID(2) {
			t.Errorf("Unprotect = %q, %q, %v", got, id, err)
		}
		if len(f.refreshes) != 3 || f.refreshes[0] != nil || f.refreshes[2] != nil {
			t.Fatalf("OnRefresh was told %v", f.refreshes)
		}
		ringError(t, f.refreshes[1], "key-1.xml", "not well-formed")
	})
}

// TestClockSetBack reads the ring in spite of a clock that was ahead.
func TestClockSetBack(t *testing.T) {
	m := &memory{elements: []string{plainKey(2)}}
	var clock atomic.Pointer[time.Time]
	ahead := now.AddDate(0, 1, 0)
	clock.Store(&ahead)
	done := make(chan error, 1)
	ring, err := dataprotection.Open(t.Context(), m, &dataprotection.RingOptions{
		Now:       func() time.Time { return *clock.Load() },
		OnRefresh: func(err error) { done <- err },
	})
	if err != nil {
		t.Fatal(err)
	}
	clock.Store(&now)
	if _, err := protector(t, ring, "a").Protect(nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestRollover protects with the key whose time has come, without a reading.
func TestRollover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(t, dataprotection.RingOptions{Interval: -1}, plainKey(2), plainKey(-1)) // the second active tomorrow
		for _, want := range []struct {
			after time.Duration
			key   int
		}{{0, 2}, {24*time.Hour - 5*time.Minute - time.Second, 2}, {time.Second,
			-1}, {time.Hour, -1}} {
			time.Sleep(want.after)
			protected, err := f.p.Protect(nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, id, err := f.p.Unprotect(t.Context(), nil, protected)
			if wantID := keyID(want.key); err != nil || id != wantID {
				t.Errorf("after %v: key %s, %v, want %s", want.after, id, err, wantID)
			}
		}
		if f.count() != 1 {
			t.Errorf("%d readings", f.count())
		}
	})
}

// TestProtectingKey compares the key that protects, which is kept for a while,
// with what Resolve says, while the clock jumps over all dates of a ring.
func TestProtectingKey(t *testing.T) {
	random := seed.Of(t)
	for range 30 {
		var elements []string
		for n := range 1 + random.IntN(4) {
			element := plainKey(n)
			at := func() string { return now.Add(time.Duration(random.IntN(200)-100) * time.Hour).Format(time.RFC3339) }
			element = regexp.MustCompile(`creationDate>2.*</expiration`).ReplaceAllString(element,
				"creationDate>"+at()+"</creationDate><activationDate>"+at()+
					"</activationDate><expirationDate>"+at()+"</expiration")
			elements = append(elements, element)
		}
		clock := now
		ring := open(t, &dataprotection.RingOptions{Interval: -1,
			Now: func() time.Time { return clock }}, elements...)
		p := protector(t, ring, "a")
		for range 300 {
			clock = now.Add(time.Duration(random.IntN(300)-150)*time.Hour + time.Duration(random.IntN(3)-1)*5*time.Minute)
			want, _ := ring.Resolve(clock)
			protected, err := p.Protect(nil, nil)
			if err != nil && (!errors.Is(err, dataprotection.ErrNoKey) || want != "") {
				t.Fatal(err)
			}
			id := ""
			if err == nil {
				_, id, err = p.Unprotect(t.Context(), nil, protected)
			}
			if id != want {
				t.Fatalf("at %v key %q protects, want %q: %v", clock, id, want, err)
			}
		}
	}
}

// TestYoungerKeyIsLeftAlone has a node whose clock is ahead.
func TestYoungerKeyIsLeftAlone(t *testing.T) {
	ring := open(t, nil, plainKey(2), plainKey(-1))
	if known, renew := ring.KeyStatus(keyID(-1)); !known || renew {
		t.Errorf("known %v, renew %v", known, renew)
	}
	for _, id := range []string{"", "x", keyID(9)} {
		if known, renew := ring.KeyStatus(id); known || renew {
			t.Errorf("%q: known %v, renew %v", id, known, renew)
		}
	}
}

// TestConcurrent uses a ring while it is read again and again; for the race
// detector.
func TestConcurrent(t *testing.T) {
	m := &memory{elements: []string{plainKey(2)}}
	ring, err := dataprotection.Open(t.Context(), m,
		&dataprotection.RingOptions{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	p := protector(t, ring, "a")
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range 200 {
				plaintext := bytes.Repeat([]byte{byte(worker), byte(i)}, i)
				protected, err := p.Protect(nil, plaintext)
				if err != nil {
					t.Error(err)
					return
				}
				if got, _, err := p.Unprotect(t.Context(), nil, protected); err != nil ||
					!bytes.Equal(got, plaintext) {
					t.Errorf("%d: %x, %v", i, got, err)
				}
			}
		})
	}
	for n := range 20 {
		m.set(nil, plainKey(2), plainKey(3+n))
		if err := ring.Refresh(t.Context()); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	if keys := ring.Keys(); len(keys) != 2 || keys[1].ID != keyID(22) {
		t.Errorf("keys %v", keys)
	}
}
