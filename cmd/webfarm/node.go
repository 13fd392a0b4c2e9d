package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// headerNode names the node that answered.
const headerNode = "X-Webfarm-Node"

// node is one web server of the demo. It shares only the texts of its web.config and of its key
// ring with the others.
type node struct {
	name  string
	codec *sessiontoken.SessionCodec
	core  *sessiontoken.CoreCodec
	guard cookie.Guard
	log   *log.Logger
	farm  codecs // for inspect
	files []keyFile
}

func newNode(name string, shared sharedKeys, logger *log.Logger) (*node, error) {
	ring, err := shared.openRing(context.Background())
	if err != nil {
		return nil, err
	}
	const file = "web.config"
	keys := keyFlags{ring: ring, ringFlags: ringFlags{app: demoApplication},
		configFlags: configFlags{config: []string{file},
			texts: map[string][]byte{file: []byte(shared.webConfig)}}}
	n := &node{name: name, log: logger,
		farm: codecs{core: ring, endpoint: "/", skew: 5 * time.Minute}}
	if n.farm.ring, n.farm.site, n.files, err = keys.load(); err != nil {
		return nil, err
	}
	n.codec, err = sessiontoken.NewSessionCodec(n.farm.ring,
		&sessiontoken.SessionOptions{Endpoint: "/"})
	if err != nil {
		return nil, err
	}
	n.core, err = sessiontoken.NewCoreCodec(ring, sessiontoken.Cookie(site.DefaultScheme), nil)
	if err != nil {
		return nil, err
	}
	n.guard.Accept(cookie.From(cookie.KindFedAuth, ""), n.codec)
	n.guard.Accept(cookie.From(cookie.KindCore, coreCookie), n.core)
	return n, nil
}

// handler serves the pages of the node. Sign-in and sign-out are POST requests that no other site
// can cause.
func (n *node) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", n.guard.Optional(http.HandlerFunc(n.home)))
	mux.Handle("GET /me", n.guard.Handler(http.HandlerFunc(n.me)))
	mux.HandleFunc("GET /inspect", n.inspect)
	mux.HandleFunc("POST /signin", n.signIn)
	mux.HandleFunc("POST /signout", n.signOut)
	safe := http.MaxBytesHandler(http.NewCrossOriginProtection().Handler(mux), 4<<10)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(headerNode, n.name)
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		safe.ServeHTTP(w, r)
	})
}

// coreCookie is the cookie of ASP.NET Core, as it is called by default.
const coreCookie = ".AspNetCore.Cookies"

// template is the cookie. It is not Secure, because the demo has no certificate. Over plain http
// net/http and some browsers drop Secure cookies, even on the loopback interface. A real site sets
// Secure.
func (n *node) template(name, value string) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true,
		SameSite: http.SameSiteLaxMode}
}

// signIn sets the session cookie in chunks, or with the form's field "core" that of ASP.NET Core,
// and removes what is left of an earlier session.
func (n *node) signIn(w http.ResponseWriter, r *http.Request) {
	user, ok := findUser(r.PostFormValue("user"))
	if !ok {
		http.Error(w, "there is no such user", http.StatusBadRequest)
		return
	}
	issue, expire := n.fedAuth, n.expireCore
	if r.PostFormValue("core") != "" {
		issue, expire = n.aspNetCore, n.expireFedAuth
	}
	set, err := issue(r, user.principal(n.name))
	if err != nil {
		n.fail(w, err)
		return
	}
	n.send(w, r, append(set, expire(r)...))
}

// fedAuth returns the cookies of a session of WIF.
func (n *node) fedAuth(r *http.Request, p sessiontoken.Principal) ([]*http.Cookie, error) {
	token, err := n.codec.NewToken(p)
	if err != nil {
		return nil, err
	}
	text, err := n.codec.Encode(r.Context(), token)
	if err != nil {
		return nil, err
	}
	set, err := chunks.WIF.Split(n.template("FedAuth", text), 0)
	return chunks.WIF.Replace(r, set, 0), err
}

// aspNetCore returns the cookies of a ticket of ASP.NET Core.
func (n *node) aspNetCore(r *http.Request, p sessiontoken.Principal) ([]*http.Cookie, error) {
	text, err := n.core.Encode(r.Context(), n.core.NewTicket(&p, nil))
	if err != nil {
		return nil, err
	}
	set, err := chunks.Core.Split(n.template(coreCookie, text), 0)
	return chunks.Core.Replace(r, set, 0), err
}

// signOut removes every chunk.
func (n *node) signOut(w http.ResponseWriter, r *http.Request) {
	n.send(w, r, append(n.expireFedAuth(r), n.expireCore(r)...))
}

func (n *node) expireFedAuth(r *http.Request) []*http.Cookie {
	return chunks.WIF.Expire(r, n.template("FedAuth", ""))
}

func (n *node) expireCore(r *http.Request) []*http.Cookie {
	if len(chunks.Core.Inspect(r, coreCookie).Chunks) == 0 {
		return nil
	}
	return chunks.Core.Expire(r, n.template(coreCookie, ""))
}

// send writes the cookies and sends the browser back to the page.
func (n *node) send(w http.ResponseWriter, r *http.Request, set []*http.Cookie) {
	if err := chunks.WIF.Write(w, set); err != nil {
		n.fail(w, err)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (n *node) fail(w http.ResponseWriter, err error) {
	n.log.Printf("webfarm: node %s: %v", n.name, err)
	http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
}

// meReport is the answer of /me to a signed-in user.
type meReport struct {
	Node       string   `json:"node"`
	Name       string   `json:"name"`
	SignedInBy string   `json:"signedInBy"`
	Claims     int      `json:"claims"`
	Roles      []string `json:"roles"`
}

// newMeReport describes p as seen by the named node.
func newMeReport(node string, p *sessiontoken.Principal) meReport {
	m := meReport{Node: node, Name: p.Name(), Roles: []string{}}
	if c, ok := p.First(claimTypeSignedInBy); ok {
		m.SignedInBy = c.Value
	}
	for c := range p.All("") {
		m.Claims++
		if c.Type == sessiontoken.ClaimTypeRole {
			m.Roles = append(m.Roles, c.Value)
		}
	}
	return m
}

func (n *node) me(w http.ResponseWriter, r *http.Request) {
	p, _ := cookie.FromContext(r.Context()) // the guard lets in signed-in users only
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(newMeReport(n.name, p))
}

func (n *node) home(w http.ResponseWriter, r *http.Request) {
	p, _ := cookie.FromContext(r.Context())
	set := chunks.WIF.Inspect(r, "FedAuth")
	if core := chunks.Core.Inspect(r, coreCookie); len(core.Chunks) > 0 {
		set = core
	}
	if err := writeHome(w, n.name, p, set); err != nil {
		n.fail(w, fmt.Errorf("page: %w", err))
	}
}

// inspect shows the contents of the caller's cookie.
func (n *node) inspect(w http.ResponseWriter, r *http.Request) {
	now := time.Now().UTC()
	farm := n.farm
	farm.now = func() time.Time { return now }
	list, err := farm.inspectRequest(r, n.files)
	if err == nil {
		err = writeAnatomy(w, anatomyData{Where: "webfarm demo, node " + n.name, Home: "/",
			At: now.Format("2006-01-02 15:04:05 UTC"), Credentials: list})
	}
	if err != nil {
		n.fail(w, fmt.Errorf("inspect: %w", err))
	}
}
