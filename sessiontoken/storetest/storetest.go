// Package storetest is the test of every implementation of sessiontoken.Store.
// [Run] checks the contract that the interface states, and what the codecs rely
// on beyond it: keys and data are any bytes, expiry is exact, and an outage or
// a cancelled call is never mistaken for an entry that is not there.
//
// It is for the tests of stores, those of third parties included; it opens the
// store through a function and knows nothing else about it.
package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/sessiontoken"
)

// Options say what the suite cannot find out about a store.
type Options struct {
	// Now is the clock that open gives to each store it opens, and Advance sets it
	// forward. Both nil means that the store uses the real time: the suite then
	// waits for entries to expire, 20 ms more than twice the Resolution.
	Now     func() time.Time
	Advance func(time.Duration)
	// Resolution is by how much the store rounds deadlines down. An entry may
	// go that much before its time, and never after it. Zero: it is exact.
	Resolution time.Duration
	// NoteRoom is how many notes with a key of 80 bytes and data of 220 the store
	// has room for that open returns; see sessiontoken.ErrStoreFull. Zero: for
	// more than the suite puts there, which are 300.
	NoteRoom int
	// Pair opens two instances over one empty backend, such as two nodes of a
	// farm. Nil: the store is of one process.
	Pair func(t *testing.T) (a, b sessiontoken.Store)
	// Staleness is for how long one instance of a pair may show what it
	// remembers of an entry that the other one changed. It needs Advance.
	Staleness time.Duration
}

// Run checks a store in subtests. The function open returns an empty one, or
// one whose keys no other call uses, and registers its own cleanup. Nil options
// are the zero options.
func Run(t *testing.T, open func(t *testing.T) sessiontoken.Store, o *Options) {
	t.Helper()
	if o == nil {
		o = &Options{}
	}
	for _, c := range []struct {
		name string
		run  func(*suite)
	}{
		{"an entry comes and goes", (*suite).basics},
		{"expiry is exact", (*suite).expiry},
		{"a new deadline counts", (*suite).newDeadline},
		{"what has expired on Put is not there", (*suite).putExpired},
		{"far deadlines", (*suite).farDeadlines},
		{"any data", (*suite).anyData},
		{"any key", (*suite).anyKey},
		{"data is copied", (*suite).copies},
		{"a cancelled call changes nothing", (*suite).cancelled},
		{"notes outlast everything else", (*suite).notes},
		{"no room for one more note", (*suite).fullOfNotes},
		{"32 goroutines, keys of their own", (*suite).concurrentOwn},
		{"32 goroutines, one key", (*suite).concurrentShared},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(&suite{t, open(t), o}) })
	}
	if o.Pair != nil {
		t.Run("two instances see each other", func(t *testing.T) {
			a, b := o.Pair(t)
			pair(&suite{t, a, o}, &suite{t, b, o})
		})
	}
}

// suite is one subtest with a store of its own.
type suite struct {
	t     *testing.T
	store sessiontoken.Store
	o     *Options
}

func (s *suite) now() time.Time {
	if s.o.Now != nil {
		return s.o.Now()
	}
	return time.Now()
}

// soon returns a deadline that passed can wait for.
func (s *suite) soon() time.Time {
	if s.o.Advance != nil {
		return s.now().Add(time.Hour)
	}
	return s.now().Add(20*time.Millisecond + 2*s.o.Resolution)
}

func (s *suite) hour() time.Time { return s.now().Add(time.Hour) }

// waitUntil returns when it is at least that time; with Advance it is exactly.
func (s *suite) waitUntil(at time.Time) {
	if s.o.Advance != nil {
		s.o.Advance(at.Sub(s.now()))
		return
	}
	for d := time.Until(at); d > 0; d = time.Until(at) {
		time.Sleep(d)
	}
}

func (s *suite) put(key, data string, expires time.Time) {
	s.t.Helper()
	if err := s.store.Put(context.Background(), key, []byte(data), expires); err != nil {
		s.t.Fatalf("Put(%s): %v", short(key), err)
	}
}

func (s *suite) delete(key string) {
	s.t.Helper()
	if err := s.store.Delete(context.Background(), key); err != nil {
		s.t.Fatalf("Delete(%s): %v", short(key), err)
	}
}

// has wants data under key.
func (s *suite) has(key, data string) {
	s.t.Helper()
	got, _, err := s.store.Get(context.Background(), key)
	if err != nil || string(got) != data {
		s.t.Errorf("Get(%s) = %s, %v; want %s", short(key), short(string(got)), err, short(data))
	}
}

// hasNot wants nothing under key.
func (s *suite) hasNot(key string) {
	s.t.Helper()
	got, _, err := s.store.Get(context.Background(), key)
	if !errors.Is(err, sessiontoken.ErrNotInStore) || got != nil {
		s.t.Errorf("Get(%s) = %s, %v; want nil and ErrNotInStore", short(key), short(string(got)), err)
	}
}
