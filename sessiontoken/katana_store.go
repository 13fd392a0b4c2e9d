package sessiontoken

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/katana"
	"github.com/webfarm-go/webfarm/internal/secret"
)

// katanaStorePurpose protects what is in the store. It is this library's own;
// .NET has nothing of the kind.
const katanaStorePurpose = "github.com/webfarm-go/webfarm/sessiontoken.KatanaOptions.Store"

var (
	errKatanaNotRead = &FormatError{Layer: "katana", Offset: 0,
		Err: fmt.Errorf("%w: version of the ticket is not KatanaOptions.Version", ErrUnsupported)}
	errKatanaNoStore = fmt.Errorf("%w: the cookie is a reference and there is no store",
		ErrNotInStore)
	errKatanaWhole = &FormatError{Layer: "katana", Offset: -1,
		Err: fmt.Errorf("%w: the ticket is whole, and there is a store", ErrUnsupported)}
	errKatanaReference = &FormatError{Layer: "katana", Offset: -1,
		Err: errors.New("reference to a store with more than a key")}
	errKatanaEntry = &FormatError{Layer: "katana", Offset: 0,
		Err: errors.New("entry of the store is for another key")}
)

// isKatanaReference reports whether an identity refers to a store.
func isKatanaReference(id *Identity) bool {
	for i := range id.Claims {
		if id.Claims[i].Type == katana.SessionID {
			return true
		}
	}
	return false
}

// storeKey keeps apart what several codecs put into one store.
func (c *KatanaCodec) storeKey(key string) string {
	return katana.SessionID + ";" + c.rules.scheme + ";" + key
}

// dereference returns t itself, or the ticket in the store that t refers to.
// The cookie is a bearer handle: who has it has the session.
func (c *KatanaCodec) dereference(ctx context.Context, s *katanaScratch, t *KatanaTicket, r *anatomy.Report) (*KatanaTicket, error) {
	reference := isKatanaReference(&t.Identity)
	switch {
	case !reference && c.o.Store == nil:
		return t, nil
	case !reference:
		return nil, r.Refuse(layerStore, 0, errKatanaWhole)
	case c.o.Store == nil:
		return nil, r.Refuse(layerStore, 0, errKatanaNoStore)
	case len(t.Identity.Claims) != 1 || len(t.Properties) != 0:
		return nil, r.Refuse(layerStore, 0, errKatanaReference)
	}
	key := t.Identity.Claims[0].Value
	entry, entryKey, err := fetch(ctx, c.o.Store, c.storeKey(key), c.store, &s.plain, r)
	if err != nil {
		return nil, err
	}
	rest, ok := katana.CutEntryKey(entry, key)
	if !ok {
		return nil, r.Refuse(layerStore, 0, errKatanaEntry) // whose size has been noted
	}
	read, err := s.read.Read(rest)
	if err != nil {
		return nil, r.Refuse(layerKatana, len(rest), formatError(err))
	}
	real := newKatanaTicket(read)
	real.SessionKey = secret.New([]byte(key))
	real.openedBy = t.openedBy
	if _, renew := c.keys.KeyStatus(t.openedBy); !renew {
		real.openedBy = entryKey // the older of the two asks to be issued again
	}
	noteKatana(r, len(rest), real)
	return real, nil
}

// refer puts t into the store and returns the ticket that refers to it.
func (c *KatanaCodec) refer(ctx context.Context, s *katanaScratch, t *KatanaTicket) (*KatanaTicket, error) {
	key := string(secret.View(t.SessionKey))
	if key == "" {
		key = rand.Text()
	}
	entry, err := t.append(katana.AppendEntryKey(s.plain[:0], key), &s.write)
	s.plain = entry[:0]
	if err != nil {
		return nil, err
	}
	protected, err := c.store.Protect(nil, entry)
	if err != nil {
		return nil, err
	}
	expires, ok := t.Properties.Time(PropertyExpires)
	if !ok { // InsecureNoExpiry
		expires = c.o.Now().Add(c.o.Lifetime)
	}
	// The last second is still valid.
	if err := c.o.Store.Put(ctx, c.storeKey(key), protected, expires.Add(1e9)); err != nil {
		return nil, storeError(err)
	}
	return &KatanaTicket{
		Identity: Identity{AuthenticationType: c.rules.scheme,
			Claims: []Claim{{Type: katana.SessionID, Value: key}}},
		Version: t.Version,
	}, nil
}

// Delete removes the entry of t from the store, as at sign-out. Without a
// store, or for a ticket that is not in it, there is nothing to do.
func (c *KatanaCodec) Delete(ctx context.Context, t *KatanaTicket) error {
	if c.o.Store == nil || t.SessionKey.Len() == 0 {
		return nil
	}
	return storeError(c.o.Store.Delete(ctx, c.storeKey(string(secret.View(t.SessionKey)))))
}
