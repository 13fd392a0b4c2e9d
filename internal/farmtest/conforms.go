package farmtest

import (
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/sessiontoken"
	"github.com/webfarm-go/webfarm/sessiontoken/storetest"
)

// TwoLevel returns a store with memory in front of another; both use the clock.
func TwoLevel(t *testing.T, now func() time.Time, back sessiontoken.Store) sessiontoken.Store {
	t.Helper()
	front := sessiontoken.NewMemoryStore(&sessiontoken.MemoryOptions{Now: now})
	s, err := sessiontoken.NewTwoLevelStore(front, back, 0)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Conforms runs the suite for stores on a shared one that keeps deadlines to
// the millisecond: with a clock that is moved, in real time, and behind memory.
// Both functions make an empty store, pair makes two on one backend.
func Conforms(t *testing.T, open func(t *testing.T, now func() time.Time) sessiontoken.Store, pair func(t *testing.T, now func() time.Time) (a, b sessiontoken.Store)) {
	clock := testkit.NewClock(time.Now().Truncate(time.Second))
	t.Run("clock", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) sessiontoken.Store { return open(t, clock.Now) },
			&storetest.Options{
				Now:        clock.Now,
				Advance:    clock.Move,
				Resolution: time.Millisecond,
				Pair:       func(t *testing.T) (a, b sessiontoken.Store) { return pair(t, clock.Now) },
			})
	})
	t.Run("real time", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) sessiontoken.Store { return open(t, nil) },
			&storetest.Options{Resolution: time.Millisecond})
	})
	t.Run("behind memory", func(t *testing.T) {
		storetest.Run(t,
			func(t *testing.T) sessiontoken.Store { return TwoLevel(t, clock.Now, open(t, clock.Now)) }, &storetest.Options{
				Now:        clock.Now,
				Advance:    clock.Move,
				Resolution: time.Millisecond,
				Staleness:  5 * time.Second,
				Pair: func(t *testing.T) (a, b sessiontoken.Store) {
					a, b = pair(t, clock.Now)
					return TwoLevel(t, clock.Now, a), TwoLevel(t, clock.Now, b)
				},
			})
	})
}
