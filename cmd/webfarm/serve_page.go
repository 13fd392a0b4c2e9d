package main

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/gateway"
	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/site"
)

// gatewayPages are the gateway's pages for people: who they are, what their cookie holds, sign-out.
type gatewayPages struct {
	gateway *gateway.Gateway
	keys    keyFlags
	site    *site.Site
	allow   bool // /inspect for everybody
	roles   formsRoles
	signIn  bool // /signin, on the loopback interface
	log     *slog.Logger

	mu    sync.Mutex
	files []keyFile // what is known of the keys, by their ids
}

// handler serves /, /inspect, /signin and /signout below the prefix.
func (p *gatewayPages) handler() http.Handler {
	mux := http.NewServeMux()
	prefix := p.gateway.Prefix()
	mux.Handle("GET "+prefix+"/{$}", p.gateway.Site().Optional(http.HandlerFunc(p.who)))
	mux.HandleFunc("GET "+prefix+"/inspect", p.inspect)
	mux.HandleFunc("POST "+prefix+"/signout", p.signOut)
	if p.signIn {
		mux.HandleFunc("POST "+prefix+"/signin", p.signInDemo)
	}
	return http.MaxBytesHandler(http.NewCrossOriginProtection().Handler(mux), 4<<10)
}

// who says in one line who the user is, with 401 for nobody. A proxy that asks here lacks /auth in
// its configuration, and gets 404 to let nobody in.
func (p *gatewayPages) who(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	asked := r.URL.RawQuery != ""
	for _, name := range []string{"X-Forwarded-Uri", "X-Forwarded-Method", "X-Original-Url",
		"X-Original-Method", "X-Webfarm-Require-Role", "X-Webfarm-Renew"} {
		asked = asked || len(r.Header[name]) > 0
	}
	if asked {
		http.NotFound(w, r)
		return
	}
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	if user, ok := cookie.FromContext(r.Context()); ok {
		fmt.Fprintf(w, "Signed in as %s.\n", userName(user.Name()))
		return
	}
	w.WriteHeader(http.StatusUnauthorized)
	fmt.Fprintln(w, "Nobody is signed in.")
}

// inspect shows the caller's own credentials.
func (p *gatewayPages) inspect(w http.ResponseWriter, r *http.Request) {
	if !p.allow && !isLocal(r) {
		w.Header().Set("Cache-Control", "no-store")
		http.NotFound(w, r)
		return
	}
	farm, files := p.farm()
	list, err := farm.inspectRequest(r, files)
	d := anatomyData{Where: "webfarm gateway", At: farm.now().Format("2006-01-02 15:04:05 UTC"),
		Credentials: list, Prefix: p.gateway.Prefix()}
	if p.signIn && isLocal(r) {
		d.Users = demoUsers()
	}
	for _, c := range list {
		d.SignOut = d.SignOut || !c.Absent()
	}
	if err == nil {
		w.Header().Set("Vary", "Cookie, Authorization")
		err = writeAnatomy(w, d)
	}
	if err != nil {
		p.fail(w, "inspect", err)
	}
}

// maxFiles bounds the descriptions of earlier keys.
const maxFiles = 16

// farm returns the codecs of the present ring. It looks up new keys of the ring in the file.
func (p *gatewayPages) farm() (*codecs, []keyFile) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ring := p.gateway.Site().Ring()
	known := ring == nil || slices.ContainsFunc(p.files,
		func(f keyFile) bool { return f.KeyID == ring.Primary().ID() })
	if !known && len(p.files) < maxFiles {
		// The file may be ahead of the ring, or behind.
		if _, _, files, err := p.keys.load(); err == nil && files[0].KeyID == ring.Primary().ID() {
			p.files = append(files[:1:1], p.files...)
		}
	}
	now := time.Now().UTC()
	farm := newCodecs(&p.keys, ring, p.site, func() time.Time { return now })
	farm.formsRoles = p.roles
	return farm, p.files
}

// signInDemo signs in one of the demo's users without a password.
func (p *gatewayPages) signInDemo(w http.ResponseWriter, r *http.Request) {
	user, ok := findUser(r.PostFormValue("user"))
	switch {
	case !isLocal(r):
		http.NotFound(w, r)
		return
	case !ok:
		http.Error(w, "there is no such user", http.StatusBadRequest)
		return
	}
	principal := user.principal("gateway")
	err := p.gateway.Site().Sessions().SignIn(w, r, &principal, nil)
	if err != nil { // a forms ticket has room for the name only
		id := &principal.Identities[0]
		id.Claims = id.Claims[:1]
		err = p.gateway.Site().Sessions().SignIn(w, r, &principal, nil)
	}
	if err != nil {
		p.fail(w, "sign-in", err)
		return
	}
	http.Redirect(w, r, p.gateway.Prefix()+"/inspect", http.StatusSeeOther)
}

// signOut ends the session, and redirects to a page of the gateway.
func (p *gatewayPages) signOut(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if err := p.gateway.Site().SignOut(w, r); err != nil {
		p.log.LogAttrs(r.Context(), slog.LevelError, "webfarm: sign-out", slog.Any("error", err))
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	back := p.gateway.Prefix() + "/"
	if p.allow || isLocal(r) {
		back = p.gateway.Prefix() + "/inspect"
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

func (p *gatewayPages) fail(w http.ResponseWriter, what string, err error) {
	p.log.Error("webfarm: "+what, slog.Any("error", err))
	http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
}

// isLocal reports whether a request is from a browser on this machine: its connection and its host
// are the loopback interface, and it has only headers of browsers. The host keeps out sites whose
// names resolve to this machine. Browsers do not speak HTTP/1.0; an nginx with default settings
// does, and sends the host of proxy_pass.
func isLocal(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && r.ProtoAtLeast(1, 1) && peer.Addr().Unmap().IsLoopback() &&
		isLoopbackHost(r.Host) && !gateway.PassedProxy(r.Header)
}

// isLoopbackHost reports whether host, with or without a port, names this
// machine.
func isLoopbackHost(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	address, err := netip.ParseAddr(name)
	return strings.EqualFold(name, "localhost") || err == nil && address.Unmap().IsLoopback()
}
