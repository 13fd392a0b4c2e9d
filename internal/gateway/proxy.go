package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
)

// newProxy returns what passes requests on to the service.
func (g *Gateway) newProxy() (http.Handler, error) {
	target := g.o.Upstream
	if target.Scheme != "http" && target.Scheme != "https" || target.Host == "" || target.User != nil || target.RawQuery != "" || target.Fragment != "" {
		return nil, fmt.Errorf("gateway: %q cannot be the upstream: an http or https URL without user, query and fragment", target.Redacted())
	}
	transport := g.o.Transport
	if transport == nil {
		transport = &http.Transport{
			Proxy: nil, DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, ForceAttemptHTTP2: true,
			MaxIdleConnsPerHost: 64, IdleConnTimeout: 90 * time.Second, DisableCompression: true,
		}
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:        g.rewrite,
		ModifyResponse: modifyResponse,
		Transport:      transport,
		ErrorHandler:   g.badGateway,
		ErrorLog:       slog.NewLogLogger(g.log.Handler(), slog.LevelDebug),
	}
	renewing := g.site.Optional(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok := cookie.FromContext(r.Context())
		if !ok && (!g.o.Anonymous || len(g.require) > 0) {
			noStore(w)
			g.challenge(w, r)
			return
		}
		passed := &passed{response: w.Header(), ours: w.Header().Clone()}
		if ok {
			if !g.permits(p, demand{}) {
				noStore(w)
				g.answer(w, http.StatusForbidden)
				return
			}
			passed.identity = make(http.Header)
			if err := g.headers.write(passed.identity, p, g.o.Limits.IdentityBytes); err != nil {
				noStore(w)
				g.log.LogAttrs(r.Context(), slog.LevelError, err.Error())
				g.answer(w, http.StatusInternalServerError)
				return
			}
		}
		g.metrics.answered(http.StatusOK)
		// ReverseProxy sends what stands here with every hint (1xx) of the
		// service, and then forgets it.
		clear(w.Header())
		proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), passedKey{}, passed)))
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect { // a tunnel to where the client likes
			noStore(w)
			g.answer(w, http.StatusMethodNotAllowed)
			return
		}
		if base := target.Path; base != "" && base != "/" && hasDots(r.URL.Path) {
			noStore(w)
			g.answer(w, http.StatusBadRequest)
			return
		}
		renewing.ServeHTTP(w, r)
	}), nil
}

// hasDots reports whether a server could take part of a path for the directory
// above, or for the same: the client would leave the path of the upstream. Some
// servers take \ for / and cut off what follows a semicolon.
func hasDots(path string) bool {
	for part := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '\\' }) {
		if name, _, _ := strings.Cut(part, ";"); name == "." || name == ".." {
			return true
		}
	}
	return false
}

// challenge answers somebody who is not signed in and asks us directly.
func (g *Gateway) challenge(w http.ResponseWriter, r *http.Request) {
	a := asked{method: r.Method, scheme: "http", host: r.Host, uri: r.RequestURI, navigates: navigates(r)}
	if isTLS(r) {
		a.scheme = "https"
	}
	location, ok := g.signIn.location(a)
	if !ok {
		g.answer(w, http.StatusUnauthorized)
		return
	}
	w.Header().Set("Location", location)
	g.answer(w, http.StatusFound)
}

// rewrite makes the request to the service. Headers for this connection only
// are gone by now, and so are those that Connection names: a client cannot
// have ours taken out.
func (g *Gateway) rewrite(r *httputil.ProxyRequest) {
	r.SetURL(g.o.Upstream)
	r.Out.URL.RawQuery = r.In.URL.RawQuery // not ours to repair
	if base := g.o.Upstream.Path; base == "" || base == "/" {
		r.Out.URL.Path, r.Out.URL.RawPath = r.In.URL.Path, r.In.URL.RawPath
	}
	r.Out.Host = r.In.Host
	if g.o.TrustForwarded {
		r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
	}
	r.SetXForwarded()
	if g.o.TrustForwarded {
		for _, name := range []string{headerForwardedHost, "X-Forwarded-Proto"} {
			if v := r.In.Header[name]; len(v) > 0 {
				r.Out.Header[name] = v
			}
		}
	}
	g.headers.strip(r.Out.Header)
	stripVariants(r.Out.Header)
	keepWebSocket(r.Out.Header)
	r.Out.Trailer = nil // some servers take trailers for headers
	passed, _ := r.In.Context().Value(passedKey{}).(*passed)
	maps.Copy(r.Out.Header, passed.identity)
}

// stripVariants removes what a service that reads headers from variables takes
// for those that say where a request comes from, such as X_Forwarded_For.
func stripVariants(header http.Header) {
	for name := range header {
		switch folded := fold(name); folded {
		case "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto":
			if http.CanonicalHeaderKey(folded) != name {
				delete(header, name)
			}
		}
	}
}

// keepWebSocket takes the wish for any other protocol out of a request. In a
// tunnel of HTTP/2 (h2c), a client could write identity headers of his own.
func keepWebSocket(header http.Header) {
	header.Del("HTTP2-Settings")
	if !strings.EqualFold(header.Get("Upgrade"), "websocket") {
		header.Del("Upgrade")
		header.Del("Connection")
	}
}

// passed is what the proxy must know of a request that is passed on.
type passed struct {
	identity http.Header // nil for a stranger
	response http.Header // of the answer to the client
	ours     http.Header // what goes there, until it is there
}

// answer puts what the gateway says into the header of the answer.
func (p *passed) answer() {
	maps.Copy(p.response, p.ours)
	p.ours = nil
}

// passedKey is its key in the context of the request.
type passedKey struct{}

// modifyResponse puts the header of the service's answer together with ours.
func modifyResponse(resp *http.Response) error {
	if passed, ok := resp.Request.Context().Value(passedKey{}).(*passed); ok {
		passed.answer()
		keepOneSession(passed.response, resp)
	}
	return nil
}

// keepOneSession leaves the session to the service if it sets or deletes one of
// the cookies that were renewed here: of two sets for one name, a browser would
// keep a mixture.
func keepOneSession(ours http.Header, resp *http.Response) {
	for _, line := range resp.Header["Set-Cookie"] {
		for _, own := range ours["Set-Cookie"] {
			if strings.EqualFold(baseName(line), baseName(own)) {
				delete(ours, "Set-Cookie")
				return
			}
		}
	}
}

// baseName returns the name in a Set-Cookie line without the number of a chunk.
func baseName(line string) string {
	name, _, _ := strings.Cut(line, "=")
	name = strings.TrimSpace(name)
	if base := strings.TrimRight(name, "0123456789"); base != name {
		return strings.TrimSuffix(base, "C") // Katana's chunks
	}
	return name
}

// badGateway answers for a service that does not.
func (g *Gateway) badGateway(w http.ResponseWriter, r *http.Request, err error) {
	if passed, ok := r.Context().Value(passedKey{}).(*passed); ok {
		passed.answer()
	}
	noStore(w)
	if r.Context().Err() != nil {
		return // the client has gone
	}
	g.log.LogAttrs(r.Context(), slog.LevelError, "gateway: upstream", slog.Any("error", err))
	http.Error(w, http.StatusText(http.StatusBadGateway), http.StatusBadGateway)
}
