package dataprotection

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// choice is the key that protects within a span of time.
type choice struct {
	from, until time.Time
	entry       *entry // nil: none
}

// current returns the key that protects now, nil if there is none. What was
// found is kept until the time at which another may take its place.
func (s *state) current(now time.Time) *entry {
	c := s.chosen.Load()
	if c == nil || now.Before(c.from) || !now.Before(c.until) {
		e, _ := s.protecting(now)
		c = &choice{from: now, until: s.nextChange(now), entry: e}
		s.chosen.Store(c)
	}
	return c.entry
}

// noKey says what to do where no key protects: to make one, or to open those
// that are there.
func (s *state) noKey(now time.Time) error {
	for _, e := range s.entries {
		if e.Err != nil && !e.revoked && e.Expires.After(now) {
			return fmt.Errorf("%w: key %s cannot be used here: %w", ErrNoKey, e.ID, errors.Unwrap(e.Err))
		}
	}
	return fmt.Errorf("%w; let a .NET node or Ring.Keep make one", ErrNoKey)
}

// nextChange returns the first moment after now at which a key begins or ends
// to protect, or becomes the better fallback.
func (s *state) nextChange(now time.Time) time.Time {
	next := now.Add(24 * time.Hour)
	for _, e := range s.entries {
		for _, t := range []time.Time{e.Activated.Add(-skew), e.Expires, e.Created.Add(propagation)} {
			if t.After(now) && t.Before(next) {
				next = t
			}
		}
	}
	return next
}

// protecting returns the key that protects: the default or else the fallback
// (KeyRingProvider.CreateCacheableKeyRingCore without automatic generation).
func (s *state) protecting(now time.Time) (e *entry, fallback bool) {
	if e = s.defaultKey(now); e == nil {
		e = s.fallbackKey(now)
		fallback = e != nil
	}
	return e, fallback
}

// preferredKey returns the key that was activated last, the lower id of two.
// The clock of whoever made it may be ahead.
func (s *state) preferredKey(now time.Time) (best *entry) {
	for _, e := range s.entries {
		if e.Activated.After(now.Add(skew)) {
			continue
		}
		if best == nil || e.Activated.After(best.Activated) ||
			e.Activated.Equal(best.Activated) && e.ID < best.ID {
			best = e
		}
	}
	return best
}

// defaultKey returns the preferred key if it is good; there is no second choice
// (DefaultKeyResolver.FindDefaultKey).
func (s *state) defaultKey(now time.Time) *entry {
	e := s.preferredKey(now)
	if e == nil || !e.usable() || !e.Expires.After(now) {
		return nil
	}
	return e
}

// fallbackKey returns the key for a node that makes none, if there is no
// default: the one created last among those that every node has had time to
// read, the preferred key aside, or else the one created first of the young
// ones. It may have expired.
func (s *state) fallbackKey(now time.Time) *entry {
	preferred := s.preferredKey(now)
	var old, young *entry
	for _, e := range s.entries {
		switch {
		case !e.usable():
		case !e.Created.After(now.Add(-propagation)):
			if e != preferred && (old == nil || e.Created.After(old.Created)) {
				old = e
			}
		case young == nil || e.Created.Before(young.Created):
			young = e
		}
	}
	return cmp.Or(old, young)
}
