package cookie

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// Health reports whether the site can do its work, for the readiness probe of a
// service. The error joins everything that is wrong:
//
//   - a credential does not survive a round trip through its codec, with the
//     keys of today;
//   - the key ring of ASP.NET Core has no key that protects, or the nodes protect
//     with one that cannot be used here; or it was last read more than 24 hours
//     ago, when a .NET node would read it again too, and cannot be read;
//   - a store does not answer.
//
// It is nil for what the site bears without harm to its users, as running .NET
// nodes do: a web.config that is broken, and a ring that was not read again but
// is younger.
//
// Health asks each store, also that of a codec, for an entry that is not there
// and writes nothing: a session that would lie in a store makes no round trip. It
// waits as long as ctx allows. The texts hold no key and no credential, but the error of a store may
// name its host: they are for a log, not for the answer to a probe.
func (s *Site) Health(ctx context.Context) error {
	var faults []error
	fault := func(what string, err error) {
		if err != nil {
			faults = append(faults, fmt.Errorf("cookie: %s: %w", what, err))
		}
	}
	var ringFault error
	if ring := s.o.DataProtection; ring != nil {
		ringFault = ring.Traits().Fault(ctx)
		fault("key ring", ringFault)
	}
	fault("store", answers(ctx, s.o.Sessions.Store))
	for i := range s.accepted {
		c := &s.accepted[i]
		f, k := frameworkOf(c.reader)
		var stores []sessiontoken.Store
		if own := c.sessions; own != nil {
			f, k = own.framework, own.traits
			if own.never != nil {
				continue
			}
			stores = append(stores, own.o.Store)
		}
		if k != nil {
			stores = append(stores, k.store)
		}
		if !slices.Contains(s.sessions, c.sessions) { // of Accept or AcceptSessions
			fault("store of "+c.name(), answers(ctx, stores...))
		}
		if f == nil {
			continue
		}
		if err := roundTrip(ctx, f); ringFault == nil || !errors.Is(err, dataprotection.ErrNoKey) {
			fault(c.name(), err)
		}
	}
	return errors.Join(faults...)
}

// probeKey is a key without an entry in any store.
const probeKey = "webfarm: is there anybody?"

// answers asks stores, which may be nil, whether they are there.
func answers(ctx context.Context, stores ...sessiontoken.Store) error {
	for _, store := range stores {
		if store == nil {
			continue
		}
		if _, _, err := store.Get(ctx, probeKey); err != nil &&
			!errors.Is(err, sessiontoken.ErrNotInStore) {
			return err
		}
	}
	return nil
}

// roundTrip seals and opens a session of nobody, unless it would lie in a store.
func roundTrip(ctx context.Context, f framework) error {
	const name = "webfarm health"
	x, err := f.begin(&sessiontoken.Principal{Identities: []sessiontoken.Identity{{
		AuthenticationType: "Health",
		Claims:             []sessiontoken.Claim{{Type: sessiontoken.ClaimTypeName, Value: name}},
	}}}, new(SignInOptions))
	if err != nil || x.reference {
		return err
	}
	text, err := f.seal(ctx, &x)
	if err != nil {
		return err
	}
	back, err := f.open(ctx, text, nil)
	if err == nil && back.principal.Name() != name {
		err = errors.New("a session was read as that of another user")
	}
	return err
}
