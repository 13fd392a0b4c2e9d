package sessiontoken

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/webfarm-go/webfarm/internal/anatomy"
	"github.com/webfarm-go/webfarm/internal/dotnet"
)

// Katana's session store (CookieAuthenticationOptions.SessionStore). The
// cookie holds a ticket that only refers to the real one:
//
//	authentication type   that of the middleware
//	one claim             KatanaSessionID, the key of the entry
//	no properties         the times are those of the real ticket
//
// What Katana puts under the key is up to the site's own code. Here it is
// protected, under a purpose of its own,
//
//	string   the key again, so that entries cannot change places
//	ticket   as in katana_read.go

// KatanaSessionID is the type of the claim by which a ticket refers to a store.
// A Katana without a store takes such a ticket for an identity with this
// claim that never expires; this package refuses it.
const KatanaSessionID = "Microsoft.Owin.Security.Cookies-SessionId"

// purposeKatanaStore is this library's own; .NET has nothing of the kind.
const purposeKatanaStore = "github.com/webfarm-go/webfarm/sessiontoken.KatanaOptions.Store"

var (
	errKatanaNoStore   = fmt.Errorf("%w: the cookie is a reference and there is no store", ErrNotInStore)
	errKatanaWhole     = &FormatError{Layer: "katana", Offset: -1, Err: fmt.Errorf("%w: the ticket is whole, and there is a store", ErrUnsupported)}
	errKatanaReference = &FormatError{Layer: "katana", Offset: -1, Err: errors.New("reference to a store with more than a key")}
	errKatanaEntry     = &FormatError{Layer: "katana", Offset: 0, Err: errors.New("entry of the store is for another key")}
)

// isKatanaReference reports whether an identity refers to a store.
func isKatanaReference(id *Identity) bool {
	for i := range id.Claims {
		if id.Claims[i].Type == KatanaSessionID {
			return true
		}
	}
	return false
}

// storeKey keeps apart what several codecs put into one store.
func (c *KatanaCodec) storeKey(key string) string {
	return KatanaSessionID + ";" + c.authenticationType + ";" + key
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
	protected, err := c.o.Store.Get(ctx, c.storeKey(key))
	if err != nil {
		return nil, r.Refuse(layerStore, 0, storeError(err))
	}
	entry, entryKey, err := c.store.Unprotect(ctx, s.plain[:0], protected)
	s.plain = entry[:0]
	if err != nil {
		return nil, r.Refuse(layerStore, len(protected), protectorError(err))
	}
	noteKey(r, layerStore, len(protected), entryKey)
	rest, ok := cutKatanaKey(entry, key)
	if !ok {
		return nil, r.Refuse(layerStore, len(protected), errKatanaEntry)
	}
	if err := s.read.read(rest, nil); err != nil {
		return nil, r.Refuse(layerKatana, len(rest), err)
	}
	real := s.read.build()
	real.SessionKey = key
	real.openedBy = t.openedBy
	if _, renew := c.keys.KeyStatus(t.openedBy); !renew {
		real.openedBy = entryKey // the older of the two asks to be issued again
	}
	noteKatana(r, len(rest), real)
	return real, nil
}

// cutKatanaKey takes the key off an entry, and reports whether it is this one.
func cutKatanaKey(entry []byte, key string) ([]byte, bool) {
	r := dotnet.Reader(entry)
	var n int
	var inside []byte
	if !r.ReadUint7(&n) || !r.ReadBytes(&inside, n) {
		return nil, false
	}
	return r, string(inside) == key
}

// encodeReference puts t into the store and returns the text that refers to
// it.
func (c *KatanaCodec) encodeReference(ctx context.Context, s *katanaScratch, t *KatanaTicket) (string, error) {
	key := t.SessionKey
	if key == "" {
		key = rand.Text()
	}
	entry := dotnet.AppendUint7(s.plain[:0], len(key))
	entry, err := appendKatanaTicket(append(entry, key...), t)
	s.plain = entry[:0]
	if err != nil {
		return "", err
	}
	protected, err := c.store.Protect(nil, entry)
	if err != nil {
		return "", err
	}
	expires, ok := t.Properties.Expires()
	if !ok { // InsecureNoExpiry
		expires = c.o.Now().Add(c.o.ExpireTimeSpan)
	}
	// The last second is still valid.
	if err := c.o.Store.Put(ctx, c.storeKey(key), protected, expires.Add(1e9)); err != nil {
		return "", storeError(err)
	}
	return c.seal(s, &KatanaTicket{
		Identity: Identity{AuthenticationType: c.authenticationType, Claims: []Claim{{Type: KatanaSessionID, Value: key}}},
		Version:  t.Version,
	})
}

// Delete removes the entry of t from the store, as at sign-out. Without a
// store, or for a ticket that is not in it, there is nothing to do.
func (c *KatanaCodec) Delete(ctx context.Context, t *KatanaTicket) error {
	if c.o.Store == nil || t.SessionKey == "" {
		return nil
	}
	if err := c.o.Store.Delete(ctx, c.storeKey(t.SessionKey)); err != nil {
		return storeError(err)
	}
	return nil
}

// forgetExpired removes an expired ticket from the store, as Katana does. A
// store that cannot do so now will drop the entry itself.
func (c *KatanaCodec) forgetExpired(ctx context.Context, t *KatanaTicket, err error) {
	if errors.Is(err, ErrExpired) {
		_ = c.Delete(ctx, t)
	}
}
