package cookie

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/webfarm-go/webfarm/internal/fold"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// SQSession is the session cookie of Cora SeQuence (Genpact, formerly PNMsoft),
// with the settings of <sequence.engine><web><session>.
//
// # What is known
//
// The settings are public, in the administration guides of versions 8.7 to 9.2
// and of 9.3 and later, and SQSessionOptions has all of them. What the product
// puts into the cookie is not public: neither whether it is a random name or
// protected data, nor how it is encoded, nor whether the machine key has a
// part in it, nor the tables of its database. Nothing here claims to read it.
//
// So there are two ways to use an SQSession. By default the value is a session
// token, issued and read by Go nodes among themselves under the machine key and
// with the rules of the settings: a session of the product's own is refused.
// With Opaque, the value is the product's: it is not looked at, and
// [SQSession.PassOn] and [SQSession.PassBack] carry it between the browser and a
// .NET node. Who is signed in is then known from the cookie of Windows Identity
// Foundation that federated installations of the product have, FedAuth.
type SQSession struct {
	o        SQSessionOptions
	name     string
	sessions *Sessions // nil if disabled or opaque
}

// SQSessionOptions are the attributes of <session>, and what the file does not
// say. The zero value has the defaults of the product, but there must be an
// Application or a CookieSuffix.
//
//	attribute             field           default
//	enabled               Disabled        true
//	application           Application     none
//	lifetime              Lifetime        20 minutes, sliding
//	maxLifetime           MaxLifetime     1440 minutes, absolute
//	sessionCookieName     CookieName      SQSession
//	sessionCookiePath     CookiePath      /
//	sessionCookieDomain   CookieDomain    none
//	sessionCookieSecure   CookieSecure    false
//	cacheMaxSize          CacheMaxSize    0, no bound
//	cacheItemFade         CacheItemFade   10 minutes
//	reuseSession          NoReuse         true
type SQSessionOptions struct {
	// Disabled is enabled="false": nobody is signed in and nobody can sign in.
	Disabled bool
	// Application is Administration, Flowtime or what the site calls it. From
	// version 9.3 on it is the end of the cookie's name.
	Application string
	// Lifetime ends a session that is not used. A session in use is renewed at
	// most once a minute, so the end is exact to a minute. Zero means 20
	// minutes.
	Lifetime time.Duration
	// MaxLifetime ends every session this long after the sign-in. Zero means
	// 1440 minutes, a negative value no end.
	MaxLifetime time.Duration
	// CookieName is the beginning of the cookie's name, SQSession if empty.
	CookieName string
	// CookieSuffix is its end in versions 8.7 to 9.2, "_" and a number known at
	// run time only, such as _123456. It replaces Application.
	CookieSuffix string
	// CookiePath is / if empty.
	CookiePath string
	// CookieDomain is none if empty.
	CookieDomain string
	// CookieSecure has browsers send the cookie by TLS only. Set it: only the
	// product's default is false.
	CookieSecure bool
	// CacheMaxSize is the number of sessions in memory in front of Store, 0
	// means no bound but that of [sessiontoken.MemoryOptions] in bytes.
	CacheMaxSize int
	// CacheItemFade is how long a session that is not used stays in memory.
	// Zero means 10 minutes.
	CacheItemFade time.Duration
	// NoReuse is reuseSession="false": a user who signs in ends his older
	// sessions, on all nodes that share Store, without which it is refused.
	// Otherwise, with a Store, all browsers of a user share one session of
	// the application, and sign-out in one ends it in all. They are one user
	// if the issuers of the name are the same and the name is, but for the
	// case of ASCII letters; what the last sign-in says of him holds for all,
	// and MaxLifetime begins anew with it. A stolen cookie lives on with the
	// session that way, until a sign-out.
	// Without a Store each browser has its own.
	NoReuse bool

	// Store keeps the sessions, as the database of the product does, with
	// memory in front of it; the cookie then holds only the name of the
	// session. Nil: the cookie holds all of it.
	Store sessiontoken.Store
	// Opaque leaves the value to the product; see [SQSession].
	Opaque bool
	// SameSite and ScriptAccess are not among the settings of the product.
	// Cookies are hidden from scripts unless ScriptAccess is set.
	SameSite     http.SameSite
	ScriptAccess bool
	// Sessions has further options. Only Revoked, Verified, ClearInvalid,
	// Deny, Logger, Observer, MaxBytes and WarnBytes are used.
	Sessions SessionsOptions
	// Now is the clock, time.Now if nil.
	Now func() time.Time
}

// The defaults of <session>.
const (
	defaultSQLifetime    = 20 * time.Minute
	defaultSQMaxLifetime = 1440 * time.Minute
	defaultSQFade        = 10 * time.Minute
	defaultSQName        = "SQSession"
)

// sqSkew is how far the clocks of nodes may differ. WIF's five minutes would be
// a quarter of the lifetime.
const sqSkew = time.Minute

// Errors of an [SQSession].
var (
	// ErrSQSessionDisabled means that the settings say enabled="false".
	ErrSQSessionDisabled = errors.New("cookie: SQSession is disabled")
	// ErrSQSessionOpaque means that the value of the cookie is the product's.
	ErrSQSessionOpaque = errors.New("cookie: the value of SQSession is not ours to read or write")
)

// NewSQSession returns the sessions of one application. Nil options are the
// zero options. The ring may be nil for Opaque.
func NewSQSession(ring *machinekey.Ring, o *SQSessionOptions) (*SQSession, error) {
	q := &SQSession{}
	if o != nil {
		q.o = *o
	}
	q.o.Lifetime = cmp.Or(q.o.Lifetime, defaultSQLifetime)
	q.o.MaxLifetime = max(cmp.Or(q.o.MaxLifetime, defaultSQMaxLifetime), 0)
	q.o.CookieName = cmp.Or(q.o.CookieName, defaultSQName)
	q.o.CookiePath = cmp.Or(q.o.CookiePath, "/")
	q.o.CacheItemFade = cmp.Or(q.o.CacheItemFade, defaultSQFade)
	end := cmp.Or(q.o.CookieSuffix, q.o.Application)
	switch {
	case end == "":
		return nil, errors.New("cookie: SQSessionOptions need an Application, or the CookieSuffix of versions before 9.3")
	case q.o.Lifetime < 0 || q.o.CacheItemFade < 0:
		return nil, errors.New("cookie: SQSessionOptions with a negative duration")
	case q.o.CacheMaxSize < 0:
		return nil, fmt.Errorf("cookie: SQSessionOptions.CacheMaxSize is %d", q.o.CacheMaxSize)
	case q.o.NoReuse && q.o.Store == nil && !q.o.Opaque && !q.o.Disabled:
		return nil, errors.New("cookie: SQSessionOptions.NoReuse needs a Store")
	}
	q.name = q.o.CookieName + end
	if _, err := WIF.wireName(q.name); err != nil {
		return nil, err
	}
	if q.o.Disabled || q.o.Opaque {
		return q, nil
	}
	var err error
	if q.sessions, err = q.newSessions(ring); err != nil {
		return nil, err
	}
	return q, nil
}

func (q *SQSession) newSessions(ring *machinekey.Ring) (*Sessions, error) {
	store := q.o.Store
	if store != nil {
		size := q.o.CacheMaxSize
		if size == 0 {
			size = -1 // no bound
		}
		memory := sessiontoken.NewMemoryStore(&sessiontoken.MemoryOptions{MaxEntries: size, Fade: q.o.CacheItemFade, Now: q.o.Now})
		var err error
		if store, err = sessiontoken.NewTwoLevelStore(memory, store, nil); err != nil {
			return nil, err
		}
	}
	// The purpose keeps the cookie from being used as FedAuth, and FedAuth as it.
	protect, err := sessiontoken.MachineKeyTransform(ring, purposeSQSession)
	if err != nil {
		return nil, err
	}
	codec, err := sessiontoken.NewSessionCodec(ring, &sessiontoken.SessionOptions{
		Transforms: []sessiontoken.Transform{sessiontoken.DeflateTransform(), protect},
		// The endpoint keeps the cookie of one application from being used as
		// that of another under the same keys. Names of cookies that differ in
		// case are one to .NET.
		Endpoint:  fold.ToUpper(q.name) + ";" + q.o.CookiePath,
		Lifetime:  q.o.Lifetime,
		ClockSkew: sqSkew,
		Store:     store,
		Now:       q.o.Now,
	})
	if err != nil {
		return nil, err
	}
	o := q.o.Sessions.forAnyCookie()
	o.Cookie, o.Sliding = q.template(), SlidingOn
	o.MaxLifetime, o.OnePerUser = q.o.MaxLifetime, q.o.NoReuse
	s, err := newSessions(sqKind{newTokenKind(codec)}, &o)
	if err != nil {
		return nil, err
	}
	s.reuse = store != nil && !q.o.NoReuse
	return s, nil
}

// purposeSQSession is this library's own; .NET has nothing of the kind.
const purposeSQSession = "github.com/webfarm-go/webfarm/cookie.SQSession"

// sqKind is tokenKind with the rules of SQSession.
type sqKind struct{ *tokenKind }

func (k sqKind) purpose() string { return "sqsession;" + k.o.Endpoint }

// read wants the endpoint named. One that fits all applications would have the
// session under a name of its own in each.
func (k sqKind) read(ctx context.Context, text string) (Ticket, *sessiontoken.Principal, error) {
	t, p, err := k.tokenKind.read(ctx, text)
	if err == nil && t.(*sessiontoken.Token).EndpointID == "" {
		return nil, nil, fmt.Errorf("%w: token is for every cookie", sessiontoken.ErrEndpoint)
	}
	return t, p, err
}

// fresh puts every session into the store, if there is one.
func (k sqKind) fresh(p *sessiontoken.Principal, o *SignInOptions) (Ticket, error) {
	inStore := *o
	inStore.Reference = k.store() != nil
	return k.tokenKind.fresh(p, &inStore)
}

// renewed renews once a minute, or four times in a shorter lifetime, so that a
// session lasts its lifetime from the last use on, and not half of it.
func (k sqKind) renewed(t Ticket, now time.Time) (Ticket, bool) {
	token := t.(*sessiontoken.Token)
	if now.Sub(token.ValidFrom) < min(time.Minute, k.o.Lifetime/4) {
		return nil, false
	}
	c := *token
	c.ValidFrom = now.UTC().Truncate(100 * time.Nanosecond)
	c.ValidTo = c.ValidFrom.Add(k.o.Lifetime)
	c.KeyExpires = c.ValidTo
	return &c, true
}

// String describes q without any key.
func (q *SQSession) String() string { return "cookie.SQSession{" + q.name + "}" }

// Format implements [fmt.Formatter] for every verb, so that none prints the
// fields.
func (q *SQSession) Format(s fmt.State, _ rune) { io.WriteString(s, q.String()) }

// CookieName returns the name of the cookie, such as SQSessionFlowtime.
func (q *SQSession) CookieName() string { return q.name }

// SignIn is [Sessions.SignIn]. The error is [ErrSQSessionDisabled] or
// [ErrSQSessionOpaque] where that cannot be.
func (q *SQSession) SignIn(w http.ResponseWriter, r *http.Request, p *sessiontoken.Principal, o *SignInOptions) error {
	if err := q.unusable(); err != nil {
		return err
	}
	return q.sessions.SignIn(w, r, p, o)
}

// SignOut is [Sessions.SignOut]. An opaque cookie is deleted from the browser;
// the product does not learn of it.
func (q *SQSession) SignOut(w http.ResponseWriter, r *http.Request) error {
	if q.sessions != nil {
		return q.sessions.SignOut(w, r)
	}
	return Write(w, WIF.Expire(r, q.template()))
}

func (q *SQSession) template() *http.Cookie {
	return &http.Cookie{Name: q.name, Path: q.o.CookiePath, Domain: q.o.CookieDomain,
		Secure: q.o.CookieSecure, HttpOnly: !q.o.ScriptAccess, SameSite: q.o.SameSite}
}

func (q *SQSession) unusable() error {
	switch {
	case q.o.Disabled:
		return ErrSQSessionDisabled
	case q.o.Opaque:
		return ErrSQSessionOpaque
	case q.sessions == nil:
		return errNoSessions
	}
	return nil
}

// Sessions returns the sessions behind q, for [Guard.AcceptSessions], and false
// if the cookie is disabled or opaque.
func (q *SQSession) Sessions() (*Sessions, bool) { return q.sessions, q.sessions != nil }

// Check is [Sessions.Check]. A cookie that is disabled or opaque is none.
func (q *SQSession) Check(r *http.Request) (*sessiontoken.Principal, error) {
	if q.sessions == nil {
		return nil, ErrNoCredential
	}
	return q.sessions.Check(r)
}

// Handler is [Sessions.Handler]. Where the cookie is disabled or opaque nobody
// is signed in by it, and everybody is refused.
func (q *SQSession) Handler(next http.Handler) http.Handler {
	if q.sessions == nil {
		return new(Guard).Handler(next)
	}
	return q.sessions.Handler(next)
}

// Optional is [Sessions.Optional].
func (q *SQSession) Optional(next http.Handler) http.Handler {
	if q.sessions == nil {
		return new(Guard).Optional(next)
	}
	return q.sessions.Optional(next)
}
