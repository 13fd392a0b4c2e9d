package gateway

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// asker is a kind of proxy that asks who a user is.
type asker int

const (
	// asNginx is ngx_http_auth_request_module, at /auth. It knows 2xx, 401
	// and 403, takes everything else for a failure, and copies only headers
	// that its configuration names, of each the first. So a redirect is 401
	// with a Location, and renewed cookies stand in numbered headers too.
	asNginx asker = iota
	// asTraefik is ForwardAuth of Traefik, and forward_auth of Caddy, at
	// /auth/traefik. They describe the request in X-Forwarded-Method, -Proto,
	// -Host and -Uri, and pass every answer but 2xx on to the browser.
	asTraefik
	// asEnvoy is ext_authz of Envoy over HTTP, below /auth/envoy. It asks with
	// the method and the host of the request, and its path and query behind
	// ours, and passes every answer but 200 on.
	asEnvoy
)

// envoyPath is the path_prefix of Envoy.
const envoyPath = "/auth/envoy"

// headerSetCookie and a number from 1 on has one Set-Cookie line each: nginx
// hands on only the first of several headers of one name.
const headerSetCookie = "X-Webfarm-Set-Cookie-"

// maxSetCookies is the number of these headers that docs/gateway.md has nginx
// copy. A session that needs more is not renewed: part of it would be lost.
const maxSetCookies = 12

// auth returns what answers one kind of proxy. Any method will do: the method
// is that of the proxy or of the request, and nothing is changed but a session
// that is due for renewal.
func (g *Gateway) auth(as asker) http.Handler {
	decide := func(w http.ResponseWriter, r *http.Request, p *sessiontoken.Principal) {
		noStore(w)
		if p == nil {
			g.refuse(w, r, as)
			return
		}
		if !g.permits(p, demandOf(r, as)) {
			g.numberCookies(w, r, as)
			g.answer(w, http.StatusForbidden)
			return
		}
		if err := g.headers.write(w.Header(), p, g.o.Limits.IdentityBytes); err != nil {
			g.log.LogAttrs(r.Context(), slog.LevelError, err.Error())
			g.answer(w, http.StatusInternalServerError)
			return
		}
		g.numberCookies(w, r, as)
		g.answer(w, http.StatusOK)
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
		p, err := g.site.Guard().Check(r)
		if errors.Is(err, cookie.ErrUnavailable) {
			g.unavailable(w, r, err)
			return
		}
		decide(w, r, p)
	})
}

// numberCookies repeats renewed cookies in headers that nginx can copy. More
// than it copies are withdrawn: the session stays good as it is. Where the
// gateway is the proxy there is no nginx to take these headers out, and scripts
// could read what HttpOnly keeps from them.
func (g *Gateway) numberCookies(w http.ResponseWriter, r *http.Request, as asker) {
	lines := w.Header()["Set-Cookie"]
	if as != asNginx || len(lines) == 0 || g.upstream != nil {
		return
	}
	if len(lines) > maxSetCookies {
		delete(w.Header(), "Set-Cookie")
		g.log.LogAttrs(r.Context(), slog.LevelWarn, "gateway: a renewal has too many cookies for nginx and is left out",
			slog.Int("cookies", len(lines)), slog.Int("limit", maxSetCookies))
		return
	}
	for i, line := range lines {
		w.Header().Set(headerSetCookie+strconv.Itoa(i+1), line)
	}
}

// refuse answers for somebody who is not signed in.
func (g *Gateway) refuse(w http.ResponseWriter, r *http.Request, as asker) {
	location, ok := g.signIn.location(original(r, as))
	switch {
	case !ok:
		g.answer(w, http.StatusUnauthorized)
	case as == asNginx:
		w.Header().Set("Location", location)
		g.answer(w, http.StatusUnauthorized)
	default:
		w.Header().Set("Location", location)
		g.answer(w, http.StatusFound)
	}
}
