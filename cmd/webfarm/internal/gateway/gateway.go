// Package gateway lets services in other languages join a farm. It reads the site's cookies for
// them, and names the user in headers.
//
//	          1 request            2 who is this?
//	browser ────────────▶ proxy ────────────────────▶ gateway
//	                        │   ◀────────────────────
//	                        │    3 200, X-Webfarm-User
//	                        ▼ 4 request, X-Webfarm-User
//	                     service
//
// nginx asks at /auth (auth_request), Traefik at /auth/traefik (ForwardAuth), and Envoy at
// /auth/envoy (ext_authz). They describe the request and treat the answer in different ways. With
// Options.Upstream the gateway is the proxy itself.
//
// The answer is 200 with the headers of [HeaderOptions] and the cookies of a renewed session, 401 or
// a redirect without a sign-in, 403 without a required role, and 503 if the gateway cannot decide.
// Clients must not be able to send headers that name a user. As a proxy the gateway removes them; in
// docs/gateway.md the configurations of other proxies do.
package gateway

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
)

// Options are the settings of a gateway. Only File is needed, or a key ring and the credentials
// on it.
type Options struct {
	// File is the site's web.config, none for a site with Site.DataProtection alone.
	File File
	// Site holds the settings that the file lacks. Its Observer gets the same events as the
	// metrics. The gateway sets IsTLS.
	Site cookie.SiteOptions
	// Headers are the names and contents of the identity headers.
	Headers HeaderOptions
	// RequireRoles are the requirements of every request, in the form of [ParseRequirement].
	RequireRoles []string
	// SignIn is the redirect to the sign-in. The zero value redirects nobody.
	SignIn SignInOptions
	// Upstream, if set, is the service that gets the requests. The gateway's own paths are then
	// below [Prefix].
	Upstream *url.URL
	// Anonymous lets strangers through to Upstream, without identity headers.
	Anonymous bool
	// TrustForwarded passes X-Forwarded-*, Forwarded, X-Real-IP, X-Original-URL and X-Rewrite-URL on
	// to Upstream, for a gateway behind another proxy. Without it the gateway sets X-Forwarded-For,
	// -Host and -Proto itself, and removes the others.
	TrustForwarded bool
	// Transport reaches Upstream; nil means a new transport without a proxy.
	Transport http.RoundTripper
	// Page serves /, /inspect, /signin and /signout, and no other path; nil means 404.
	Page func(*Gateway) (http.Handler, error)
	// Interval is that of [machinekey.WatchOptions], for following the file.
	Interval time.Duration
	// Limits bound the requests of clients.
	Limits Limits
	// Text replaces Go's names in messages of the packages for /readyz, nil for none.
	Text func(message string) string
	// Logger gets starts, stops, key changes and failures, without cookie values, claims or paths.
	// nil is silent.
	Logger *slog.Logger
}

// Prefix begins the gateway's own paths when it has an upstream.
const Prefix = "/.webfarm"

// Gateway answers for one site. It is safe for concurrent use.
type Gateway struct {
	o         Options
	site      *cookie.Site
	headers   *headerWriter
	require   []Requirement
	signIn    *signIn // nil: no redirects
	metrics   *metrics
	draining  atomic.Bool
	keyFault  fault // of the web.config at the last check
	ringFault fault // of the last reading of the key ring
	log       *slog.Logger
	page      http.Handler
	upstream  http.Handler // nil without Options.Upstream
	prefix    string
}

// New reads the web.config and returns the gateway of its site. The errors are those of
// [cookie.LoadSite], and errors for options that contradict each other.
func New(o Options) (*Gateway, error) {
	g := &Gateway{o: o, log: o.Logger}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if g.metrics, err = newMetrics(g); err != nil {
		return nil, err
	}
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
	observer := so.Sessions.Observer
	so.Sessions.Observer = func(ctx context.Context, e cookie.Event) {
		if e.Kind == "ring" {
			g.ringFault.set(e.Err)
		}
		g.metrics.observe(ctx, e)
		if observer != nil {
			observer(ctx, e)
		}
	}
	so.Sessions.Store = cookie.ObserveStore(so.Sessions.Store, g.metrics.observe)
	so.Sessions.Logger = cmp.Or(so.Sessions.Logger, g.o.Logger)
	g.o.Site = so
	site, err := g.o.File.Load(&so)
	if err != nil {
		return err
	}
	site.SetDeny(g.unavailable)
	g.site = site
	return nil
}

// writer returns the id of the key that writes, empty if none does.
func (g *Gateway) writer() string {
	if ring := g.site.Ring(); ring != nil {
		return ring.Primary().ID()
	}
	id, _ := g.o.Site.DataProtection.Resolve(g.now())
	return id
}

// now is the clock of the site.
func (g *Gateway) now() time.Time {
	if g.o.Site.Now != nil {
		return g.o.Site.Now()
	}
	return time.Now()
}

// Site returns the site of the gateway.
func (g *Gateway) Site() *cookie.Site { return g.site }

// Prefix returns the beginning of the gateway's own paths: empty, or [Prefix].
func (g *Gateway) Prefix() string { return g.prefix }

// isTLS reports whether the browser used TLS, by the word of the proxy. A client that lies here only
// affects its own cookie.
func isTLS(r *http.Request) bool {
	return r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") ||
		strings.HasPrefix(strings.ToLower(r.Header.Get(headerOriginalURL)), "https://")
}

// Handler returns the handler for clients and proxies. It does not clean, join or redirect paths.
func (g *Gateway) Handler() http.Handler {
	nginx, traefik, envoy := g.auth(asNginx), g.auth(asTraefik), g.auth(asEnvoy)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		closeBehindBody(w, r)
		// The path as sent: escaped paths are not the gateway's own.
		path, own := strings.CutPrefix(r.URL.EscapedPath(), g.prefix)
		if !own || g.upstream != nil && (path == "" || path[0] != '/') { // such as /.webfarmers
			g.upstream.ServeHTTP(w, r)
			return
		}
		switch {
		case path == "/auth":
			nginx.ServeHTTP(w, r)
		case path == "/auth/traefik":
			traefik.ServeHTTP(w, r)
		case strings.HasPrefix(path, envoyPath+"/"):
			envoy.ServeHTTP(w, r)
		case g.page != nil && (path == "/" || path == "/inspect" || path == "/signin" ||
			path == "/signout"):
			g.page.ServeHTTP(w, r)
		default:
			noStore(w)
			http.NotFound(w, r)
		}
	})
}

// closeBehindBody closes the connection after our own answer to a request with a body. The rest of
// the body is not read, and must not become another request. The server's deadline ends the
// connection even if the client sends nothing.
func closeBehindBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		w.Header().Set("Connection", "close")
	}
}

// unavailable answers a request that cannot be decided. It is the guard's only own refusal.
func (g *Gateway) unavailable(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		g.log.LogAttrs(r.Context(), slog.LevelError, "gateway: cannot decide",
			slog.Any("error", err))
	}
	w.Header().Set("Retry-After", "5")
	g.answer(w, http.StatusServiceUnavailable)
}

// answer writes a bare status and counts it.
func (g *Gateway) answer(w http.ResponseWriter, status int) {
	noStore(w)
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
	// HeaderBytes bounds the header of a request with its cookies: 64 KiB, four times the limit of
	// http.sys below IIS. Requests that a .NET node accepts get through.
	HeaderBytes int
	// HeaderTimeout bounds the time for the header of a request: 10 seconds. A client has twice as
	// long for a whole request that the gateway answers itself, and twice as long again to take
	// the answer.
	HeaderTimeout time.Duration
	// BodyIdle bounds the pauses of a body that is passed on, in either direction: 1 minute, as in
	// nginx. WebSockets may be silent. The first bytes of a client's body have twice HeaderTimeout.
	BodyIdle time.Duration
	// IdleTimeout bounds idle connections: 2 minutes. nginx closes them first, after 60 seconds.
	IdleTimeout time.Duration
	// IdentityBytes bounds the identity headers together: 8 KiB, the limit of proxies for a line.
	// A user with more is an error (500): the gateway never drops roles.
	IdentityBytes int
}

func (l Limits) withDefaults() (Limits, error) {
	if l.HeaderBytes < 0 || l.HeaderTimeout < 0 || l.BodyIdle < 0 || l.IdleTimeout < 0 ||
		l.IdentityBytes < 0 {
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

// request bounds the time for a request that the gateway answers itself, and for its answer.
func (l Limits) request() time.Duration { return 2 * l.HeaderTimeout }

// linger is the time for a client to see an answer that comes before the end of its request.
func (l Limits) linger() time.Duration { return l.HeaderTimeout / 2 }
