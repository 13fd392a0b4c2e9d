package cookie

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// Event is one thing that happened to a session or a store, to be counted by
// SessionsOptions.Observer. It holds no value of a cookie, no claim and no id of
// a session. More fields may be added.
//
//	Kind             what happened                                     other fields
//	read             a session was recognised                          KeyID, Reason
//	refused          a cookie was there and is not good                Reason
//	unavailable      a cookie could not be checked                     Err
//	renewed          a cookie was issued in place of an older one      Reason, KeyID of the older
//	renewal_failed   it should have been, and the older one stays      Reason, Err
//	signed_in        a session began
//	signed_out       a session was ended by its user
//	sign_out_failed  a session could not be ended, as the store        Err
//	                 failed or is full, and lives on
//	bridged          a session was carried across, to Cookie           Reason
//	bridge_failed    it could not be                                   Err
//	bridge_ended     a session was ended as its other half was
//	ring             the key ring was read again, or could not be      Err
//	store            a call of a store came back                       Reason, Took, Err
type Event struct {
	Kind string
	// Cookie is the name of the cookie, such as FedAuth; empty for a store and a
	// ring.
	Cookie string
	// Reason is, for read, katana_chunks for a shared cookie that Katana cut, which
	// the nodes on ASP.NET Core do not read; for refused, one of invalid, expired, not_yet_valid, endpoint,
	// unsupported, dpapi, not_in_store, chunks, too_long, not_authenticated and
	// revoked; for renewed and renewal_failed, sliding or key; for store, get, put
	// or delete; for bridged, begun, extended or linked.
	Reason string
	// KeyID is the key that opened the cookie, empty for certificates.
	KeyID string
	// Took is how long a call of a store took.
	Took time.Duration
	// Err is the cause. [sessiontoken.ErrNotInStore] is no failure of a store.
	Err error
}

// The kinds of events.
const (
	eventRead          = "read"
	eventRefused       = "refused"
	eventUnavailable   = "unavailable"
	eventRenewed       = "renewed"
	eventRenewalFailed = "renewal_failed"
	eventSignedIn      = "signed_in"
	eventSignedOut     = "signed_out"
	eventSignOutFailed = "sign_out_failed"
	eventStore         = "store"
	eventRing          = "ring"
	eventBridged       = "bridged"
	eventBridgeFailed  = "bridge_failed"
	eventBridgeEnded   = "bridge_ended"
)

// observe tells the observer, if any.
func (s *Sessions) observe(ctx context.Context, e Event) {
	if s.o.Observer != nil {
		e.Cookie = s.template.Name
		s.o.Observer(ctx, e)
	}
}

func (s *Sessions) observeRead(r *http.Request, t Ticket) {
	if s.o.Observer == nil {
		return
	}
	e := Event{Kind: eventRead, KeyID: t.OpenedBy()}
	if s.traits.scheme == chunks.CoreShared {
		// What ASP.NET Core would take for the value of the cookie.
		if text, _ := chunks.Core.Join(r, s.template.Name); strings.HasPrefix(text, "chunks:") {
			e.Reason = "katana_chunks"
		}
	}
	s.observe(r.Context(), e)
}

func (s *Sessions) observeRefused(ctx context.Context, err error) {
	if s.o.Observer == nil {
		return
	}
	if errors.Is(err, ErrUnavailable) {
		s.observe(ctx, Event{Kind: eventUnavailable, Err: err})
		return
	}
	s.observe(ctx, Event{Kind: eventRefused, Reason: reasonOf(err)})
}

// reasons are the verdicts on a credential, and their names in events. The first
// that matches counts, so what is more exact stands first.
var reasons = []struct {
	err  error
	name string
}{
	{ErrRevoked, "revoked"},
	{ErrNotAuthenticated, "not_authenticated"},
	{chunks.ErrTooManyChunks, "chunks"},
	{ErrMissingChunk, "chunks"},
	{ErrTooLong, "too_long"},
	{layer.ErrTooLong, "too_long"},
	{layer.ErrDPAPI, "dpapi"},
	{sessiontoken.ErrNotInStore, "not_in_store"},
	{sessiontoken.ErrExpired, "expired"},
	{sessiontoken.ErrNotYetValid, "not_yet_valid"},
	{sessiontoken.ErrEndpoint, "endpoint"},
	{sessiontoken.ErrUnsupported, "unsupported"},
	{sessiontoken.ErrInvalid, "invalid"},
}

// reasonOf returns the name of a verdict, or nothing for any other error.
func reasonOf(err error) string {
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return r.name
		}
	}
	return ""
}

// ObserveStore returns a store that tells the observer of every call of
// another one.
func ObserveStore(store sessiontoken.Store, observer func(context.Context, Event)) sessiontoken.Store {
	if store == nil || observer == nil {
		return store
	}
	return observedStore{store, observer}
}

type observedStore struct {
	store    sessiontoken.Store
	observer func(context.Context, Event)
}

func (s observedStore) Get(ctx context.Context, key string) (data []byte, expires time.Time, err error) {
	defer s.done(ctx, "get", time.Now(), &err)
	return s.store.Get(ctx, key)
}

func (s observedStore) Put(ctx context.Context, key string, data []byte, expires time.Time) (err error) {
	defer s.done(ctx, "put", time.Now(), &err)
	return s.store.Put(ctx, key, data, expires)
}

func (s observedStore) Delete(ctx context.Context, key string) (err error) {
	defer s.done(ctx, "delete", time.Now(), &err)
	return s.store.Delete(ctx, key)
}

// done tells of a call that returned *result.
func (s observedStore) done(ctx context.Context, op string, began time.Time, result *error) {
	e := Event{Kind: eventStore, Reason: op, Took: time.Since(began), Err: *result}
	if errors.Is(e.Err, sessiontoken.ErrNotInStore) {
		e.Err = nil
	}
	s.observer(ctx, e)
}
