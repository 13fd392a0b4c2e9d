package sessiontoken

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// defaultStaleness is for how long a [NewTwoLevelStore] may answer without asking
// the shared store.
const defaultStaleness = 5 * time.Second

// twoLevelStore is what NewTwoLevelStore returns.
type twoLevelStore struct {
	front     *MemoryStore
	back      Store
	staleness time.Duration

	mu sync.Mutex
	*laneBox
}

// laneBox hides what mu guards, as memoryBox does.
type laneBox struct{ *laneTable }

type laneTable struct{ lanes map[string]*lane }

// lane orders what is under way for one key. A value read from the shared store may enter memory
// only if no write of this node began or ended meanwhile: version counts both.
type lane struct {
	users   int
	writers int
	version uint64
	flight  *flight
}

// flight is one call of the shared store, for all who wait for it. Its results
// are set before done is closed.
type flight struct {
	done    chan struct{}
	data    []byte // shared, so never changed
	expires time.Time
	err     error
	over    bool // the request that made the call ended, which says nothing to others
}

// errFlightLost is what those who wait see if the store panicked.
var errFlightLost = errors.New("sessiontoken: two-level store: the shared store did not return")

// NewTwoLevelStore returns memory in front of a shared store, what Cora SeQuence calls memory
// cache and database persistence. It is for nodes that read the same sessions again and again.
//
//   - Put and Delete go to the shared store first. This node sees them at once,
//     the others after the staleness. If the shared store fails, memory is left
//     without the entry.
//   - Get answers from memory for the staleness after the entry was read from the shared
//     store, but no longer than the entry is good, and then asks again. If that fails it
//     is an error, never ErrNotInStore: an outage signs nobody out.
//   - Misses are not remembered: a user who signs in on another node is known at once.
//   - Several calls of Get that miss the same key share one call of the store.
//
// A sign-out on one node is thus honoured by the others after the staleness at
// the latest. Zero means 5 seconds.
//
// The front must not be used by anything else, and its clock is that of both; a nil front means
// one with default options. It fails if there is no back or the staleness is negative.
func NewTwoLevelStore(front *MemoryStore, back Store, staleness time.Duration) (Store, error) {
	if back == nil {
		return nil, errors.New("sessiontoken: two-level store without a shared store")
	}
	if staleness < 0 {
		return nil, errors.New("sessiontoken: two-level store with a negative staleness")
	}
	if front == nil {
		front = NewMemoryStore(nil)
	}
	return &twoLevelStore{front: front, back: back, staleness: cmp.Or(staleness, defaultStaleness),
		laneBox: &laneBox{&laneTable{map[string]*lane{}}}}, nil
}

// Get implements [Store].
func (s *twoLevelStore) Get(ctx context.Context, key string) ([]byte, time.Time, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, time.Time{}, fmt.Errorf("sessiontoken: two-level store: %w", err)
		}
		if data, expires, ok := s.front.get(key); ok {
			return bytes.Clone(data), expires, nil
		}
		s.mu.Lock()
		l := s.enter(key)
		f := l.flight
		if f == nil {
			if data, expires, ok := s.front.get(key); ok { // a flight has just ended
				s.leave(key, l)
				s.mu.Unlock()
				return bytes.Clone(data), expires, nil
			}
			f = &flight{done: make(chan struct{}), err: errFlightLost}
			l.flight = f
			version := l.version
			s.mu.Unlock()
			s.fly(ctx, key, l, f, version)
			return bytes.Clone(f.data), f.expires, f.err
		}
		s.leave(key, l)
		s.mu.Unlock()
		select {
		case <-f.done:
			if f.err == nil || !f.over {
				return bytes.Clone(f.data), f.expires, f.err
			}
		case <-ctx.Done():
		}
	}
}

// fly reads one key from the shared store, keeps it unless something was written
// meanwhile, and leaves the lane.
func (s *twoLevelStore) fly(ctx context.Context, key string, l *lane, f *flight, version uint64) {
	fresh := s.front.o.Now().Add(s.staleness)
	found := false
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if found && l.version == version {
			// Too large for memory is no matter: the next Get asks again.
			_ = s.front.put(key, f.data, f.expires, fresh)
		}
		if l.flight == f {
			l.flight = nil
		}
		s.leave(key, l)
		close(f.done)
	}()
	f.data, f.expires, f.err = s.back.Get(ctx, key)
	f.over = ctx.Err() != nil
	found = f.err == nil
}

// Put implements [Store].
func (s *twoLevelStore) Put(ctx context.Context, key string, data []byte, expires time.Time) error {
	return s.write(ctx, key, func() error { return s.back.Put(ctx, key, data, expires) },
		func(fresh time.Time) { _ = s.front.put(key, data, expires, fresh) })
}

// Delete implements [Store].
func (s *twoLevelStore) Delete(ctx context.Context, key string) error {
	return s.write(ctx, key, func() error { return s.back.Delete(ctx, key) }, nil)
}

// write changes the shared store and then memory, which is without the entry while it
// runs, if it fails, and if two writes overlap: nobody here knows which came last.
func (s *twoLevelStore) write(ctx context.Context, key string, back func() error, keep func(fresh time.Time)) (err error) {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("sessiontoken: two-level store: %w", err)
	}
	fresh := s.front.o.Now().Add(s.staleness)
	s.mu.Lock()
	l := s.enter(key)
	l.writers++
	version := l.change()
	s.front.remove(key)
	s.mu.Unlock()

	done := false
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		l.writers--
		s.front.remove(key) // a Get may have put it back in the meantime
		if l.change() == version+1 && l.writers == 0 && done && keep != nil {
			keep(fresh)
		}
		s.leave(key, l)
	}()
	err = back()
	done = err == nil
	return err
}

// change marks the begin or end of a write: who reads from now on does not
// share what was asked for before.
func (l *lane) change() uint64 {
	l.version++
	l.flight = nil
	return l.version
}

func (s *twoLevelStore) enter(key string) *lane {
	l := s.lanes[key]
	if l == nil {
		l = &lane{}
		s.lanes[key] = l
	}
	l.users++
	return l
}

func (s *twoLevelStore) leave(key string, l *lane) {
	if l.users--; l.users == 0 {
		delete(s.lanes, key)
	}
}
