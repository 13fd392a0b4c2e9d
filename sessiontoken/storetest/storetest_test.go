package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/sessiontoken"
	"github.com/webfarm-go/webfarm/sessiontoken/storetest"
)

// broken is a good store with one fault.
type broken struct {
	sessiontoken.Store
	get    func(ctx context.Context, key string) ([]byte, time.Time, error)
	put    func(ctx context.Context, key string, data []byte, expires time.Time) error
	delete func(ctx context.Context, key string) error
}

func (b *broken) Get(ctx context.Context, key string) ([]byte, time.Time, error) {
	if b.get != nil {
		return b.get(ctx, key)
	}
	return b.Store.Get(ctx, key)
}

func (b *broken) Put(ctx context.Context, key string, data []byte, expires time.Time) error {
	if b.put != nil {
		return b.put(ctx, key, data, expires)
	}
	return b.Store.Put(ctx, key, data, expires)
}

func (b *broken) Delete(ctx context.Context, key string) error {
	if b.delete != nil {
		return b.delete(ctx, key)
	}
	return b.Store.Delete(ctx, key)
}

// faults are stores that look right at first, and the subtest that must notice.
var faults = map[string]struct {
	make func(good sessiontoken.Store, clock *testkit.Clock) *broken
	test string
}{
	"folds case": {func(good sessiontoken.Store, _ *testkit.Clock) *broken {
		return &broken{Store: good,
			get: func(ctx context.Context, key string) ([]byte, time.Time, error) {
				return good.Get(ctx, strings.ToLower(key))
			},
			delete: func(ctx context.Context, key string) error { return good.Delete(ctx, strings.ToLower(key)) },
			put: func(ctx context.Context, key string, data []byte, expires time.Time) error {
				return good.Put(ctx, strings.ToLower(key), data, expires)
			}}
	}, "any_key"},
	"an outage is a miss": {func(good sessiontoken.Store, _ *testkit.Clock) *broken {
		return &broken{Store: good,
			get: func(ctx context.Context, key string) ([]byte, time.Time, error) {
				data, expires, err := good.Get(ctx, key)
				if err != nil {
					err = sessiontoken.ErrNotInStore
				}
				return data, expires, err
			}}
	}, "a_cancelled_call"},
	"expires a nanosecond late": {func(good sessiontoken.Store, _ *testkit.Clock) *broken {
		return &broken{Store: good,
			put: func(ctx context.Context, key string, data []byte, expires time.Time) error {
				return good.Put(ctx, key, data, expires.Add(1))
			}}
	}, "expiry_is_exact"},
	"tells no deadline": {func(good sessiontoken.Store, _ *testkit.Clock) *broken {
		return &broken{Store: good,
			get: func(ctx context.Context, key string) ([]byte, time.Time, error) {
				data, _, err := good.Get(ctx, key)
				return data, time.Time{}, err
			}}
	}, "expiry_is_exact"},
	"keeps the first deadline": {func(good sessiontoken.Store, _ *testkit.Clock) *broken {
		first := map[string]time.Time{}
		return &broken{Store: good,
			put: func(ctx context.Context, key string, data []byte, expires time.Time) error {
				if first[key].IsZero() {
					first[key] = expires
				}
				return good.Put(ctx, key, data, first[key])
			}}
	}, "a_new_deadline"},
	"leaves what an expired Put replaces": {func(good sessiontoken.Store, clock *testkit.Clock) *broken {
		return &broken{Store: good,
			put: func(ctx context.Context, key string, data []byte, expires time.Time) error {
				if ctx.Err() == nil && !expires.After(clock.Now()) {
					return nil
				}
				return good.Put(ctx, key, data, expires)
			}}
	}, "what_has_expired"},
	"Delete of nothing fails": {func(good sessiontoken.Store, _ *testkit.Clock) *broken {
		return &broken{Store: good, delete: func(ctx context.Context, key string) error {
			if _, _, err := good.Get(ctx, key); err != nil {
				return err
			}
			return good.Delete(ctx, key)
		}}
	}, "an_entry_comes"},
	"cuts at NUL": {func(good sessiontoken.Store, _ *testkit.Clock) *broken {
		return &broken{Store: good,
			put: func(ctx context.Context, key string, data []byte, expires time.Time) error {
				data, _, _ = bytes.Cut(data, []byte{0})
				return good.Put(ctx, key, data, expires)
			}}
	}, "any_data"},
	"gives its own memory away": {func(good sessiontoken.Store, _ *testkit.Clock) *broken {
		last := map[string][]byte{}
		return &broken{Store: good,
			get: func(ctx context.Context, key string) ([]byte, time.Time, error) {
				data, expires, err := good.Get(ctx, key)
				if err != nil {
					return nil, expires, err
				}
				if kept := last[key]; len(kept) == len(data) {
					return kept, expires, nil
				}
				last[key] = data
				return data, expires, nil
			}}
	}, "data_is_copied"},
	"takes notes for entries": {func(_ sessiontoken.Store, clock *testkit.Clock) *broken {
		few := sessiontoken.NewMemoryStore(&sessiontoken.MemoryOptions{MaxEntries: 500,
			Now: clock.Now})
		return &broken{Store: few,
			get:    func(ctx context.Context, key string) ([]byte, time.Time, error) { return few.Get(ctx, "x"+key) },
			delete: func(ctx context.Context, key string) error { return few.Delete(ctx, "x"+key) },
			put: func(ctx context.Context, key string, data []byte, expires time.Time) error {
				return few.Put(ctx, "x"+key, data, expires)
			}}
	}, "notes_outlast"},
	"drops the note that it has no room for": {func(good sessiontoken.Store, _ *testkit.Clock) *broken {
		return &broken{Store: good,
			put: func(ctx context.Context, key string, data []byte, expires time.Time) error {
				if err := good.Put(ctx, key, data, expires); !errors.Is(err,
					sessiontoken.ErrStoreFull) {
					return err
				}
				return nil
			}}
	}, "no_room"},
	"drops an older note": {func(good sessiontoken.Store, _ *testkit.Clock) *broken {
		last := ""
		return &broken{Store: good,
			put: func(ctx context.Context, key string, data []byte, expires time.Time) error {
				err := good.Put(ctx, key, data, expires)
				if errors.Is(err, sessiontoken.ErrStoreFull) {
					_ = good.Delete(ctx, last)
					err = good.Put(ctx, key, data, expires)
				}
				last = key
				return err
			}}
	}, "no_room"},
}

// noteRoom is how many notes of 500 bytes the stores have room for.
const noteRoom = 30

func open(clock *testkit.Clock) sessiontoken.Store {
	return sessiontoken.NewMemoryStore(&sessiontoken.MemoryOptions{MaxNoteBytes: noteRoom * 500,
		Now: clock.Now})
}

func TestAGoodStorePasses(t *testing.T) {
	clock := testkit.NewClock(time.Now().Truncate(time.Second))
	storetest.Run(t, func(*testing.T) sessiontoken.Store { return open(clock) }, &storetest.Options{
		Now: clock.Now, Advance: clock.Move,
		NoteRoom: noteRoom,
		Pair: func(*testing.T) (a, b sessiontoken.Store) {
			s := open(clock)
			return s, s
		},
	})
	storetest.Run(t,
		func(*testing.T) sessiontoken.Store { return sessiontoken.NewMemoryStore(nil) }, nil)
}

// TestFault is the inside of TestFaultsAreFound: it runs with a faulty store in
// a process of its own, where it may fail.
func TestFault(t *testing.T) {
	fault, ok := faults[os.Getenv("STORETEST_FAULT")]
	if !ok {
		return
	}
	clock := testkit.NewClock(time.Now().Truncate(time.Second))
	storetest.Run(t, func(*testing.T) sessiontoken.Store { return fault.make(open(clock), clock) },
		&storetest.Options{Now: clock.Now, Advance: clock.Move, NoteRoom: noteRoom})
}

// TestFaultsAreFound wants each fault to be noticed by the subtest for it.
func TestFaultsAreFound(t *testing.T) {
	for name, fault := range faults {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestFault$/"+fault.test)
		cmd.Env = append(os.Environ(), "STORETEST_FAULT="+name)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || !bytes.Contains(out,
			[]byte("--- FAIL: TestFault/"+fault.test)) {
			t.Errorf("%s: %v\n%.500s", name, err, out)
		}
	}
}

func ExampleRun() {
	// TestMyStore, in the tests of the store.
	test := func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) sessiontoken.Store {
			return sessiontoken.NewMemoryStore(nil)
		}, nil)
	}
	_ = test
}
