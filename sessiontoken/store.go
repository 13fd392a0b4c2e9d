package sessiontoken

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/wif"
)

// Store holds data that is too large or too private for a cookie: session tokens in reference
// mode, and the tickets of Katana's session store. With package cookie it also remembers which
// sessions were ended. Several nodes may share one. Implementations must be safe for concurrent
// use and treat data as opaque; it is encrypted and authenticated with the farm's keys before it
// gets there.
//
// # Entries and notes
//
// What lies under a key that begins with [NotePrefix] is a note, everything else is an entry. A
// store may drop an entry for want of room: its user signs in again. A note says who must not be
// let in any more, so a store keeps it until it expires, whatever else is put there, entries or
// other notes. Where there is no room for one more, Put fails with an error that matches
// [ErrStoreFull], and nothing has changed. Where the room is the store's own
// and not that of a server, a note that takes the place of one under the same
// key, and is no larger, does not need any.
type Store interface {
	// Get returns the data under key and the time that Put was given, rounded
	// down by as much as the store's resolution; or an error for which
	// errors.Is(err, ErrNotInStore) holds if there is none or it has expired.
	Get(ctx context.Context, key string) (data []byte, expires time.Time, err error)
	// Put stores data under key until the given time, over what is there.
	Put(ctx context.Context, key string, data []byte, expires time.Time) error
	// Delete removes the key. It is no error if there is none.
	Delete(ctx context.Context, key string) error
}

// NotePrefix begins the keys of notes, and of nothing else; see [Store].
const NotePrefix = "note;"

// ErrStoreFull means that a store has no room for a note. Package cookie makes
// an ErrUnavailable of it: a sign-out that cannot be noted fails.
var ErrStoreFull = errors.New("sessiontoken: the store has no room for a note")

// ErrStore means that a store failed, for another reason than that it does not
// have the entry. It says nothing about the credential.
var ErrStore = errors.New("sessiontoken: the store failed")

// storeError is the error of a codec for that of a store.
func storeError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrNotInStore):
		return fmt.Errorf("sessiontoken: store: %w", err)
	}
	return fmt.Errorf("%w: %w", ErrStore, err)
}

var errNoStore = fmt.Errorf("%w: the cookie is a reference and there is no store (ID4243)",
	ErrNotInStore)

// storeKey is the textual form of .NET's SessionSecurityTokenCacheKey.
func (c *SessionCodec) storeKey(contextID, keyGeneration string) string {
	return c.o.Endpoint + ";" + contextID + ";" + keyGeneration
}

// fetch returns the payload that an envelope without Cookie names, and the key
// that opened it. Whoever knows the context id has the session.
func (c *SessionCodec) fetch(ctx context.Context, s *sessionScratch, env *wif.Envelope, r *anatomy.Report) ([]byte, string, error) {
	if c.o.Store == nil {
		return nil, "", r.Refuse(layerStore, 0, errNoStore)
	}
	name := c.storeKey(string(env.ContextID), string(env.KeyGeneration))
	return fetch(ctx, c.o.Store, name, c.store, &s.turn[0], r)
}

// fetch returns what is in a store under a name, and the key that opened it. The memory
// of the data is that of buf.
func fetch(ctx context.Context, store Store, name string, p Protector, buf *[]byte, r *anatomy.Report) ([]byte, string, error) {
	protected, _, err := store.Get(ctx, name)
	if err != nil {
		return nil, "", r.Refuse(layerStore, 0, storeError(err))
	}
	data, key, err := p.Unprotect(ctx, (*buf)[:0], protected)
	*buf = data[:0]
	if err != nil {
		return nil, "", r.Refuse(layerStore, len(protected), protectorError(err))
	}
	noteKey(r, layerStore, len(protected), key)
	return data, key, nil
}

// Delete removes the entry of t from the store, as at sign-out. Without a
// store, or for a token that is not in it, there is nothing to do.
func (c *SessionCodec) Delete(ctx context.Context, t *Token) error {
	if c.o.Store == nil || !t.ReferenceMode {
		return nil
	}
	return storeError(c.o.Store.Delete(ctx, c.storeKey(t.contextID(), t.KeyGeneration)))
}
