package dataprotection

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// tick is the unit of .NET's dates.
const tick = 100 * time.Nanosecond

// Keep makes the next key if the ring needs one, as a .NET node does
// (KeyRingProvider), and returns its id. The ring needs one if no key protects,
// or if the key that does ends within ahead and its successor is missing or ends
// within ahead too. .NET's own ahead is three days. The key begins when the one
// that protects ends, or now, and ends a lifetime from now; zero means .NET's 90
// days. An id of "" and no error mean that the ring needs no key.
//
// Any number of keepers may run at once. A repository with StoreIf takes one key
// of them. In others, such as a folder, each may leave one; they begin together,
// and all nodes take the same one. Keep refuses to judge a ring whose key it
// cannot open: it could not open its own next key either, and make one each time.
func (r *Ring) Keep(ctx context.Context, ahead, lifetime time.Duration) (keyID string, err error) {
	if lifetime == 0 {
		lifetime = newKeyLifetime
	}
	if err := checkLifetime(ahead, lifetime); err != nil {
		return "", err
	}
	if err := r.Refresh(ctx); err != nil {
		return "", err
	}
	_, keyID, err = r.keep(ctx, r.state.Load(), ahead, lifetime)
	if err == nil && keyID != "" {
		err = r.Refresh(ctx)
	}
	return keyID, err
}

// checkLifetime refuses what would need a new key each time.
func checkLifetime(ahead, lifetime time.Duration) error {
	if ahead < 0 || ahead >= lifetime {
		return fmt.Errorf("dataprotection: the next key cannot be made %v ahead if it lives for %v",
			ahead, lifetime)
	}
	return nil
}

// keep is Keep for the ring as it was just read. It returns the ring as it is
// afterwards, also with an error.
func (r *Ring) keep(ctx context.Context, s *state, ahead, lifetime time.Duration) (*state, string, error) {
	for range keepAttempts {
		now := r.o.Now()
		begins, needed, err := s.next(now, ahead)
		if err != nil || !needed {
			return s, "", err
		}
		id, text, err := r.newKey(s, now, begins, now.Add(lifetime))
		if err != nil {
			return s, "", err
		}
		stored := true
		if c, ok := r.repository.(conditional); ok {
			stored, err = c.StoreIf(ctx, "key-"+id, []byte(text), s.count)
		} else {
			err = r.repository.Store(ctx, "key-"+id, []byte(text))
		}
		if err != nil {
			return s, "", fmt.Errorf("dataprotection: storing a key: %w", err)
		}
		if !stored {
			id = ""
		}
		after, err := r.load(ctx)
		if err != nil {
			return s, id, err
		}
		if s = after; stored {
			return s, id, nil
		}
	}
	return s, "", errors.New("dataprotection: the ring changed each time that a key was made for it")
}

// next says whether the ring needs a key to begin after the one that protects
// now, and when (KeyRingProvider.CreateCacheableKeyRingCore).
func (s *state) next(now time.Time, ahead time.Duration) (begins time.Time, needed bool, err error) {
	begins = now
	if k := s.defaultKey(now); k != nil {
		begins = k.Expires
		successor := s.defaultKey(begins)
		enough := now.Add(ahead)
		if !k.Expires.Before(enough) || successor != nil && !successor.Expires.Before(enough) {
			return begins, false, nil
		}
	}
	if p := s.preferredKey(begins); p != nil && p.Err != nil && !p.revoked &&
		p.Expires.After(begins) {
		return begins, false, fmt.Errorf("dataprotection: whether a key is needed cannot be told here: %w", p.Err)
	}
	return s.behind(begins), true, nil
}

// behind returns the first moment from t on at which a new key would be
// preferred to all others.
func (s *state) behind(t time.Time) time.Time {
	if p := s.preferredKey(t); p != nil && !p.Activated.Before(t) {
		return p.Activated.Add(tick)
	}
	return t
}

// NewKey makes a key, needed or not, and returns its id (IKeyManager.CreateNewKey).
// It begins and ends to protect at these times. A zero begin means in two days,
// when all .NET nodes have read the ring, or now if no key protects; a zero end
// means 90 days from now. A node that has not read the ring does not open what
// the key protects.
//
// The key is encrypted for the first of RingOptions.Certificates, if there is one,
// and has the algorithms of the key before it, or AES_256_CBC and HMACSHA256. It
// is an error to follow a key that is encrypted at rest with one in clear.
func (r *Ring) NewKey(ctx context.Context, activated, expires time.Time) (keyID string, err error) {
	if err := r.Refresh(ctx); err != nil {
		return "", err
	}
	s, now := r.state.Load(), r.o.Now()
	if activated.IsZero() {
		activated = now
		if s.defaultKey(now) != nil {
			activated = now.Add(propagation)
		}
		activated = s.behind(activated)
	}
	if expires.IsZero() {
		expires = now.Add(newKeyLifetime)
	}
	keyID, text, err := r.newKey(s, now, activated, expires)
	if err != nil {
		return "", err
	}
	if err := r.repository.Store(ctx, "key-"+keyID, []byte(text)); err != nil {
		return "", fmt.Errorf("dataprotection: storing a key: %w", err)
	}
	return keyID, r.Refresh(ctx)
}

// Revoke revokes one key of the ring, or with the id "*" all that it has, as
// IKeyManager.RevokeKey and RevokeAllKeys do: no node opens any more what these
// keys protected, once it has read the ring. Go reads it within
// RingOptions.Interval, .NET within a day or when it starts. The reason, of at
// most 1,000 bytes, is for people. A key that is revoked already stays so.
//
// A .NET node to which no key is left that protects goes on with the ring that
// it has: let [Ring.NewKey] follow.
func (r *Ring) Revoke(ctx context.Context, keyID, reason string) error {
	if err := r.Refresh(ctx); err != nil {
		return err
	}
	s, now := r.state.Load(), r.o.Now()
	var list []*entry
	if keyID == "*" {
		name := strings.Replace(now.UTC().Format("20060102T150405.9999999Z"), ".", "", 1)
		if err := r.addRevocation(ctx, name, keyID, now, reason); err != nil {
			return err
		}
		for _, e := range s.entries {
			if !e.Created.Before(now) { // by a clock ahead of this one
				list = append(list, e)
			}
		}
	} else if id, ok := parseGUID(keyID); ok && s.byID[id] != nil {
		list = append(list, s.byID[id])
	} else {
		return fmt.Errorf("dataprotection: the ring has no key %s", quote(keyID))
	}
	for _, e := range list {
		if e.revoked {
			continue
		}
		if err := r.addRevocation(ctx, e.ID, e.ID, now, reason); err != nil {
			return err
		}
	}
	return r.Refresh(ctx)
}
