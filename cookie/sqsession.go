package cookie

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/fold"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// SQSession is the session cookie of Cora SeQuence (Genpact, formerly PNMsoft),
// with the settings of <sequence.engine><web><session>.
//
// The settings are public, in the administration guides of versions 8.7 to 9.2
// and of 9.3 and later, and all of them are read. What the product puts into the
// cookie is not public, and nothing here claims to read it. So there are two ways
// to use an SQSession.
//
// Unless SiteOptions.Credentials name it, or say Opaque, the value is the
// product's: [SQSession.PassOn] and [SQSession.PassBack] carry it between the
// browser and a .NET node. Who is signed in is then known from the cookie FedAuth,
// which federated installations of the product have.
//
// With a [Credential] of KindSQSession the value is a session token, issued and
// read by Go nodes among themselves under the machine key and with the rules of
// the settings: a session of the product's own is refused. [Site.SessionsOf] then
// has the sessions in which users sign in.
//
//	attribute             field           default
//	enabled                               true
//	application           end of Name     none
//	lifetime              Lifetime        20 minutes, sliding, exact to a minute
//	maxLifetime           MaxLifetime     1440 minutes, absolute
//	sessionCookieName     start of Name   SQSession
//	sessionCookiePath     Path            /
//	sessionCookieDomain   Domain          none
//	sessionCookieSecure   Secure          false
//	cacheMaxSize          CacheMaxSize    0, no bound
//	cacheItemFade         CacheItemFade   10 minutes
//	reuseSession          NoReuse         true
//
// With SessionsOptions.Store the sessions lie there, with memory in front of it, as
// in the database of the product, and the cookie holds only the name of the
// session.
type SQSession struct {
	c        site.Credential
	sessions *Sessions // nil if disabled or opaque
}

// sqSkew is how far the clocks of nodes may differ. WIF's five minutes would be
// a quarter of the lifetime.
const sqSkew = time.Minute

// newSQSession returns the sessions of one application. The keys may be nil for
// an opaque one.
func newSQSession(keys sessiontoken.Keys, c *site.Credential, o *SiteOptions) (*SQSession, error) {
	q := &SQSession{c: *c}
	if !c.On || c.Opaque {
		return q, nil
	}
	if c.NoReuse && o.Sessions.Store == nil {
		return nil,
			errors.New("cookie: reuseSession=\"false\", or Credential.NoReuse, needs SessionsOptions.Store")
	}
	store := o.Sessions.Store
	if store != nil {
		size := c.CacheMaxSize
		if size == 0 {
			size = -1 // no bound
		}
		memory := sessiontoken.NewMemoryStore(&sessiontoken.MemoryOptions{MaxEntries: size,
			Now: o.Now})
		// Memory forgets an entry so soon that a longer CacheItemFade has no effect.
		staleness := 5 * time.Second
		if c.CacheItemFade > 0 {
			staleness = min(staleness, c.CacheItemFade)
		}
		var err error
		if store, err = sessiontoken.NewTwoLevelStore(memory, store, staleness); err != nil {
			return nil, err
		}
	}
	// The purpose keeps the cookie from being used as FedAuth, and FedAuth as it.
	protect, err := sessiontoken.MachineKeyTransform(keys, purposeSQSession)
	if err != nil {
		return nil, err
	}
	codec, err := sessiontoken.NewSessionCodec(keys, &sessiontoken.SessionOptions{
		Transforms: []sessiontoken.Protector{sessiontoken.DeflateTransform(), protect},
		// The endpoint keeps the cookie of one application from being used as
		// that of another under the same keys. Names of cookies that differ in
		// case are one to .NET.
		Endpoint:  fold.ToUpper(c.Name) + ";" + c.Path,
		Lifetime:  c.Lifetime,
		ClockSkew: sqSkew,
		Store:     store,
		Now:       o.Now,
	})
	if err != nil {
		return nil, err
	}
	so := o.Sessions
	so.Cookie, so.Store, so.Sliding = templateOf(c), nil, On // with the store of the codec
	so.MaxLifetime, so.OnePerUser = max(c.MaxLifetime, 0), c.NoReuse
	f, k := newWIF(codec)
	k.purpose = "sqsession;" + codec.Traits().Path
	s, err := newSessions(&sequence{f, k}, k, &so)
	if err != nil {
		return nil, err
	}
	s.reuse = store != nil && !c.NoReuse
	q.sessions = s
	return q, nil
}

// purposeSQSession is this library's own; .NET has nothing of the kind.
const purposeSQSession = "github.com/webfarm-go/webfarm/cookie.SQSession"

// sequence is the framework of a session token with the rules of SQSession.
type sequence struct {
	framework
	traits *traits
}

// open wants the endpoint named. One that fits all applications would have the
// session under a name of its own in each.
func (q *sequence) open(ctx context.Context, text string, known *session) (session, error) {
	x, err := q.framework.open(ctx, text, known)
	if err == nil && x.ticket.(*sessiontoken.Token).EndpointID == "" {
		return session{}, fmt.Errorf("%w: token is for every cookie", sessiontoken.ErrEndpoint)
	}
	return x, err
}

// begin puts every session into the store, if there is one.
func (q *sequence) begin(p *sessiontoken.Principal, o *SignInOptions) (session, error) {
	inStore := *o
	inStore.Reference = q.traits.store != nil
	return q.framework.begin(p, &inStore)
}

// renew renews once a minute, or four times in a shorter lifetime, so that a
// session lasts its lifetime from the last use on, and not half of it.
func (q *sequence) renew(x session, now time.Time) (session, bool) {
	if now.Sub(x.issued) < min(time.Minute, q.traits.lifetime/4) {
		return x, false
	}
	t := *x.ticket.(*sessiontoken.Token)
	t.ValidFrom = now.UTC().Truncate(100 * time.Nanosecond)
	t.ValidTo = t.ValidFrom.Add(q.traits.lifetime)
	t.KeyExpires = t.ValidTo
	x.ticket, x.issued, x.expires = &t, t.ValidFrom, t.ValidTo
	return x, true
}

// SignOut is [Sessions.SignOut]. An opaque cookie is deleted from the browser;
// the product does not learn of it.
func (q *SQSession) SignOut(w http.ResponseWriter, r *http.Request) error {
	if q.sessions != nil {
		return q.sessions.SignOut(w, r)
	}
	return chunks.WIF.Write(w, chunks.WIF.Expire(r, templateOf(&q.c)))
}
