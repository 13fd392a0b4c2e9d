package cookie

import (
	"context"
	"errors"
	"time"

	"github.com/webfarm-go/webfarm/sessiontoken"
)

// Observer is told what [Sessions] and a store do, to count it. It is called
// within requests: it must be quick and safe for concurrent use. No event holds
// a value of a cookie, a claim or an id of a session.
type Observer interface {
	Observe(ctx context.Context, e Event)
}

// Event is one thing that happened. More fields may be added.
type Event struct {
	// Kind says what happened, and which other fields are set.
	Kind EventKind
	// Cookie is the name of the cookie, such as FedAuth; empty for EventStore.
	Cookie string
	// Reason is, for EventRefused, one of invalid, expired, not_yet_valid,
	// endpoint, unsupported, dpapi, not_in_store, chunks, too_long,
	// not_authenticated, revoked; and for EventRenewed and
	// EventRenewalFailed, sliding or key.
	Reason string
	// KeyID is the key that opened the cookie ([machinekey.Key.ID]), for
	// EventRead and EventRenewed. It is empty for certificates.
	KeyID string
	// Op is get, put or delete, and Took how long it took, for EventStore.
	Op   string
	Took time.Duration
	// Err is the cause, for EventUnavailable, EventRenewalFailed,
	// EventSignOutFailed, and EventStore if it failed. ErrNotInStore is no
	// failure.
	Err error
}

// EventKind is the kind of an [Event].
type EventKind int

// The kinds of events.
const (
	// EventRead: a session was recognised. KeyID.
	EventRead EventKind = iota + 1
	// EventRefused: a cookie was there and is not good. Reason.
	EventRefused
	// EventUnavailable: a cookie could not be checked. Err.
	EventUnavailable
	// EventRenewed: a cookie was issued in place of an older one. Reason,
	// KeyID of the older one.
	EventRenewed
	// EventRenewalFailed: it should have been, and the older one stays.
	// Reason, Err.
	EventRenewalFailed
	// EventSignedIn: a session began.
	EventSignedIn
	// EventSignedOut: a session was ended by its user.
	EventSignedOut
	// EventStore: a call of a store came back. Op, Took, Err.
	EventStore
	// EventSignOutFailed: a session could not be ended, as the store failed or
	// has no room ([sessiontoken.ErrStoreFull]), and lives on. Err.
	EventSignOutFailed
)

// String returns the name of the kind, in lower case with underscores, as
// counters have it.
func (k EventKind) String() string {
	names := [...]string{"unknown", "read", "refused", "unavailable", "renewed", "renewal_failed", "signed_in", "signed_out", "store", "sign_out_failed"}
	if k < 0 || int(k) >= len(names) {
		k = 0
	}
	return names[k]
}

// observe tells the observer, if any.
func (s *Sessions) observe(ctx context.Context, e Event) {
	if s.o.Observer != nil {
		e.Cookie = s.template.Name
		s.o.Observer.Observe(ctx, e)
	}
}

func (s *Sessions) observeRead(ctx context.Context, t Ticket) {
	if s.o.Observer != nil {
		s.observe(ctx, Event{Kind: EventRead, KeyID: t.OpenedBy()})
	}
}

func (s *Sessions) observeRefused(ctx context.Context, err error) {
	if s.o.Observer == nil {
		return
	}
	if errors.Is(err, ErrUnavailable) {
		s.observe(ctx, Event{Kind: EventUnavailable, Err: err})
		return
	}
	s.observe(ctx, Event{Kind: EventRefused, Reason: reasonOf(err)})
}

// reasons are the names of verdicts in events. The first that matches counts,
// so what is more exact stands first.
var reasons = []struct {
	err  error
	name string
}{
	{ErrRevoked, "revoked"},
	{ErrNotAuthenticated, "not_authenticated"},
	{ErrTooManyChunks, "chunks"},
	{ErrMissingChunk, "chunks"},
	{ErrTooLong, "too_long"},
	{sessiontoken.ErrTooLong, "too_long"},
	{sessiontoken.ErrDPAPI, "dpapi"},
	{sessiontoken.ErrNotInStore, "not_in_store"},
	{sessiontoken.ErrExpired, "expired"},
	{sessiontoken.ErrNotYetValid, "not_yet_valid"},
	{sessiontoken.ErrEndpoint, "endpoint"},
	{sessiontoken.ErrUnsupported, "unsupported"},
	{sessiontoken.ErrInvalid, "invalid"},
}

func reasonOf(err error) string {
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return r.name
		}
	}
	return "invalid"
}

// ObserveStore returns a store that tells the observer of every call of
// another one.
func ObserveStore(store sessiontoken.Store, observer Observer) sessiontoken.Store {
	if store == nil || observer == nil {
		return store
	}
	if with, ok := store.(sessiontoken.ExpiryStore); ok {
		return observedExpiryStore{observedStore{store, observer}, with}
	}
	return observedStore{store, observer}
}

// observedExpiryStore is for a store that also tells when an entry expires.
type observedExpiryStore struct {
	observedStore
	with sessiontoken.ExpiryStore
}

func (s observedExpiryStore) GetExpires(ctx context.Context, key string) ([]byte, time.Time, error) {
	began := time.Now()
	data, expires, err := s.with.GetExpires(ctx, key)
	s.done(ctx, "get", began, err)
	return data, expires, err
}

type observedStore struct {
	store    sessiontoken.Store
	observer Observer
}

func (s observedStore) Get(ctx context.Context, key string) ([]byte, error) {
	began := time.Now()
	data, err := s.store.Get(ctx, key)
	s.done(ctx, "get", began, err)
	return data, err
}

func (s observedStore) Put(ctx context.Context, key string, data []byte, expires time.Time) error {
	began := time.Now()
	err := s.store.Put(ctx, key, data, expires)
	s.done(ctx, "put", began, err)
	return err
}

func (s observedStore) Delete(ctx context.Context, key string) error {
	began := time.Now()
	err := s.store.Delete(ctx, key)
	s.done(ctx, "delete", began, err)
	return err
}

func (s observedStore) done(ctx context.Context, op string, began time.Time, err error) {
	if errors.Is(err, sessiontoken.ErrNotInStore) {
		err = nil
	}
	s.observer.Observe(ctx, Event{Kind: EventStore, Op: op, Took: time.Since(began), Err: err})
}
