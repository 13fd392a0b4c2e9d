package gateway

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// asker is a kind of proxy that asks who a user is.
type asker int

const (
	// asNginx is ngx_http_auth_request_module, at /auth. It accepts 2xx, 401 and 403, and fails for
	// other answers. It copies the headers that its configuration names, and only the first of
	// each. A redirect is therefore 401 with a Location, and renewed cookies are repeated in
	// numbered headers.
	asNginx asker = iota
	// asTraefik is ForwardAuth of Traefik, and forward_auth of Caddy, at /auth/traefik. They describe
	// the request in X-Forwarded-Method, -Proto, -Host and -Uri. All answers but 2xx go to the
	// browser.
	asTraefik
	// asEnvoy is ext_authz of Envoy over HTTP, below /auth/envoy. It asks with the method and host of
	// the request, and appends its path and query to ours. All answers but 200 go to the browser.
	asEnvoy
	// asItself is the gateway, for requests that it passes on.
	asItself
)

// envoyPath is the path_prefix of Envoy.
const envoyPath = "/auth/envoy"

// headerSetCookie with a number from 1 holds one Set-Cookie line. nginx copies only the first of
// several headers of one name.
const headerSetCookie = "X-Webfarm-Set-Cookie-"

// maxSetCookies is the number of these headers that nginx copies under docs/gateway.md. A session
// with more cookies is not renewed, because nginx would lose some.
const maxSetCookies = 12

// auth returns the handler for one kind of proxy. It accepts all methods, because some proxies send
// the method of the request. It changes nothing except a session that is due for renewal.
func (g *Gateway) auth(as asker) http.Handler {
	decide := func(w http.ResponseWriter, r *http.Request, p *sessiontoken.Principal) {
		if p == nil {
			g.refuse(w, r, as)
		} else if g.identify(w, r, p, as, w.Header()) {
			g.numberCookies(w, r, as)
			g.handOver(w, r)
			g.answer(w, http.StatusOK)
		}
	}
	renewing := g.site.Optional(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := cookie.FromContext(r.Context())
		decide(w, r, p)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !demandOf(r, as).keep {
			renewing.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Vary", "Cookie")
		p, err := g.site.Check(r)
		if errors.Is(err, cookie.ErrUnavailable) {
			g.unavailable(w, r, err)
			return
		}
		decide(w, r, p)
	})
}

// identify writes the identity headers of a user with the required roles. It answers and reports
// false for others.
func (g *Gateway) identify(
	w http.ResponseWriter, r *http.Request, p *sessiontoken.Principal, as asker, to http.Header,
) bool {
	if !g.permits(p, demandOf(r, as)) {
		g.numberCookies(w, r, as)
		g.answer(w, http.StatusForbidden)
		return false
	}
	if err := g.headers.write(to, p, g.o.Limits.IdentityBytes); err != nil {
		g.log.LogAttrs(r.Context(), slog.LevelError, err.Error())
		g.answer(w, http.StatusInternalServerError)
		return false
	}
	return true
}

// numberCookies repeats renewed cookies in headers that nginx can copy. It drops a renewal with too
// many cookies: the old session stays valid. A gateway with an upstream does not repeat them, because
// without nginx they reach scripts, from which HttpOnly should hide them.
func (g *Gateway) numberCookies(w http.ResponseWriter, r *http.Request, as asker) {
	lines := w.Header()["Set-Cookie"]
	if as != asNginx || len(lines) == 0 || g.upstream != nil {
		return
	}
	if len(lines) > maxSetCookies {
		delete(w.Header(), "Set-Cookie")
		g.log.LogAttrs(r.Context(), slog.LevelWarn,
			"gateway: a renewal has too many cookies for nginx and is left out",
			slog.Int("cookies", len(lines)), slog.Int("limit", maxSetCookies))
		return
	}
	for i, line := range lines {
		w.Header().Set(headerSetCookie+strconv.Itoa(i+1), line)
	}
}

// handOver tells the proxy in the header Cookie which cookies the service is to get: those of the
// browser, with what the bridge has added and taken out. A gateway with an upstream does not, for the
// reason of numberCookies.
func (g *Gateway) handOver(w http.ResponseWriter, r *http.Request) {
	if g.o.Site.Bridge != nil && g.upstream == nil {
		w.Header().Set("Cookie", strings.Join(r.Header["Cookie"], "; "))
	}
}

// refuse answers about a user who is not signed in. It sends the client to the sign-in if there is
// one, with 401 for nginx.
func (g *Gateway) refuse(w http.ResponseWriter, r *http.Request, as asker) {
	g.numberCookies(w, r, as) // copies of a session that has ended
	status := http.StatusUnauthorized
	if location, ok := g.signIn.location(original(r, as)); ok {
		w.Header().Set("Location", location)
		if as != asNginx {
			status = http.StatusFound
		}
	}
	g.answer(w, status)
}
