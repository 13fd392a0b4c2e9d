// Package gateway lets services that are not written in Go join a farm: it
// reads the cookies of the site for them and tells them in headers who the user
// is.
//
//	          1 request            2 who is this?
//	browser ────────────▶ proxy ────────────────────▶ gateway
//	                        │   ◀────────────────────
//	                        │    3 200, X-Webfarm-User
//	                        ▼ 4 request, X-Webfarm-User
//	                     service
//
// nginx asks at /auth (auth_request), Traefik at /auth/traefik (ForwardAuth),
// and Envoy at /auth/envoy (ext_authz); the three differ in how they name
// the request they ask about and in what they do with an answer. With
// Options.Upstream the gateway is the proxy itself.
//
// The answer is 200 with the headers of [HeaderOptions], and the cookies of a
// session that was renewed; 401 or a redirect for whoever is not signed in; 403
// for whoever lacks a role; 503 if it cannot be decided. Headers that name a
// user are worth nothing if a client can send them: the gateway removes them
// where it proxies itself, and the configurations in docs/gateway.md do.
package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// Options are the settings of a gateway. Only Config is needed.
type Options struct {
	// Config is the path of the site's web.config.
	Config string
	// Site is what the file does not say. Its Observer is told what happens,
	// as the metrics are. IsTLS is set by the gateway.
	Site cookie.SiteOptions
	// Headers are the names of the identity headers and what they tell.
	Headers HeaderOptions
	// RequireRoles are what every request needs; each entry has the form of
	// [ParseRequirement].
	RequireRoles []string
	// SignIn is where to send those who are not signed in. The zero value
	// sends nobody anywhere.
	SignIn SignInOptions
	// Upstream, if set, is the service that the gateway passes requests to.
	// The gateway's own paths are then below [Prefix].
	Upstream *url.URL
	// Anonymous lets strangers through to Upstream, without identity headers.
	Anonymous bool
	// TrustForwarded passes on to Upstream what X-Forwarded-*, Forwarded,
	// X-Real-IP, X-Original-URL and X-Rewrite-URL of a request say, for a
	// gateway behind another proxy. Otherwise X-Forwarded-For, -Host and -Proto
	// are written afresh, and the others are left out.
	TrustForwarded bool
	// Transport reaches Upstream; nil is a transport of its own that uses no
	// proxy.
	Transport http.RoundTripper
	// Page serves /, /inspect, /signin and /signout, and gets requests for
	// these paths only; nil is 404.
	Page func(*Gateway) (http.Handler, error)
	// Watch is how the file is followed. Its hooks are called too.
	Watch machinekey.WatchOptions
	// Limits bound what a client can ask for.
	Limits Limits
	// Logger gets starts, stops, changes of keys and failures, and never a
	// value, a claim or a path; nil is silent.
	Logger *slog.Logger
}

// Prefix is what the gateway's own paths begin with where it proxies itself.
const Prefix = "/.webfarm"

// Gateway answers for one site. It is safe for concurrent use.
type Gateway struct {
	o        Options
	site     *cookie.Site
	store    sessiontoken.Store // as it was given; nil: none
	headers  *headerWriter
	require  []Requirement
	signIn   *signIn // nil: nobody is sent anywhere
	metrics  *metrics
	state    state
	log      *slog.Logger
	page     http.Handler
	upstream http.Handler // nil without Options.Upstream
	prefix   string
}

// New reads the web.config and returns the gateway of its site. The errors are
// the errors of [cookie.LoadSite], and of options that make no sense.
func New(o Options) (*Gateway, error) {
	g := &Gateway{o: o, log: o.Logger}
	g.metrics = newMetrics(g)
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if g.o.Limits, err = o.Limits.withDefaults(); err != nil {
		return nil, err
	}
	if g.headers, err = newHeaderWriter(o.Headers); err != nil {
		return nil, err
	}
	for _, text := range o.RequireRoles {
		r, err := ParseRequirement(text)
		if err != nil {
			return nil, err
		}
		g.require = append(g.require, r)
	}
	if g.signIn, err = newSignIn(o.SignIn); err != nil {
		return nil, err
	}
	if err := g.load(); err != nil {
		return nil, err
	}
	if o.Upstream != nil {
		g.prefix = Prefix
		if g.upstream, err = g.newProxy(); err != nil {
			return nil, err
		}
	} else if o.Anonymous {
		return nil, errors.New("gateway: to let strangers through there must be an upstream")
	}
	if o.Page != nil {
		if g.page, err = o.Page(g); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// load makes the site.
func (g *Gateway) load() error {
	so := g.o.Site
	so.Sessions.IsTLS = isTLS
	so.Sessions.Observer = both(g.metrics.Observe, so.Sessions.Observer)
	g.store = so.Sessions.Store
	g.metrics.observeNotes(g.store)
	so.Sessions.Store = cookie.ObserveStore(so.Sessions.Store, g.metrics.Observe)
	so.Sessions.Logger = cmp.Or(so.Sessions.Logger, g.o.Logger)
	g.o.Site = so
	site, err := cookie.LoadSite(g.o.Config, &so)
	if err != nil {
		return err
	}
	site.Guard().SetDeny(g.unavailable)
	g.site = site
	return nil
}

// Site returns the site that the gateway answers for.
func (g *Gateway) Site() *cookie.Site { return g.site }

// Prefix returns what the gateway's own paths begin with: nothing, or [Prefix].
func (g *Gateway) Prefix() string { return g.prefix }

// isTLS reports whether the browser used TLS, as the proxy says. A client that
// lies about it gets a cookie that suits the lie.
func isTLS(r *http.Request) bool {
	return r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") ||
		strings.HasPrefix(strings.ToLower(r.Header.Get(headerOriginalURL)), "https://")
}

// Handler returns what answers clients and proxies. It takes no path for
// another: nothing is cleaned, joined or redirected.
func (g *Gateway) Handler() http.Handler {
	auth := map[string]http.Handler{
		"/auth":         g.auth(asNginx),
		"/auth/traefik": g.auth(asTraefik),
	}
	envoy := g.auth(asEnvoy)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		closeBehindBody(w, r)
		// As it was sent: what is escaped is not one of ours.
		path, own := strings.CutPrefix(r.URL.EscapedPath(), g.prefix)
		if !own || g.upstream != nil && (path == "" || path[0] != '/') { // such as /.webfarmers
			g.toUpstream(w, r)
			return
		}
		if h, ok := auth[path]; ok {
			h.ServeHTTP(w, r)
			return
		}
		switch {
		case strings.HasPrefix(path, envoyPath+"/"):
			envoy.ServeHTTP(w, r)
		case g.page != nil && (path == "/" || path == "/inspect" || path == "/signin" || path == "/signout"):
			g.page.ServeHTTP(w, r)
		default:
			noStore(w)
			http.NotFound(w, r)
		}
	})
}

// closeBehindBody has the connection closed behind an answer of our own to a
// request with a body. We read no more of it than we need, and do not wait for
// it; what follows is not taken for another request. The server's deadline ends
// the connection even if the client sends nothing.
func closeBehindBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		w.Header().Set("Connection", "close")
	}
}

// toUpstream passes a request on, if there is where to.
func (g *Gateway) toUpstream(w http.ResponseWriter, r *http.Request) {
	if g.upstream == nil {
		http.NotFound(w, r)
		return
	}
	g.upstream.ServeHTTP(w, r)
}

// unavailable answers a request that cannot be decided, and is the only refusal
// of the guard that the gateway leaves to it.
func (g *Gateway) unavailable(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		g.log.LogAttrs(r.Context(), slog.LevelError, "gateway: cannot decide", slog.Any("error", err))
	}
	noStore(w)
	w.Header().Set("Retry-After", "5")
	g.answer(w, http.StatusServiceUnavailable)
}

// answer writes a bare status and counts it.
func (g *Gateway) answer(w http.ResponseWriter, status int) {
	g.metrics.answered(status)
	if status == http.StatusOK {
		w.WriteHeader(status)
		return
	}
	http.Error(w, http.StatusText(status), status)
}

// noStore keeps an answer out of every cache.
func noStore(w http.ResponseWriter) { w.Header().Set("Cache-Control", "no-store") }

// Limits bound what clients and proxies can ask for. Zero is the default.
type Limits struct {
	// HeaderBytes bounds the header of a request, cookies among it: 64 KiB,
	// four times what http.sys takes below IIS, so that what a .NET node
	// would read gets through.
	HeaderBytes int
	// HeaderTimeout is how long a client may take for its header: 10 seconds.
	// It has twice as long for a whole request that the gateway answers itself,
	// and from then on twice as long again to take the answer.
	HeaderTimeout time.Duration
	// BodyIdle is how long a body that is passed on may stand still, in either
	// direction: 1 minute, as in nginx. WebSockets may be silent. For the first
	// bytes of its body a client has twice HeaderTimeout.
	BodyIdle time.Duration
	// IdleTimeout is how long an idle connection stays: 2 minutes, longer
	// than the 60 seconds of nginx, so that it is the proxy that closes.
	IdleTimeout time.Duration
	// IdentityBytes bounds the identity headers together: 8 KiB, what
	// proxies take for a line. A user with more is an error (500), as to leave
	// out some of his roles would be another user.
	IdentityBytes int
}

func (l Limits) withDefaults() (Limits, error) {
	if l.HeaderBytes < 0 || l.HeaderTimeout < 0 || l.BodyIdle < 0 || l.IdleTimeout < 0 || l.IdentityBytes < 0 {
		return l, errors.New("gateway: a limit is negative")
	}
	return Limits{
		HeaderBytes:   cmp.Or(l.HeaderBytes, 64<<10),
		HeaderTimeout: cmp.Or(l.HeaderTimeout, 10*time.Second),
		BodyIdle:      cmp.Or(l.BodyIdle, time.Minute),
		IdleTimeout:   cmp.Or(l.IdleTimeout, 2*time.Minute),
		IdentityBytes: cmp.Or(l.IdentityBytes, 8<<10),
	}, nil
}

// request is how long a request that the gateway answers itself may take to
// come in, and its answer to go out.
func (l Limits) request() time.Duration { return 2 * l.HeaderTimeout }

// linger is how long a client may take to see an answer that came before the
// end of its request.
func (l Limits) linger() time.Duration { return l.HeaderTimeout / 2 }

// String describes the gateway for a log, without any key.
func (g *Gateway) String() string { return fmt.Sprintf("gateway of\n%v", g.site) }
