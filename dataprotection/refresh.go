package dataprotection

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// flight is one reading of the repository, which everybody who needs it
// shares.
type flight struct {
	done    chan struct{}
	unknown bool  // begun for a key that was not known
	err     error // once done
}

// Refresh reads the ring again and returns what is wrong with it, as [Open]
// does; the ring then stays as it was.
func (r *Ring) Refresh(ctx context.Context) error {
	for {
		r.mu.Lock()
		f, other := r.flight, r.flight != nil
		if !other {
			f = r.fly(false)
		}
		r.mu.Unlock()
		select {
		case <-f.done:
		case <-ctx.Done():
			return fmt.Errorf("dataprotection: reading the key ring: %w", context.Cause(ctx))
		}
		if !other { // one that began before the call may have missed something
			return f.err
		}
	}
}

// fly begins a reading. The caller holds r.mu.
func (r *Ring) fly(unknown bool) *flight {
	f := &flight{done: make(chan struct{}), unknown: unknown}
	r.flight = f
	r.schedule()
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), loadTimeout)
		defer cancel()
		s, err := r.load(ctx)
		if err == nil && r.o.KeepAhead > 0 {
			s, _, err = r.keep(ctx, s, r.o.KeepAhead, newKeyLifetime)
		}
		for _, told := range r.land(f, s, err) {
			told(err)
		}
	}()
	return f
}

// land puts the outcome of a reading into the ring, and returns who is told. A
// ring that could not get its next key is a good one.
func (r *Ring) land(f *flight, s *state, err error) []func(error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = nil
	if s != nil {
		r.state.Store(s)
		r.read = r.o.Now()
	} else {
		r.failed = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if f.unknown {
		r.quiet = r.o.Now().Add(unknownPause)
	}
	f.err, r.flight = err, nil
	close(f.done)
	return slices.Clone(r.told)
}

func (r *Ring) schedule() {
	early := time.Duration(rand.Float64() * 0.2 * float64(r.o.Interval))
	r.next.Store(r.o.Now().Add(r.o.Interval - early).UnixNano())
}

// follow begins a reading if one is due, and does not wait for it. A clock that
// was set back makes it due too.
func (r *Ring) follow(now time.Time) {
	left := time.Duration(r.next.Load() - now.UnixNano())
	if r.o.Interval < 0 || 0 < left && left <= r.o.Interval {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flight == nil {
		r.fly(false)
	}
}

// find returns the entry of a key and the state that it is of. A key that is
// not known may just have been made: find then waits for the ring to be read.
func (r *Ring) find(ctx context.Context, id guid) (*state, *entry, error) {
	if s := r.state.Load(); s.byID[id] != nil {
		return s, s.byID[id], nil
	}
	var patience <-chan time.Time
	for {
		r.mu.Lock()
		s, f := r.state.Load(), r.flight
		if e := s.byID[id]; e != nil {
			r.mu.Unlock()
			return s, e, nil
		}
		if left := r.quiet.Sub(r.o.Now()); 0 < left && left <= unknownPause {
			err := cmp.Or(r.failed, ErrUnprotect)
			r.mu.Unlock()
			return nil, nil, err
		}
		if f == nil {
			f = r.fly(true)
		}
		r.mu.Unlock()
		if patience == nil {
			timer := time.NewTimer(unknownWait)
			defer timer.Stop()
			patience = timer.C
		}
		select {
		case <-f.done:
		case <-patience:
			r.giveUp(f)
			return nil, nil, ErrUnavailable
		case <-ctx.Done():
			return nil, nil, fmt.Errorf("%w: %w", ErrUnavailable, context.Cause(ctx))
		}
	}
}

// giveUp begins the pause while a reading still goes on, so that not every
// request with an unknown key waits for a repository that hangs.
func (r *Ring) giveUp(f *flight) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flight == f {
		r.quiet, r.failed = r.o.Now().Add(unknownPause), ErrUnavailable
	}
}

// staleAfter is how long a .NET node goes by a ring that it has read
// (KeyManagementOptions.KeyRingRefreshPeriod).
const staleAfter = 24 * time.Hour

// fault says why the ring is not fit for the cookies of the farm: the nodes
// protect with a key that cannot be used here, none protects, or the ring is as
// old as no .NET node lets it become and cannot be read. A ring that is read by
// Refresh alone has no age.
func (r *Ring) fault(ctx context.Context) error {
	now := r.o.Now()
	r.follow(now)
	if r.o.Interval > 0 && r.age(now) > staleAfter {
		err := r.Refresh(ctx)
		if age := r.age(now); age > staleAfter {
			return fmt.Errorf("dataprotection: the keys were read %v ago: %w", age.Round(time.Minute), err)
		}
	}
	s := r.state.Load()
	e := s.preferredKey(now)
	if e != nil && e.Err != nil && !e.revoked && e.Expires.After(now) {
		return fmt.Errorf("dataprotection: nodes protect with a key that cannot be used here: %w", e.Err)
	}
	if s.current(now) == nil {
		return s.noKey(now)
	}
	return nil
}

func (r *Ring) age(now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return now.Sub(r.read)
}
