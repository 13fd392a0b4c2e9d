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

// newProxy returns the handler that passes requests on to the service.
func (g *Gateway) newProxy() (http.Handler, error) {
	target := g.o.Upstream
	if target.Scheme != "http" && target.Scheme != "https" || target.Host == "" ||
		target.User != nil || target.RawQuery != "" || target.Fragment != "" {
		return nil,
			fmt.Errorf("gateway: %q cannot be the upstream: an http or https URL without user, query and fragment",
				target.Redacted())
	}
	transport := g.o.Transport
	if transport == nil {
		transport = &http.Transport{
			Proxy: nil, DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second, MaxIdleConnsPerHost: 64,
			IdleConnTimeout: 90 * time.Second, DisableCompression: true,
		}
	}
	proxy := httputil.ReverseProxy{Transport: transport,
		ErrorLog: slog.NewLogLogger(g.log.Handler(), slog.LevelDebug)}
	renewing := g.site.Optional(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok := cookie.FromContext(r.Context())
		if !ok && (!g.o.Anonymous || len(g.require) > 0) {
			g.refuse(w, r, asItself)
			return
		}
		// A chunked request still closes the connection: a proxy that trusts Content-Length sees
		// another end.
		if len(r.TransferEncoding) == 0 {
			w.Header().Del("Connection")
		}
		passed := &passed{g: g, request: r, ours: w.Header().Clone()}
		if ok {
			passed.identity = make(http.Header)
			if !g.identify(w, r, p, asItself, passed.identity) {
				return
			}
		}
		g.metrics.answered(http.StatusOK)
		// ReverseProxy would send these headers with each hint (1xx) of the service, and then drop
		// them.
		clear(w.Header())
		passed.on(proxy, w)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect { // a tunnel to any host
			g.answer(w, http.StatusMethodNotAllowed)
			return
		}
		if base := target.Path; base != "" && base != "/" && hasDots(r.URL.Path) {
			g.answer(w, http.StatusBadRequest)
			return
		}
		renewing.ServeHTTP(w, r)
	}), nil
}

// passed is a request that is passed on.
type passed struct {
	g        *Gateway
	request  *http.Request // as the site passed it on
	identity http.Header   // nil for a stranger
	ours     http.Header   // the gateway's part of the answer, until it is sent
	to       *clientWriter
	end      context.CancelCauseFunc
}

// on passes the request on, with the limits of idle.go in place of the server's.
func (p *passed) on(proxy httputil.ReverseProxy, w http.ResponseWriter) {
	g, r := p.g, p.request
	ctx, end := context.WithCancelCause(r.Context())
	defer end(nil)
	client := http.NewResponseController(w)
	client.EnableFullDuplex() // an answer may come before the end of the request
	to := &clientWriter{w, client, g.o.Limits.BodyIdle, newClientBody(r, client, g.o.Limits, end)}
	defer to.wait() // for the last flush
	p.end, p.to = end, to
	r = r.WithContext(ctx)
	if r.ContentLength != 0 {
		r.Body = to.body
		defer to.body.leave(g.o.Limits.linger())
	}
	proxy.Rewrite, proxy.ModifyResponse, proxy.ErrorHandler = p.rewrite, p.join, p.fail
	proxy.ServeHTTP(to, r)
}

// hasDots reports whether a server could read part of a path as . or .., with which the client would
// leave the path of the upstream. Some servers read \ as /, and ignore the text after a semicolon.
func hasDots(path string) bool {
	for part := range strings.FieldsFuncSeq(path,
		func(r rune) bool { return r == '/' || r == '\\' }) {
		if name, _, _ := strings.Cut(part, ";"); name == "." || name == ".." {
			return true
		}
	}
	return false
}

// rewrite makes the request to the service. ReverseProxy has already removed the headers that
// Connection names. A client cannot remove ours with it.
func (p *passed) rewrite(r *httputil.ProxyRequest) {
	g := p.g
	r.SetURL(g.o.Upstream)
	r.Out.URL.RawQuery = r.In.URL.RawQuery // unchanged, even if malformed
	if base := g.o.Upstream.Path; base == "" || base == "/" {
		r.Out.URL.Path, r.Out.URL.RawPath = r.In.URL.Path, r.In.URL.RawPath
	}
	r.Out.Host = r.In.Host
	g.headers.strip(r.Out.Header)
	stripForwarded(r.Out.Header)
	if g.o.TrustForwarded {
		r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
	}
	r.SetXForwarded()
	if g.o.TrustForwarded {
		by := r.Out.Header["X-Forwarded-For"] // with the proxy itself
		copyForwarded(r.Out.Header, r.In.Header)
		r.Out.Header["X-Forwarded-For"] = by
	}
	keepWebSocket(r.Out.Header)
	r.Out.Header.Del("Expect") // the server says 100 Continue when the body is read
	r.Out.Trailer = nil        // some servers read trailers as headers
	maps.Copy(r.Out.Header, p.identity)
}

// keepWebSocket removes upgrades to other protocols from a request. In a tunnel of HTTP/2 (h2c) a
// client could send its own identity headers.
func keepWebSocket(header http.Header) {
	header.Del("HTTP2-Settings")
	if !strings.EqualFold(header.Get("Upgrade"), "websocket") {
		header.Del("Upgrade")
		header.Del("Connection")
	}
}

// answer adds the gateway's headers to the answer.
func (p *passed) answer() {
	maps.Copy(p.to.Header(), p.ours)
	p.ours = nil
}

// join joins the service's answer and ours.
func (p *passed) join(resp *http.Response) error {
	p.answer()
	if p.g.o.Site.Bridge == nil {
		keepOneSession(p.to.Header(), resp)
	} else {
		p.bridge(resp)
	}
	p.to.body.answered()
	if resp.StatusCode != http.StatusSwitchingProtocols {
		resp.Body = newServiceBody(resp.Body, p.g.o.Limits.BodyIdle, p.end)
	}
	return nil
}

// bridge joins the cookies of both, and carries what the service did across.
func (p *passed) bridge(resp *http.Response) {
	header, ctx := p.to.Header(), p.request.Context()
	if ours := header["Set-Cookie"]; len(ours) > 0 {
		resp.Header["Set-Cookie"] = append(ours, resp.Header["Set-Cookie"]...)
		delete(header, "Set-Cookie")
	}
	if err := p.g.site.BridgeAnswer(p.request, resp.Header); err != nil && ctx.Err() == nil {
		p.g.log.LogAttrs(ctx, slog.LevelError, "gateway: the answer is not carried across",
			slog.Any("error", err))
	}
}

// keepOneSession drops our renewal if the service sets or deletes one of the same cookies. A browser
// would mix two sets of one name.
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

// fail answers for a service that fails.
func (p *passed) fail(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusBadGateway
	gone := r.Context().Err() != nil // the client, unless we ended it
	if context.Cause(r.Context()) == errServiceIdle {
		status, err, gone = http.StatusGatewayTimeout, errServiceIdle, false
	}
	p.answer()
	if p.to.body.isLate() {
		status, gone = http.StatusRequestTimeout, true
	}
	if !gone {
		p.g.log.LogAttrs(r.Context(), slog.LevelError, "gateway: upstream", slog.Any("error", err))
	}
	noStore(w)
	p.to.idle = p.g.o.Limits.linger()
	http.Error(w, http.StatusText(status), status)
}
