package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
	"github.com/webfarm-go/webfarm/sessiontoken/redisstore"
)

// The kinds of sessions, in the order in which a node looks for them. Only the
// Go nodes have the last: their cookie names a session that is in Redis.
const (
	fedAuth   = "fedauth"
	forms     = "forms"
	katana    = "owin"
	reference = "reference"
)

var kinds = []string{fedAuth, forms, katana, reference}

// referenceCookie is the cookie of a session in Redis.
const referenceCookie = "FedReference"

// answer is what a node says about the caller, in Go as in C#.
type answer struct {
	Kind       string    `json:"kind"`
	Name       string    `json:"name"`
	Roles      []string  `json:"roles"`
	Claims     []claim   `json:"claims"`
	Issued     time.Time `json:"issued"`
	Expires    time.Time `json:"expires"`
	Persistent bool      `json:"persistent"`
	Renewed    bool      `json:"renewed"`
	Node       string    `json:"node"`
}

type claim struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// filler returns claim number i of a user, as every node makes it.
func filler(user string, i int) claim {
	return claim{fmt.Sprint("http://webfarm.example/claims/", i),
		fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%s/%d", user, i)))}
}

// node is a node in Go. It answers as testvectors/dotnet/README.md says the one
// in C# does, and at /key the id of the key that it writes with.
type node struct {
	name     string
	offset   atomic.Int64 // of its clock
	site     *cookie.Site
	sessions map[string]*cookie.Sessions
}

func (n *node) now() time.Time { return time.Now().Add(time.Duration(n.offset.Load())) }

// serveNode runs a node until it is killed.
func serveNode(args []string) error {
	flags := flag.NewFlagSet("node", flag.ContinueOnError)
	name := flags.String("name", "go", "what the node calls itself")
	config := flags.String("config", "", "the site's web.config")
	next := flags.String("next", "", "a web.config to come")
	port := flags.Int("port", 0, "where to listen")
	redisAddr := flags.String("redis", "", "host:port of the store; none if empty")
	if err := flags.Parse(args); err != nil {
		return err
	}
	n := &node{name: *name}
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	options := cookie.SiteOptions{
		Credentials: []cookie.Credential{{Kind: cookie.KindKatana, AuthenticationType: "ApplicationCookie"}},
		Sessions: cookie.SessionsOptions{
			IsTLS:   func(r *http.Request) bool { return r.Header.Get("X-Forwarded-Proto") == "https" },
			Sliding: cookie.On,
			Logger:  logger,
		},
		Roles: func(userData string) []string { return strings.Split(userData, ",") },
		Now:   n.now,
	}
	if *next != "" {
		options.Next = []string{*next}
	}
	var err error
	if n.site, err = cookie.LoadSite(*config, &options); err != nil {
		return err
	}
	n.sessions = map[string]*cookie.Sessions{}
	for kind, name := range map[string]string{fedAuth: "FedAuth", forms: ".ASPXAUTH",
		katana: ".AspNet.ApplicationCookie"} {
		s, ok := n.site.SessionsOf(name)
		if !ok {
			return fmt.Errorf("no sessions of %s:\n%v", name, n.site)
		}
		n.sessions[kind] = s
	}
	if *redisAddr != "" {
		if n.sessions[reference], err = n.inRedis(*redisAddr, logger); err != nil {
			return err
		}
	}
	go n.site.Watch(context.Background(), &machinekey.WatchOptions{Interval: 20 * time.Millisecond,
		KeepFor: time.Hour})

	mux := http.NewServeMux()
	mux.HandleFunc("/healthz",
		func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/key",
		func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, n.site.Ring().Primary().ID()) })
	mux.HandleFunc("/clock", n.clock)
	mux.HandleFunc("/signin", n.signIn)
	mux.HandleFunc("/whoami", n.whoAmI)
	mux.HandleFunc("/signout", n.signOut)
	return http.ListenAndServe(net.JoinHostPort("127.0.0.1", strconv.Itoa(*port)),
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Node", n.name)
			mux.ServeHTTP(w, r)
		}))
}

// inRedis returns the sessions that are kept in Redis, under the keys of the
// site.
func (n *node) inRedis(addr string, logger *slog.Logger) (*cookie.Sessions, error) {
	client := redis.NewClient(&redis.Options{Addr: addr, ContextTimeoutEnabled: true, MaxRetries: 1,
		DialerRetries: 1})
	store, err := redisstore.New(client, nil)
	if err != nil {
		return nil, err
	}
	codec, err := sessiontoken.NewSessionCodec(n.site.Ring(),
		&sessiontoken.SessionOptions{Endpoint: "/", Store: store, Now: n.now})
	if err != nil {
		return nil, err
	}
	return cookie.NewSessions(codec, &cookie.SessionsOptions{
		Cookie: &http.Cookie{Name: referenceCookie, Path: "/", Secure: true, HttpOnly: true,
			SameSite: http.SameSiteLaxMode},
		Logger: logger,
	})
}

func (n *node) clock(w http.ResponseWriter, r *http.Request) {
	seconds, err := strconv.Atoi(r.FormValue("offset"))
	if err != nil {
		seconds = 0
	}
	n.offset.Store(int64(time.Duration(seconds) * time.Second))
	fmt.Fprintln(w, n.now().UTC().Format(time.RFC3339Nano))
}

func (n *node) signIn(w http.ResponseWriter, r *http.Request) {
	kind, name := r.FormValue("kind"), r.FormValue("name")
	s, ok := n.sessions[kind]
	if !ok {
		http.Error(w, "no such kind here", http.StatusBadRequest)
		return
	}
	identity := sessiontoken.Identity{AuthenticationType: "Federation"}
	if kind == katana {
		identity.AuthenticationType = "ApplicationCookie"
	}
	add := func(c claim) {
		identity.Claims = append(identity.Claims, sessiontoken.Claim{Type: c.Type, Value: c.Value})
	}
	add(claim{sessiontoken.ClaimTypeName, name})
	o := cookie.SignInOptions{Persistent: r.FormValue("persistent") == "1",
		Reference: kind == reference}
	if kind == forms {
		o.UserData = r.FormValue("roles")
	} else {
		for _, role := range strings.FieldsFunc(r.FormValue("roles"),
			func(r rune) bool { return r == ',' }) {
			add(claim{sessiontoken.ClaimTypeRole, role})
		}
		claims, _ := strconv.Atoi(r.FormValue("claims"))
		for i := 1; i <= claims; i++ {
			add(filler(name, i))
		}
	}
	if seconds, err := strconv.Atoi(r.FormValue("lifetime")); err == nil {
		o.Lifetime = time.Duration(seconds) * time.Second
	}
	if err := s.SignIn(w, r, &sessiontoken.Principal{Identities: []sessiontoken.Identity{identity}},
		&o); err != nil {
		n.failed(w, err)
		return
	}
	n.reply(w, http.StatusOK, answer{Kind: kind, Name: name})
}

func (n *node) whoAmI(w http.ResponseWriter, r *http.Request) {
	only := r.FormValue("kind")
	for _, kind := range kinds {
		s, ok := n.sessions[kind]
		if !ok || only != "" && only != kind {
			continue
		}
		in, err := s.Session(r)
		if errors.Is(err, cookie.ErrUnavailable) {
			n.failed(w, err)
			return
		}
		if err != nil {
			continue
		}
		var guard cookie.Guard
		guard.AcceptSessions(s)
		guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			a := describe(kind, in)
			a.Renewed = len(w.Header().Values("Set-Cookie")) > 0
			n.reply(w, http.StatusOK, a)
		})).ServeHTTP(w, r)
		return
	}
	n.reply(w, http.StatusUnauthorized, answer{})
}

// describe tells what a node in C# would of the same session.
func describe(kind string, s cookie.Session) answer {
	a := answer{Kind: kind, Name: s.Principal().Name(), Expires: s.Expires()}
	for c := range s.Principal().All(sessiontoken.ClaimTypeRole) {
		a.Roles = append(a.Roles, c.Value)
	}
	switch t := s.Ticket().(type) {
	case *sessiontoken.FormsTicket:
		a.Issued, a.Expires, a.Persistent = t.IssueDate, t.Expiration, t.Persistent
		return a
	case *sessiontoken.KatanaTicket:
		a.Issued, _ = t.Properties.Time(sessiontoken.PropertyIssued)
		a.Expires, _ = t.Properties.Time(sessiontoken.PropertyExpires)
		_, a.Persistent = t.Properties.Get(sessiontoken.PropertyPersistent)
	case *sessiontoken.Token:
		a.Issued, a.Expires, a.Persistent = t.ValidFrom, t.ValidTo, t.Persistent
	}
	for _, identity := range s.Principal().Identities {
		for _, c := range identity.Claims {
			a.Claims = append(a.Claims, claim{c.Type, c.Value})
		}
	}
	return a
}

func (n *node) signOut(w http.ResponseWriter, r *http.Request) {
	if s, ok := n.sessions[reference]; ok {
		if err := s.SignOut(w, r); err != nil {
			n.failed(w, err)
			return
		}
	}
	if err := n.site.SignOut(w, r); err != nil {
		n.failed(w, err)
		return
	}
	n.reply(w, http.StatusOK, answer{})
}

// failed answers 503 if it could not be decided, and 500 otherwise.
func (n *node) failed(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	if errors.Is(err, cookie.ErrUnavailable) {
		status = http.StatusServiceUnavailable
	}
	http.Error(w, err.Error(), status)
}

func (n *node) reply(w http.ResponseWriter, status int, a answer) {
	a.Node = n.name
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(a)
}
