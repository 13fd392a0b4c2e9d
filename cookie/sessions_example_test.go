package cookie_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// newExampleRing is a ring with a fresh key. A farm's own comes from the
// web.config; see machinekey.LoadWebConfig, or LoadSite for all at once.
func newExampleRing() *machinekey.Ring {
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		log.Fatal(err)
	}
	key, err := machinekey.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	ring, err := machinekey.NewRing(key)
	if err != nil {
		log.Fatal(err)
	}
	return ring
}

// asks is a browser that keeps what the site sets.
func asks(site http.Handler, b *browser, path string) {
	r := b.request()
	r.URL.Path = path
	w := httptest.NewRecorder()
	site.ServeHTTP(w, r)
	b.take(w.Result().Header)
	fmt.Printf("%s: %d %s\n", path, w.Code, w.Body)
}

// A site with a page to sign in, one for those who did, and one to sign out.
func ExampleSessions() {
	codec, err := sessiontoken.NewSessionCodec(newExampleRing(), &sessiontoken.SessionOptions{Endpoint: "/"})
	if err != nil {
		log.Fatal(err)
	}
	sessions, err := cookie.NewSessions(codec, &cookie.SessionsOptions{
		Sliding:     cookie.On,
		MaxLifetime: 24 * time.Hour,
		Store:       sessiontoken.NewMemoryStore(nil), // sign-out holds for copies too
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		// Check the password first.
		bob := sessiontoken.NewPrincipal("bob", "editor")
		if err := sessions.SignIn(w, r, bob, nil); err != nil {
			http.Error(w, "cannot sign in", http.StatusInternalServerError)
			return
		}
		fmt.Fprint(w, "welcome")
	})
	mux.Handle("/", guardOf(sessions).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := cookie.FromContext(r.Context())
		fmt.Fprintf(w, "hello %s, editor: %v", p.Name(), p.HasRole("editor"))
	})))
	mux.HandleFunc("/logout", func(w http.ResponseWriter, r *http.Request) {
		if err := sessions.SignOut(w, r); err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, "bye")
	})

	b := new(browser)
	asks(mux, b, "/login")
	asks(mux, b, "/")
	copied := b.clone()
	asks(mux, b, "/logout")
	_, err = guardOf(sessions).Check(copied.request())
	fmt.Println("a copy of the cookie:", err)
	// Output:
	// /login: 200 welcome
	// /: 200 hello bob, editor: true
	// /logout: 200 bye
	// a copy of the cookie: cookie: the session was ended
}

// The session cookie of Cora SeQuence, of which a new sign-in ends the older
// ones.
func ExampleSQSession() {
	keys, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		log.Fatal(err)
	}
	site, err := cookie.NewSite(keys, &cookie.SiteOptions{
		Credentials: []cookie.Credential{{
			Kind:    cookie.KindSQSession,
			Name:    "SQSessionFlowtime",
			Secure:  cookie.On,
			NoReuse: true, // reuseSession="false"
		}},
		Sessions: cookie.SessionsOptions{Store: sessiontoken.NewMemoryStore(nil)}, // of all nodes
	})
	if err != nil {
		log.Fatal(err)
	}
	q, _ := site.SessionsOf("SQSessionFlowtime")
	bob := sessiontoken.NewPrincipal("bob")
	signIn := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := q.SignIn(w, r, bob, nil); err != nil {
			log.Fatal(err)
		}
	})
	office, home := new(browser), new(browser)
	office.do(signIn)
	home.do(signIn)
	_, err = guardOf(q).Check(office.request())
	fmt.Println("office:", err)
	p, err := guardOf(q).Check(home.request())
	fmt.Println("home:", p.Name(), err)
	// Output:
	// office: cookie: the session was ended
	// home: bob <nil>
}
