package cookie

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// Sessions signs users in and out with one cookie of the farm. A [Guard] that
// accepts them recognises the users, and keeps their sessions fresh as the .NET
// nodes do. There is one kind of it for each framework, by the codec that
// [NewSessions] gets:
//
//	               .NET                            slides   cookie
//	SessionCodec   SessionAuthenticationModule     no       FedAuth, FedAuth1, …
//	FormsCodec     FormsAuthenticationModule       yes      .ASPXAUTH
//	KatanaCodec    CookieAuthenticationMiddleware  yes      .AspNet.…
//	CoreCodec      CookieAuthenticationHandler     yes      .AspNetCore.…
//
// [LoadSite] makes them from a web.config. Sessions is safe for concurrent use.
// The zero value recognises nobody and signs nobody in.
//
// # What sign-out means
//
// A cookie is a bearer ticket. Sign-out deletes it from the browser; a copy stays
// good until it expires, as in .NET. With SessionsOptions.Store, sign-out also
// ends the session on every Go node that shares the store, which remembers its id
// until no cookie of it can be valid: the error is [ErrRevoked]. .NET nodes do not
// look there. A session in reference mode ends on every node that uses the store,
// as its entry there is gone.
//
// The id of a session token is its context id, which renewals keep. The id of a
// forms ticket is a hash; the store remembers which ticket was renewed from which,
// for renewals by Go nodes. A ticket of Katana or ASP.NET Core carries its
// id in a property; one issued by a .NET node is named by its hash until a Go node
// renews it. The name of the cookie has no part in any of this.
//
// MaxLifetime of the node that began a session ends it everywhere: a session token
// carries its end in the time its key expires, a ticket of Katana in a property,
// and for a forms ticket or a token of WIF 1.0 it is in the store.
//
// Where a .NET node renews copies, docs/sessions.md says how far this goes.
type Sessions struct {
	framework framework
	traits    *traits
	o         *SessionsOptions
	template  http.Cookie
	slides    bool
	track     *tracker // nil without a store
	verified  *verifiedCache
	bridged   []*Sessions // both halves of the bridge that it is part of
	reuse     bool        // a user who signs in again joins the session he has; see join
	// secureAsRequest gives the cookie Secure if the browser used TLS.
	secureAsRequest bool
	// never says why the cookie is never issued, nil if it is. It is read and
	// signed out as every other.
	never error
}

// SessionsOptions are the settings of a [Sessions]. The zero value does what
// the framework does without settings.
type SessionsOptions struct {
	// Cookie is the template of the cookies: Name, Path, Domain, Secure,
	// HttpOnly, SameSite and Partitioned are used as they stand, but an empty
	// Name or Path is that of .NET. Nil means the attributes that .NET gives
	// it:
	//
	//	          Path                   Secure         HttpOnly  SameSite
	//	tokens    the codec's Endpoint   yes            yes       not set
	//	forms     the codec's Path       no             yes       Lax
	//	Katana    /                      as the request yes       not set
	//	Core      /                      as the request yes       Lax
	//
	// MaxAge counts for ASP.NET Core only (Cookie.MaxAge).
	// All nodes of a farm must agree: a browser keeps a cookie twice if Path
	// or Domain differ.
	Cookie *http.Cookie
	// IsTLS reports whether the browser used TLS, for Katana's default of
	// Secure. Nil looks at http.Request.TLS, which is wrong behind a balancer
	// that ends TLS: say so here, or set Cookie.
	IsTLS func(*http.Request) bool
	// PersistentLifetime is how long browsers keep the cookie of a persistent
	// session token (persistentSessionLifetime of <cookieHandler>). Zero, and
	// for other tickets always: as long as the ticket is valid.
	PersistentLifetime time.Duration
	// ChunkSize is the number of characters in a chunk of a session token
	// (chunkSize of <chunkedCookieHandler>), at least 1000 and 2000 if zero. For
	// Katana it is the number of bytes in a Set-Cookie line, name and attributes
	// included (ChunkSize of the cookie manager), 4090 if zero, and for ASP.NET
	// Core the same in characters, 4050 if zero. A forms ticket is
	// in one cookie, whatever this says.
	ChunkSize int

	// Sliding replaces the rule of the framework on whether a session that is in
	// use is renewed: never for session tokens, at half life for the others. On
	// renews session tokens at half life too, clock skew included; see
	// [sessiontoken.Token.Renew]. Off lets every session end when its first
	// ticket does.
	Sliding Toggle
	// MaxLifetime ends a session this long after the sign-in, however often it
	// was renewed. Zero means no end but the one that another node gave the
	// session. A session keeps the end of the node that began it; a node with a
	// shorter MaxLifetime refuses it sooner. A forms ticket that slides, and a
	// session token of WIF 1.0, have no place for the time of sign-in and need a
	// Store for this.
	MaxLifetime time.Duration

	// MaxBytes bounds the cookies of one session, as the browser sends them
	// in one header line: names, values and what stands between. Zero means
	// 15 KiB. Beyond it nothing is written, and the error matches
	// [ErrTooLong]. From 7 KiB a warning is logged.
	MaxBytes int

	// Store remembers sessions that were ended, on all nodes that share it.
	// Nil means the store of the codec, if it has one. What is put there is
	// protected with the ring, which the codec must have.
	Store sessiontoken.Store
	// OnePerUser ends the older sessions of a user when he signs in, on all
	// nodes that share the store, whatever the names of the cookies are. Users
	// need a name, which is compared as StringComparer.OrdinalIgnoreCase does:
	// Kate is kate, and nobody with U+212A KELVIN SIGN. A sign-in on a .NET node
	// ends no session. A session that is to last longer than the codec's lifetime
	// needs MaxLifetime too, so that the store remembers long enough.
	OnePerUser bool
	// Revoked is asked about each session that is otherwise good, after the
	// store, but for SignOut. To revoke forms tickets by Session.ID needs a
	// Store, or Sliding Off. An error is an outage: see [ErrUnavailable].
	Revoked func(ctx context.Context, s Session) (revoked bool, err error)

	// Verified is the number of cookies that are kept in memory with what
	// they say, so that a value which was verified is not decoded again; zero
	// keeps none. Expiry, the keys of the ring, the store and Revoked are
	// looked at on each request all the same. Tickets in reference mode are
	// never kept.
	Verified int

	// ClearInvalid deletes a cookie that is refused, and not for an outage.
	// It is off by default: while keys are being changed, another node may
	// still read it.
	ClearInvalid bool
	// Logger gets warnings, with the attributes "cookie", "bytes", "limit",
	// "cookies" and "error"; nil is silent. For refusals see [Guard.SetLogger],
	// for the decisions about a site [SiteOptions].
	Logger *slog.Logger
	// Observer is told what happens, to count it; nil is silent. It is called
	// within requests: it must be quick and safe for concurrent use.
	Observer func(ctx context.Context, e Event)
}

// Session is a session that was recognised, for SessionsOptions.Revoked and
// [Sessions.Session]. It prints as nothing that is secret. With
// SessionsOptions.Verified, Principal and Ticket are shared with other requests:
// do not change them.
type Session struct {
	// get is a function because no verb of package fmt shows what is behind one.
	get func() (*Sessions, *session)
}

// ID stays the same as long as the session lives; see [Sessions]. It is empty
// where a renewal would change it: for a forms ticket that slides, without a
// Store, and for a ticket of Katana that slides and says no id, without Store,
// MaxLifetime and Revoked. That of a session in reference mode is as good as its
// cookie: do not log it.
func (s Session) ID() string {
	if s.get == nil {
		return ""
	}
	of, x := s.get()
	if !of.keepsID(x) {
		return ""
	}
	return of.idOf(*x)
}

// Principal is the user.
func (s Session) Principal() *sessiontoken.Principal { return s.is().principal }

// Ticket is what the cookie says.
func (s Session) Ticket() Ticket { return s.is().ticket }

// SignedIn is when the session began, as far as it is known.
func (s Session) SignedIn() time.Time { return s.is().began }

// Expires is when the session ends unless it is renewed.
func (s Session) Expires() time.Time { return s.is().expires }

// is returns nothing for the zero value, which comes with an error.
func (s Session) is() *session {
	if s.get == nil {
		return new(session)
	}
	_, x := s.get()
	return x
}

// describe returns what others may know of x.
func (s *Sessions) describe(x *session) Session {
	return Session{func() (*Sessions, *session) { return s, x }}
}

// ErrRevoked means that the session was ended before its time: by sign-out, by
// another sign-in of the user, or by SessionsOptions.Revoked.
var ErrRevoked = errors.New("cookie: the session was ended")

// NewSessions returns the sessions of one cookie. The codec is a
// [*sessiontoken.SessionCodec], a [*sessiontoken.FormsCodec], a
// [*sessiontoken.KatanaCodec] or a [*sessiontoken.CoreCodec]; one of Katana's that
// was made with purposes of its own needs SessionsOptions.Cookie with a name. Nil
// options are the zero options.
func NewSessions(codec sessiontoken.Reader, o *SessionsOptions) (*Sessions, error) {
	f, k := frameworkOf(codec)
	if f == nil {
		return nil, fmt.Errorf("cookie: no sessions of a %T", codec)
	}
	return newSessions(f, k, o)
}

// frameworkOf returns the framework of a codec, nil for any other reader.
func frameworkOf(codec sessiontoken.Reader) (framework, *traits) {
	switch c := codec.(type) {
	case *sessiontoken.SessionCodec:
		if c != nil {
			return newWIF(c)
		}
	case *sessiontoken.FormsCodec:
		if c != nil {
			return newForms(c)
		}
	case *sessiontoken.KatanaCodec:
		if c != nil {
			return newKatana(c)
		}
	case *sessiontoken.CoreCodec:
		if c != nil {
			return newCore(c)
		}
	}
	return nil, nil
}

var errNoSessions = errors.New("cookie: sessions that no constructor made")

func newSessions(f framework, k *traits, o *SessionsOptions) (*Sessions, error) {
	s, err := makeSessions(f, k, o)
	if err == nil {
		err = s.probe()
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// makeSessions is newSessions without probe.
func makeSessions(f framework, k *traits, o *SessionsOptions) (*Sessions, error) {
	s := &Sessions{framework: f, traits: k, template: k.cookie, o: new(SessionsOptions)}
	if o != nil {
		*s.o = *o
	}
	s.secureAsRequest = k.hasProperties() && s.o.Cookie == nil
	if c := s.o.Cookie; c != nil {
		name, path := cmp.Or(c.Name, s.template.Name), cmp.Or(c.Path, s.template.Path)
		s.template = http.Cookie{Name: name, Path: path, Domain: c.Domain, Secure: c.Secure,
			HttpOnly: c.HttpOnly, SameSite: c.SameSite, Partitioned: c.Partitioned}
		if k.scheme == chunks.Core {
			s.template.MaxAge = max(c.MaxAge, 0)
		}
	}
	s.o.MaxBytes = cmp.Or(s.o.MaxBytes, chunks.DefaultMaxBytes)
	if k.scheme == chunks.Core && !strings.HasPrefix(s.template.Name, site.CorePrefix) {
		k.scheme = chunks.CoreShared // an application on Katana may write it too
	}
	s.slides = s.o.Sliding == On || s.o.Sliding == 0 && k.slides
	if s.o.Store == nil {
		s.o.Store = k.store
	}
	if s.o.Store != nil {
		var err error
		if s.track, err = newTracker(k.keys, k.purpose, s.o.Store); err != nil {
			return nil, err
		}
	}
	if s.o.Verified > 0 {
		s.verified = newVerifiedCache(s.o.Verified)
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	return s, nil
}

// check finds mistakes that would otherwise show with the first sign-in.
func (s *Sessions) check() error {
	switch {
	case s.o.Sliding > Off:
		return fmt.Errorf("cookie: SessionsOptions.Sliding is %d", s.o.Sliding)
	case s.o.MaxLifetime < 0 || s.o.PersistentLifetime < 0:
		return errors.New("cookie: SessionsOptions with a negative duration")
	case s.o.MaxBytes < 0 || s.o.Verified < 0:
		return errors.New("cookie: SessionsOptions with a negative number")
	case s.o.PersistentLifetime > 0 && s.traits.kind != KindFedAuth:
		return errors.New("cookie: SessionsOptions.PersistentLifetime is for session tokens")
	case s.o.OnePerUser && s.track == nil:
		return errors.New("cookie: SessionsOptions.OnePerUser needs a Store")
	case s.o.MaxLifetime > 0 && s.slides && !s.traits.remembers && s.track == nil:
		return errors.New("cookie: a ticket of forms or WIF 1.0 that slides has no place for the time of sign-in: SessionsOptions.MaxLifetime needs a Store, or Sliding Off")
	case s.template.Name == "":
		return errors.New("cookie: SessionsOptions.Cookie needs a name, as the codec does not tell the AuthenticationType")
	}
	return nil
}

// probe finds out whether the cookie can be written.
func (s *Sessions) probe() error {
	probe := s.template
	probe.Value = "AA"
	_, err := s.traits.scheme.Split(&probe, s.o.ChunkSize)
	return err
}

// Format implements [fmt.Formatter] for every verb, so that none prints the
// fields: it writes the name of the cookie.
func (s *Sessions) Format(f fmt.State, _ rune) {
	io.WriteString(f, "cookie.Sessions{"+s.template.Name+"}")
}

// Session returns the session of a request, for a handler that wants to know
// more than the user, such as how long the session will last. The error is that
// of [Guard.Check]. It reads the cookie afresh and renews nothing.
func (s *Sessions) Session(r *http.Request) (Session, error) {
	if s.framework == nil {
		return Session{}, errNoSessions
	}
	var f found
	if err := s.read(r, &f); err != nil {
		return Session{}, err
	}
	return s.describe(&f.session), nil
}

// source takes the text of the cookie from a request.
func (s *Sessions) source(r *http.Request) (string, error) {
	text, err := s.traits.scheme.Join(r, s.template.Name)
	// .NET takes for no cookie what forms authentication ignores, one character, and
	// Katana, blanks. No ticket is so short.
	if err == nil && (len(text) < 2 || strings.TrimSpace(text) == "") {
		return "", chunks.ErrNoCookie
	}
	return text, err
}
