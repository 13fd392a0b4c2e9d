package sessiontoken

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// hookStore is a memory store that counts calls, fails when told to, and stops
// at a hook. It hides expiries.
type hookStore struct {
	Store
	gets  atomic.Int32
	down  atomic.Bool
	after func(call string) // before the call returns; nil: nothing
}

var errDown = errors.New("connection refused")

func (h *hookStore) hook(call string, err error) error {
	if h.after != nil {
		h.after(call)
	}
	return err
}

func (h *hookStore) Get(ctx context.Context, key string) ([]byte, time.Time, error) {
	h.gets.Add(1)
	if h.down.Load() {
		return nil, time.Time{}, errDown
	}
	data, expires, err := h.Store.Get(ctx, key)
	return data, expires, h.hook("Get", err)
}

func (h *hookStore) Put(ctx context.Context, key string, data []byte, expires time.Time) error {
	if h.down.Load() {
		return errDown
	}
	return h.hook("Put "+string(data), h.Store.Put(ctx, key, data, expires))
}

func (h *hookStore) Delete(ctx context.Context, key string) error {
	if h.down.Load() {
		return errDown
	}
	return h.hook("Delete", h.Store.Delete(ctx, key))
}

func newTwoLevel(t *testing.T, clock *testClock) (*twoLevelStore, *hookStore) {
	t.Helper()
	back := &hookStore{Store: NewMemoryStore(&MemoryOptions{Now: clock.Now})}
	two, err := NewTwoLevelStore(NewMemoryStore(&MemoryOptions{Now: clock.Now}), back, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := two.(*twoLevelStore)
	t.Cleanup(func() {
		if len(s.lanes) != 0 {
			t.Errorf("%d lanes left", len(s.lanes))
		}
	})
	return s, back
}

func wantData(t *testing.T, s Store, key, want string) {
	t.Helper()
	got, _, err := s.Get(ctx, key)
	if want == "" {
		if !errors.Is(err, ErrNotInStore) {
			t.Errorf("Get(%s) = %q, %v; want ErrNotInStore", key, got, err)
		}
	} else if err != nil || string(got) != want {
		t.Errorf("Get(%s) = %q, %v; want %q", key, got, err, want)
	}
}

func putText(t *testing.T, s Store, key, text string, expires time.Time) {
	t.Helper()
	if err := s.Put(ctx, key, []byte(text), expires); err != nil {
		t.Fatal(err)
	}
}

func TestTwoLevelOptions(t *testing.T) {
	back := NewMemoryStore(nil)
	if s, err := NewTwoLevelStore(nil, nil, 0); s != nil || err == nil {
		t.Error("no back store")
	}
	if s, err := NewTwoLevelStore(nil, back, -1); s != nil || err == nil {
		t.Error("negative staleness")
	}
	two, err := NewTwoLevelStore(nil, back, 0)
	s := two.(*twoLevelStore)
	if err != nil || s.staleness != defaultStaleness || s.front == nil {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestTwoLevelStaleness(t *testing.T) {
	clock := newTestClock()
	s, back := newTwoLevel(t, clock)
	later := clock.now.Add(time.Hour)
	putText(t, s, "k", "one", later)
	wantData(t, s, "k", "one")
	if back.gets.Load() != 0 {
		t.Error("memory was not asked first")
	}
	// Another node writes.
	putText(t, back.Store, "k", "two", later)
	clock.now = clock.now.Add(defaultStaleness - 1)
	wantData(t, s, "k", "one")
	clock.now = clock.now.Add(1)
	wantData(t, s, "k", "two")
	wantData(t, s, "k", "two")
	if n := back.gets.Load(); n != 1 {
		t.Errorf("%d calls", n)
	}
	// Reading does not prolong it.
	for range 3 {
		clock.now = clock.now.Add(defaultStaleness / 3)
		wantData(t, s, "k", "two")
	}
	_ = back.Store.Delete(ctx, "k")
	clock.now = clock.now.Add(defaultStaleness)
	wantData(t, s, "k", "")
	// A miss is not remembered.
	wantData(t, s, "k", "")
	putText(t, back.Store, "k", "three", later)
	wantData(t, s, "k", "three")

	// What another node put is good until its own deadline, which Get tells.
	until := clock.now.Add(time.Second)
	putText(t, back.Store, "brief", "data", until)
	for range 2 {
		if _, told, err := s.Get(ctx, "brief"); err != nil || !told.Equal(until) {
			t.Errorf("good until %v, want %v; %v", told, until, err)
		}
	}
	putText(t, s, "mine", "data", later)
	if _, told, err := s.Get(ctx, "mine"); err != nil || !told.Equal(later) {
		t.Errorf("good until %v, want %v; %v", told, later, err)
	}
	clock.now = clock.now.Add(time.Second - 1)
	wantData(t, s, "brief", "data")
	clock.now = clock.now.Add(1)
	wantData(t, s, "brief", "")
}

func TestTwoLevelOutage(t *testing.T) {
	clock := newTestClock()
	s, back := newTwoLevel(t, clock)
	later := clock.now.Add(time.Hour)
	putText(t, s, "k", "one", later)
	putText(t, s, "deleted", "one", later)
	back.down.Store(true)
	wantData(t, s, "k", "one") // still fresh
	if err := s.Delete(ctx, "deleted"); !errors.Is(err, errDown) {
		t.Error(err)
	}
	for name, call := range map[string]func() error{
		"Put":            func() error { return s.Put(ctx, "k", []byte("two"), later) },
		"Get":            func() error { _, _, err := s.Get(ctx, "k"); return err },
		"Get of deleted": func() error { _, _, err := s.Get(ctx, "deleted"); return err },
		"Get of no one":  func() error { _, _, err := s.Get(ctx, "none"); return err },
	} {
		if name == "Get" {
			clock.now = clock.now.Add(defaultStaleness)
		}
		if err := call(); !errors.Is(err, errDown) || errors.Is(err, ErrNotInStore) {
			t.Errorf("%s: %v", name, err)
		}
	}
	back.down.Store(false)
	wantData(t, s, "k", "one")
	wantData(t, s, "deleted", "one")
}

// gate makes the next call of the shared store with that name stop before it
// returns.
func (h *hookStore) gate(name string) (arrived, release chan struct{}) {
	arrived, release = make(chan struct{}), make(chan struct{})
	var once atomic.Bool
	h.after = func(call string) {
		if call == name && once.CompareAndSwap(false, true) {
			close(arrived)
			<-release
		}
	}
	return arrived, release
}

// TestTwoLevelLateGet has a Get that read the old value and returns after a
// write of this node.
func TestTwoLevelLateGet(t *testing.T) {
	for name, write := range map[string]func(s Store, later time.Time) error{
		"":    func(s Store, _ time.Time) error { return s.Delete(ctx, "k") },
		"new": func(s Store, later time.Time) error { return s.Put(ctx, "k", []byte("new"), later) },
	} {
		clock := newTestClock()
		s, back := newTwoLevel(t, clock)
		later := clock.now.Add(time.Hour)
		putText(t, back.Store, "k", "old", later)
		arrived, release := back.gate("Get")
		var wg sync.WaitGroup
		wg.Go(func() { wantData(t, s, "k", "old") })
		<-arrived
		if err := write(s, later); err != nil {
			t.Fatal(err)
		}
		wantData(t, s, "k", name) // does not wait for the old flight
		close(release)
		wg.Wait()
		wantData(t, s, "k", name)
	}
}

// TestTwoLevelGetDuringDelete has a Get that reads before the Delete takes
// effect and ends before the Delete does.
func TestTwoLevelGetDuringDelete(t *testing.T) {
	clock := newTestClock()
	s, back := newTwoLevel(t, clock)
	putText(t, s, "k", "old", clock.now.Add(time.Hour))
	arrived, release := back.gate("Delete")
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Delete(ctx, "k"); err != nil {
			t.Error(err)
		}
	})
	<-arrived
	putText(t, back.Store, "k", "old", clock.now.Add(time.Hour)) // as if it had not come through yet
	wantData(t, s, "k", "old")
	_ = back.Store.Delete(ctx, "k")
	close(release)
	wg.Wait()
	wantData(t, s, "k", "")
}

// TestTwoLevelOverlappingPuts has two writes whose order only the shared store
// knows.
func TestTwoLevelOverlappingPuts(t *testing.T) {
	clock := newTestClock()
	s, back := newTwoLevel(t, clock)
	later := clock.now.Add(time.Hour)
	arrived, release := back.gate("Put first")
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Put(ctx, "k", []byte("first"), later); err != nil {
			t.Error(err)
		}
	})
	<-arrived
	putText(t, s, "k", "second", later)
	wantData(t, s, "k", "second")
	close(release)
	wg.Wait()
	wantData(t, s, "k", "second")
}

func TestTwoLevelOneFlight(t *testing.T) {
	clock := newTestClock()
	s, back := newTwoLevel(t, clock)
	putText(t, back.Store, "k", "data", clock.now.Add(time.Hour))
	arrived, release := back.gate("Get")
	var wg sync.WaitGroup
	wg.Go(func() { wantData(t, s, "k", "data") })
	<-arrived
	for range 31 {
		wg.Go(func() {
			data, _, err := s.Get(ctx, "k")
			if err != nil || string(data) != "data" {
				t.Errorf("%q, %v", data, err)
			}
			copy(data, "XXXX") // each has its own
		})
	}
	// One of them gives up waiting.
	short, cancel := context.WithCancel(ctx)
	gaveUp := make(chan error)
	go func() { _, _, err := s.Get(short, "k"); gaveUp <- err }()
	cancel()
	if err := <-gaveUp; !errors.Is(err, context.Canceled) {
		t.Errorf("gave up: %v", err)
	}
	close(release)
	wg.Wait()
	if n := back.gets.Load(); n != 1 {
		t.Errorf("%d calls of the shared store", n)
	}
	wantData(t, s, "k", "data")
}

// TestTwoLevelLeaderCancelled wants the request that waits to ask itself when
// the one that asked for it has gone.
func TestTwoLevelLeaderCancelled(t *testing.T) {
	clock := newTestClock()
	s, back := newTwoLevel(t, clock)
	putText(t, back.Store, "k", "data", clock.now.Add(time.Hour))
	leaderCtx, cancel := context.WithCancel(ctx)
	arrived, release := make(chan struct{}), make(chan struct{})
	s.back = storeFunc(func(ctx context.Context, key string) ([]byte, time.Time, error) {
		if ctx == leaderCtx {
			close(arrived)
			<-release
			return nil, time.Time{}, ctx.Err()
		}
		return back.Get(ctx, key)
	})
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, _, err := s.Get(leaderCtx, "k"); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	<-arrived
	wg.Go(func() { wantData(t, s, "k", "data") })
	cancel()
	close(release)
	wg.Wait()
}

// TestTwoLevelOutageIsShared wants all who wait for a store that times out to
// fail with it, and not to wait for a timeout of their own one after another. A
// connection that cannot be made in time matches context.DeadlineExceeded, too.
func TestTwoLevelOutageIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, back := newTwoLevel(t, newTestClock())
		arrived, release := make(chan struct{}, 100), make(chan struct{})
		s.back = storeFunc(func(context.Context, string) ([]byte, time.Time, error) {
			back.gets.Add(1)
			arrived <- struct{}{}
			<-release
			return nil, time.Time{}, fmt.Errorf("dial: %w", context.DeadlineExceeded)
		})
		var wg sync.WaitGroup
		get := func() {
			if _, _, err := s.Get(context.Background(), "k"); !errors.Is(err,
				context.DeadlineExceeded) {
				t.Error(err)
			}
		}
		wg.Go(get)
		<-arrived
		for range 20 {
			wg.Go(get)
		}
		synctest.Wait()
		close(release)
		wg.Wait()
		if n := back.gets.Load(); n != 1 {
			t.Errorf("%d calls of the store", n)
		}
	})
}

// storeFunc is a store that is only read.
type storeFunc func(ctx context.Context, key string) ([]byte, time.Time, error)

func (f storeFunc) Get(ctx context.Context, key string) ([]byte, time.Time, error) {
	return f(ctx, key)
}
func (storeFunc) Put(context.Context, string, []byte, time.Time) error { return errBroken }
func (storeFunc) Delete(context.Context, string) error                 { return errBroken }

// TestTwoLevelPanic wants a store that panics to leave nobody waiting.
func TestTwoLevelPanic(t *testing.T) {
	clock := newTestClock()
	s, _ := newTwoLevel(t, clock)
	s.back = storeFunc(func(context.Context, string) ([]byte, time.Time, error) { panic("bug") })
	for range 2 {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			_, _, _ = s.Get(ctx, "k")
		}()
	}
}

// TestTwoLevelAgrees wants memory and the shared store to agree once many
// goroutines that write and read a few keys have ended.
func TestTwoLevelAgrees(t *testing.T) {
	clock := newTestClock()
	s, back := newTwoLevel(t, clock)
	later := clock.now.Add(time.Hour)
	var wg sync.WaitGroup
	for g := range 32 {
		wg.Go(func() {
			for i := range 200 {
				key := fmt.Sprint((g + i) % 4)
				switch (g*7 + i*3) % 5 {
				case 0:
					_ = s.Put(ctx, key, fmt.Append(nil, g, i), later)
				case 1:
					_ = s.Delete(ctx, key)
				default:
					_, _, _ = s.Get(ctx, key)
				}
			}
		})
	}
	wg.Wait()
	for i := range 4 {
		key := fmt.Sprint(i)
		want, _, backErr := back.Store.Get(ctx, key)
		got, _, err := s.Get(ctx, key)
		if string(got) != string(want) || errors.Is(err, ErrNotInStore) != errors.Is(backErr,
			ErrNotInStore) {
			t.Errorf("%s: %q, %v in memory; %q, %v shared", key, got, err, want, backErr)
		}
	}
}
