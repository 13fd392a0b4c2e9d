package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// headerNode names the node that answered.
const headerNode = "X-Webfarm-Node"

// node is one web server of the demo. It shares only the text of its web.config with the others.
type node struct {
	name  string
	codec *sessiontoken.SessionCodec
	guard cookie.Guard
	log   *log.Logger
	ring  *machinekey.Ring
	site  *site.Site
	files []keyFile
}

func newNode(name, webConfig string, logger *log.Logger) (*node, error) {
	s, err := site.Parse("web.config", strings.NewReader(webConfig), nil)
	if err != nil {
		return nil, err
	}
	cfg, err := doctor.Config(&s.Key)
	if err != nil {
		return nil, err
	}
	key, err := machinekey.New(cfg)
	if err != nil {
		return nil, err
	}
	ring, err := machinekey.NewRing(key)
	if err != nil {
		return nil, err
	}
	codec, err := sessiontoken.NewSessionCodec(ring, &sessiontoken.SessionOptions{Endpoint: "/"})
	if err != nil {
		return nil, err
	}
	n := &node{name: name, codec: codec, log: logger, ring: ring, site: s,
		files: []keyFile{describe("web.config", s, cfg, key)}}
	n.guard.Accept(cookie.From(cookie.KindFedAuth, ""), n.codec)
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

// template is the cookie. It is not Secure, because the demo has no certificate. Over plain http
// net/http and some browsers drop Secure cookies, even on the loopback interface. A real site sets
// Secure.
func (n *node) template(value string) *http.Cookie {
	return &http.Cookie{Name: "FedAuth", Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// signIn sets the session cookie in chunks, and removes surplus chunks of an earlier session.
func (n *node) signIn(w http.ResponseWriter, r *http.Request) {
	user, ok := findUser(r.PostFormValue("user"))
	if !ok {
		http.Error(w, "there is no such user", http.StatusBadRequest)
		return
	}
	token, err := n.codec.NewToken(user.principal(n.name))
	if err != nil {
		n.fail(w, err)
		return
	}
	text, err := n.codec.Encode(r.Context(), token)
	if err != nil {
		n.fail(w, err)
		return
	}
	set, err := chunks.WIF.Split(n.template(text))
	if err != nil {
		n.fail(w, err)
		return
	}
	n.send(w, r, chunks.WIF.Replace(r, set))
}

// signOut removes every chunk.
func (n *node) signOut(w http.ResponseWriter, r *http.Request) {
	n.send(w, r, chunks.WIF.Expire(r, n.template("")))
}

// send writes the cookies and sends the browser back to the page.
func (n *node) send(w http.ResponseWriter, r *http.Request, set []*http.Cookie) {
	if err := chunks.Write(w, set); err != nil {
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
	if err := writeHome(w, n.name, p, chunks.WIF.Inspect(r, "FedAuth")); err != nil {
		n.fail(w, fmt.Errorf("page: %w", err))
	}
}

// inspect shows the contents of the caller's cookie.
func (n *node) inspect(w http.ResponseWriter, r *http.Request) {
	now := time.Now().UTC()
	farm := &codecs{ring: n.ring, site: n.site, endpoint: "/", skew: 5 * time.Minute,
		now: func() time.Time { return now }}
	list, err := farm.inspectRequest(r, n.files)
	if err == nil {
		err = writeAnatomy(w, anatomyData{Where: "webfarm demo, node " + n.name, Home: "/",
			At: now.Format("2006-01-02 15:04:05 UTC"), Credentials: list})
	}
	if err != nil {
		n.fail(w, fmt.Errorf("inspect: %w", err))
	}
}
