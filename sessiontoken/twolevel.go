package sessiontoken

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// defaultStaleness is for how long a [TwoLevelStore] may answer without asking
// the shared store.
const defaultStaleness = 5 * time.Second

// ExpiryStore is a [Store] that also tells until when an entry is good. A
// [TwoLevelStore] in front of one honours the expiry of each entry exactly; in
// front of any other it may be late by TwoLevelOptions.Staleness. MemoryStore is
// one, and those of redisstore and sqlstore are; a TwoLevelStore is none.
type ExpiryStore interface {
	Store
	// GetExpires does what Get does and also returns the time that Put was
	// given, rounded down by as much as the store's resolution.
	GetExpires(ctx context.Context, key string) (data []byte, expires time.Time, err error)
}

// TwoLevelOptions are the settings of a [TwoLevelStore].
type TwoLevelOptions struct {
	// Staleness bounds for how long another node's Put or Delete may go
	// unseen. Zero means 5 seconds.
	Staleness time.Duration
}

// TwoLevelStore is memory in front of a shared store, what Cora SeQuence calls
// memory cache and database persistence. It is for nodes that read the same
// sessions again and again.
//
//   - Put and Delete go to the shared store first. This node sees them at once,
//     the others after Staleness. If the shared store fails, memory is left
//     without the entry.
//   - Get answers from memory for Staleness after the entry was read from the
//     shared store, and then asks again. If that fails it is an error, never
//     ErrNotInStore: an outage signs nobody out.
//   - Misses are not remembered. A user who signs in on another node is known
//     at once, and made-up keys take no memory.
//   - Several calls of Get that miss the same key share one call of the store.
//
// A sign-out on one node is thus honoured by the others after Staleness at the
// latest.
type TwoLevelStore struct {
	front     *MemoryStore
	back      Store
	expiry    ExpiryStore // back, or nil if it is none
	staleness time.Duration

	mu sync.Mutex
	*laneBox
}

// laneBox holds what mu guards behind a second pointer, as memoryBox does.
type laneBox struct{ *laneTable }

type laneTable struct{ lanes map[string]*lane }

// lane orders what is under way for one key. It exists as long as something
// is. A value read from the shared store may enter memory only if no write of
// this node began or ended meanwhile: version counts both.
type lane struct {
	users   int
	writers int
	version uint64
	flight  *flight
}

// flight is one call of the shared store, for all who wait for it. Its results
// are set before done is closed.
type flight struct {
	done chan struct{}
	data []byte // shared, so never changed
	err  error
	over bool // the request that made the call ended, which says nothing to others
}

// errFlightLost is what those who wait see if the store panicked.
var errFlightLost = errors.New("sessiontoken: two-level store: the shared store did not return")

// NewTwoLevelStore returns a store that keeps in front what it reads from back.
// The front must not be used by anything else, and its clock is that of both; a
// nil front means one with default options. Nil options are the zero options.
// It fails if there is no back or Staleness is negative.
func NewTwoLevelStore(front *MemoryStore, back Store, opts *TwoLevelOptions) (*TwoLevelStore, error) {
	if back == nil {
		return nil, errors.New("sessiontoken: two-level store without a shared store")
	}
	if front == nil {
		front = NewMemoryStore(nil)
	}
	s := &TwoLevelStore{front: front, back: back, staleness: defaultStaleness, laneBox: &laneBox{&laneTable{map[string]*lane{}}}}
	s.expiry, _ = back.(ExpiryStore)
	if opts != nil && opts.Staleness != 0 {
		s.staleness = opts.Staleness
	}
	if s.staleness < 0 {
		return nil, errors.New("sessiontoken: TwoLevelOptions.Staleness is negative")
	}
	return s, nil
}

// Get implements [Store].
func (s *TwoLevelStore) Get(ctx context.Context, key string) ([]byte, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("sessiontoken: two-level store: %w", err)
		}
		if data, _, ok := s.front.get(key); ok {
			return bytes.Clone(data), nil
		}
		s.mu.Lock()
		l := s.enter(key)
		f := l.flight
		if f == nil {
			if data, _, ok := s.front.get(key); ok { // a flight has just ended
				s.leave(key, l)
				s.mu.Unlock()
				return bytes.Clone(data), nil
			}
			f = &flight{done: make(chan struct{}), err: errFlightLost}
			l.flight = f
			version := l.version
			s.mu.Unlock()
			s.fly(ctx, key, l, f, version)
			return bytes.Clone(f.data), f.err
		}
		s.leave(key, l)
		s.mu.Unlock()
		select {
		case <-f.done:
		case <-ctx.Done():
			continue
		}
		if f.err != nil && f.over {
			continue
		}
		return bytes.Clone(f.data), f.err
	}
}

// fly reads one key from the shared store and, if nothing was written
// meanwhile, keeps it in memory. It leaves the lane.
func (s *TwoLevelStore) fly(ctx context.Context, key string, l *lane, f *flight, version uint64) {
	fresh := s.front.o.Now().Add(s.staleness)
	found := false
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if found && l.version == version {
			// Too large for memory is no matter: the next Get asks again.
			_ = s.front.put(key, f.data, fresh)
		}
		if l.flight == f {
			l.flight = nil
		}
		s.leave(key, l)
		close(f.done)
	}()
	data, expires, err := s.read(ctx, key)
	f.data, f.err, f.over = data, err, ctx.Err() != nil
	if err == nil {
		found = true
		if s.expiry != nil && expires.Before(fresh) {
			fresh = expires
		}
	}
}

func (s *TwoLevelStore) read(ctx context.Context, key string) (data []byte, expires time.Time, err error) {
	if s.expiry != nil {
		return s.expiry.GetExpires(ctx, key)
	}
	data, err = s.back.Get(ctx, key)
	return data, time.Time{}, err
}

// Put implements [Store].
func (s *TwoLevelStore) Put(ctx context.Context, key string, data []byte, expires time.Time) error {
	return s.write(ctx, key, func() error { return s.back.Put(ctx, key, data, expires) }, func(fresh time.Time) {
		if expires.Before(fresh) {
			fresh = expires
		}
		_ = s.front.put(key, data, fresh)
	})
}

// Delete implements [Store].
func (s *TwoLevelStore) Delete(ctx context.Context, key string) error {
	return s.write(ctx, key, func() error { return s.back.Delete(ctx, key) }, nil)
}

// write changes the shared store and then memory. While it runs, and if it
// fails, memory is without the entry; and also if two writes to one key
// overlap, since nobody here knows which of them came last.
func (s *TwoLevelStore) write(ctx context.Context, key string, back func() error, keep func(fresh time.Time)) error {
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
	if err := back(); err != nil {
		return err
	}
	done = true
	return nil
}

// change marks the begin or end of a write: who reads from now on does not
// share what was asked for before.
func (l *lane) change() uint64 {
	l.version++
	l.flight = nil
	return l.version
}

func (s *TwoLevelStore) enter(key string) *lane {
	l := s.lanes[key]
	if l == nil {
		l = &lane{}
		s.lanes[key] = l
	}
	l.users++
	return l
}

func (s *TwoLevelStore) leave(key string, l *lane) {
	if l.users--; l.users == 0 {
		delete(s.lanes, key)
	}
}
