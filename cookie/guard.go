package cookie

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// Guard recognises the user of a request. The zero value is ready to use and
// recognises nobody until [Guard.Accept] is called.
//
// Set a guard up with Accept, AcceptSessions, SetDeny and SetLogger before it
// handles requests. All other methods are safe for concurrent use. A Guard must
// not be copied.
type Guard struct {
	accepted []credential
	deny     func(http.ResponseWriter, *http.Request, error)
	logger   *slog.Logger
	refusals refusals
	bridge   *bridge // of a site, or nil
}

// credential is one way to be recognised: a source and a reader, or sessions.
type credential struct {
	source   func(*http.Request) (string, error)
	reader   sessiontoken.Reader
	sessions *Sessions
}

// name is that of the cookie, or the type of the reader.
func (c *credential) name() string {
	if c.sessions != nil {
		return c.sessions.template.Name
	}
	return fmt.Sprintf("%T", c.reader)
}

// Accept adds a kind of credential: source finds it in the request and reader
// opens it. They are tried in the order of the calls.
//
// [From] returns a source. One of your own must be safe for concurrent use and
// not change the request. Its error matches [ErrNoCredential] or
// [http.ErrNoCookie] if the request carries none, and [sessiontoken.ErrInvalid]
// if what it carries is malformed. The guard takes any other error for an
// outage; see [ErrUnavailable]. It refuses a text of more than 64 KiB.
//
// No store is asked whether the session was ended: for that there is
// [Guard.AcceptSessions]. Accept panics if either argument is nil.
func (g *Guard) Accept(source func(*http.Request) (string, error), reader sessiontoken.Reader) {
	if source == nil || reader == nil {
		panic("cookie: Guard.Accept needs a source and a reader")
	}
	g.accepted = append(g.accepted, credential{source: source, reader: reader})
}

// AcceptSessions adds the cookie of s to what the guard accepts, in the order
// of the calls. [Guard.Handler] and [Guard.Optional] then also renew a session
// that is due by the rule of its framework, or that an older key of the ring
// opened which has been the first before ([machinekey.Ring.KeyStatus]): the
// session is then issued again as it is. If a renewal fails, the user stays
// signed in with the old cookie, and the next request tries again.
// AcceptSessions panics if s was not made by its constructor.
func (g *Guard) AcceptSessions(s *Sessions) {
	if s == nil || s.framework == nil {
		panic("cookie: Guard.AcceptSessions needs sessions")
	}
	g.accepted = append(g.accepted, credential{sessions: s})
}

// SetDeny sets what answers a request that is refused, in place of [Deny]; nil
// restores it. err is the error of [Guard.Check], or [ErrForbidden] for a user who
// lacks a role or claim. It is meant for the operator: a response that differs
// with it, but for ErrUnavailable and ErrForbidden, tells an attacker which
// forgery came how far.
func (g *Guard) SetDeny(deny func(w http.ResponseWriter, r *http.Request, err error)) {
	g.deny = deny
}

// SetLogger makes the guard log what it does not accept; nil, the default, makes
// it silent. No value and no claim is logged.
//
//	level  about                                                attributes
//	Debug  each credential that is refused                      source, error
//	Warn   each that could not be checked, Debug if the client  source, error
//	       has gone
//	Warn   the first refusal of a kind, and then once a minute  source, credential,
//	       those since the last line                            reason, count, keys
//	Info   the first credential that is accepted after such a   source, credential,
//	       line                                                 refused, key
//
// Source is the position of the call of Accept counted from 0, credential the
// name of the cookie or the type of the reader, reason one of [Event], and count
// and refused numbers of refusals. Keys are the ids of the keys that the latest
// invalid credential was tried with: all machine keys of the ring, or the key
// that a credential of ASP.NET Core names, which the ring may not have. Key opened
// the accepted one. Requests write the lines: what was refused after the last one
// is told with the next request.
func (g *Guard) SetLogger(logger *slog.Logger) { g.logger = logger }

// Deny answers a refused request with a bare status: 503 (Service Unavailable)
// if err matches [ErrUnavailable], 403 (Forbidden) if it matches [ErrForbidden],
// and 401 (Unauthorized) for any other. A service
// that takes bearer tokens adds "WWW-Authenticate: Bearer" to 401, as
// OAuthBearerAuthenticationMiddleware does; see [Guard.SetDeny].
func Deny(w http.ResponseWriter, _ *http.Request, err error) {
	status := http.StatusUnauthorized
	switch {
	case errors.Is(err, ErrUnavailable):
		status = http.StatusServiceUnavailable
	case errors.Is(err, ErrForbidden):
		status = http.StatusForbidden
	}
	http.Error(w, http.StatusText(status), status)
}

// Check returns the user of a request. The principal is not nil and
// authenticated if, and only if, the error is nil.
//
// The first credential that reads decides. One that does not read does not hide
// a good one of another kind, as a site that moves from forms tickets to
// session tokens has users with both. If none reads, the error is
//
//   - one that matches [ErrUnavailable], and the cause, if a credential could
//     not be checked: the user may well be signed in;
//   - otherwise that of the first credential in the request: a sentinel of
//     package sessiontoken, [ErrNotAuthenticated], [ErrMissingChunk] or
//     [ErrTooLong];
//   - otherwise [ErrNoCredential].
func (g *Guard) Check(r *http.Request) (*sessiontoken.Principal, error) {
	var c *crossing
	if g.bridge != nil {
		c = g.bridge.look(r)
	}
	var f found
	err := g.find(r, c, &f)
	return f.principal, err
}

// find is Check that says in f what else is known, such as what the bridge found
// out. f is large, and stays where the caller has it; it is empty after an error.
func (g *Guard) find(r *http.Request, known *crossing, f *found) error {
	var refused, outage error
	for i := range g.accepted {
		err := g.read(r, &g.accepted[i], known, f)
		switch {
		case err == nil:
			g.logAccepted(r.Context(), i, f)
			return nil
		case err == ErrNoCredential:
			continue
		case errors.Is(err, ErrUnavailable):
			if outage == nil {
				outage = err
			}
		case refused == nil:
			refused = err
		}
		g.logRefused(r, i, err)
	}
	switch {
	case outage != nil:
		return outage
	case refused != nil:
		return refused
	}
	return ErrNoCredential
}

// read is the method of c, but for a cookie that the bridge has read.
func (g *Guard) read(r *http.Request, c *credential, known *crossing, f *found) error {
	if known != nil && c.sessions != nil {
		if half := slices.Index(g.bridge.halves[:], c.sessions); half >= 0 {
			return known.found(c.sessions, r, half, f)
		}
	}
	return c.read(r, f)
}

// read finds the authenticated user that one kind of credential stands for.
// The error is exactly ErrNoCredential if there is none.
func (c *credential) read(r *http.Request, f *found) error {
	if c.sessions != nil {
		return c.sessions.read(r, f)
	}
	text, err := c.source(r)
	if err != nil {
		if isNone(err) {
			return ErrNoCredential
		}
		return classify(err)
	}
	if len(text) > chunks.MaxLength { // from a source that has no bound, such as a form
		return ErrTooLong
	}
	p, err := c.reader.ReadPrincipal(r.Context(), text)
	if err != nil {
		return classify(err)
	}
	if !p.IsAuthenticated() {
		return ErrNotAuthenticated
	}
	f.principal = p
	return nil
}

// classify returns err if it is a verdict on the credential, and an error that
// matches ErrUnavailable if it is anything else. A cancelled request is never
// a verdict, whatever else the error says.
func classify(err error) error {
	switch {
	case errors.Is(err, ErrUnavailable):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
	case reasonOf(err) != "":
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// Handler returns a handler that calls next for a signed-in user, whom
// [FromContext] returns there, and refuses everybody else.
//
// next is called with the cookies of a renewed session in the header of the
// response already, so that it may stream, flush or hijack as it likes, and
// finds the ResponseWriter of the server and no other. The response then says
// "Cache-Control: no-cache", which next may replace. Vary: Cookie is there in
// any case, so that no cache shows the page or a cookie to another user.
func (g *Guard) Handler(next http.Handler) http.Handler { return g.serve(next, false) }

// Optional returns a handler that calls next for everybody. For a signed-in
// user it does what [Guard.Handler] does; for anybody else, with a bad
// credential or none, FromContext returns nil and false, even if another guard
// before it recognised somebody.
//
// Only a request whose credential could not be checked is refused: its user may
// well be signed in; see [ErrUnavailable].
func (g *Guard) Optional(next http.Handler) http.Handler { return g.serve(next, true) }

// serve is Handler, or Optional for strangers too.
func (g *Guard) serve(next http.Handler, strangers bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		varyCookie(w.Header())
		r, p, err := g.admit(w, r)
		if err != nil && (!strangers || errors.Is(err, ErrUnavailable)) {
			g.refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), contextKey{},
			&visit{p, g, err})))
	})
}

// refuse answers a request as SetDeny wants.
func (g *Guard) refuse(w http.ResponseWriter, r *http.Request, err error) {
	deny := g.deny
	if deny == nil {
		deny = Deny
	}
	deny(w, r, err)
}

// admit is Check that also renews the session of the user, carries it across
// the bridge, and deletes cookies that are refused where that was asked for. It
// returns the request with the cookies that the next handler is to see.
func (g *Guard) admit(w http.ResponseWriter, r *http.Request) (*http.Request, *sessiontoken.Principal, error) {
	var (
		f   found
		c   *crossing
		err error
	)
	if g.bridge != nil {
		r, c, err = g.bridge.cross(w, r)
	}
	if err == nil {
		err = g.find(r, c, &f)
	}
	if err == nil && f.sessions != nil && (c == nil || c.of < 0) {
		_, err = f.sessions.refresh(w, r, &f)
	}
	if err == nil {
		return r, f.principal, nil
	}
	if !errors.Is(err, ErrUnavailable) {
		for i := range g.accepted {
			if s := g.accepted[i].sessions; s != nil && s.o.ClearInvalid {
				s.clear(w, r)
			}
		}
	}
	return r, nil, err
}

// varyCookie adds Vary: Cookie unless it is there, as from an outer guard.
func varyCookie(h http.Header) {
	for _, line := range h["Vary"] {
		for field := range strings.SplitSeq(line, ",") {
			if field = strings.Trim(field, " \t"); field == "*" ||
				strings.EqualFold(field, "Cookie") {
				return
			}
		}
	}
	h.Add("Vary", "Cookie")
}
