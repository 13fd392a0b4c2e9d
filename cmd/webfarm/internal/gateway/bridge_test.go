package gateway

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// bridged are the options of a gateway between FedAuth and ASP.NET Core.
func bridged(t testing.TB, now func() time.Time) Options {
	t.Helper()
	ring, err := dataprotection.Open(t.Context(),
		dataprotection.Document([]byte(testkit.CoreKey(1, now(), seed.Of(t).Bytes(64)))),
		&dataprotection.RingOptions{Interval: -1, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{File: File{Path: filepath.Join(t.TempDir(), "web.config")}}
	writeConfig(t, o.File.Path)
	o.Site.DataProtection, o.Site.Now, o.Site.Bridge = ring, now, &cookie.BridgeOptions{}
	o.Site.Credentials = []cookie.Credential{{Kind: cookie.KindCore}}
	return o
}

// issue is the Cookie header of somebody who is signed in on one half alone.
func issue(t testing.TB, g *Gateway, name string, p *sessiontoken.Principal) string {
	t.Helper()
	s, ok := g.Site().SessionsOf(name)
	if !ok {
		t.Fatal(name)
	}
	w := httptest.NewRecorder()
	if err := s.SignIn(w, httptest.NewRequest("POST", "/", nil), p, nil); err != nil {
		t.Fatal(err)
	}
	return cookieHeader(w.Result().Cookies())
}

// names are the names in a Cookie header, sorted.
func names(header string) string {
	var list []string
	for pair := range strings.SplitSeq(header, "; ") {
		name, _, _ := strings.Cut(pair, "=")
		list = append(list, name)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

const bothCookies = ".AspNetCore.Cookies .webfarm.bridge FedAuth"

// TestBridgeProxy has the service sign in, renew and sign out on either half, and
// wants both halves changed in each answer.
func TestBridgeProxy(t *testing.T) {
	clock := newClock()
	o := bridged(t, clock.Now)
	o.Anonymous = true
	o.Site.Sessions.Store = sessiontoken.NewMemoryStore(&sessiontoken.MemoryOptions{Now: clock.Now})
	g, server, service := newProxying(t, o)
	client := &http.Client{Jar: new(jar)}
	get := func(answer http.HandlerFunc) (served *http.Request, set []string) {
		t.Helper()
		service.answer = answer
		resp, err := client.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		served, _ = service.last()
		seen := map[string]bool{}
		for _, c := range resp.Cookies() {
			if seen[c.Name] {
				t.Errorf("%s is set twice", c.Name)
			}
			seen[c.Name] = true
			set = append(set, c.Name)
		}
		slices.Sort(set)
		return served, set
	}
	for _, half := range []string{"FedAuth", ".AspNetCore.Cookies"} {
		sessions, _ := g.Site().SessionsOf(half)
		as := func(name string) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if err := sessions.SignIn(w, r, user(name), nil); err != nil {
					t.Error(err)
				}
			}
		}
		for _, name := range []string{"alice", "bob"} { // in the place of alice
			if _, set := get(as(name)); strings.Join(set, " ") != bothCookies {
				t.Errorf("sign-in on %s sets %q", half, set)
			}
			r, set := get(nil)
			if r.Header.Get("X-Webfarm-User") != name ||
				names(r.Header.Get("Cookie")) != bothCookies || len(set) > 0 {
				t.Errorf("%s: %q with %q, %q set", half, r.Header.Get("X-Webfarm-User"),
					names(r.Header.Get("Cookie")), set)
			}
			for _, of := range []string{"FedAuth", ".AspNetCore.Cookies"} {
				s, _ := g.Site().SessionsOf(of)
				if x, err := s.Session(r.WithContext(t.Context())); err != nil ||
					x.Principal().Name() != name {
					t.Errorf("%s: %s is of %q, %v", half, of, x.Principal().Name(), err)
				}
			}
		}
		clock.Move(map[string]time.Duration{"FedAuth": 6 * time.Hour,
			".AspNetCore.Cookies": 8 * 24 * time.Hour}[half])
		r, set := get(nil) // due
		if strings.Join(set, " ") != bothCookies || names(r.Header.Get("Cookie")) != bothCookies {
			t.Errorf("%s: a renewal sets %q", half, set)
		}
		stolen := r.Header.Get("Cookie")
		_, set = get(func(w http.ResponseWriter, r *http.Request) {
			// As .NET does: without a word to the store.
			http.SetCookie(w, &http.Cookie{Name: half, Path: "/", MaxAge: -1})
		})
		if strings.Join(set, " ") != bothCookies || len(client.Jar.Cookies(nil)) != 0 {
			t.Errorf("sign-out on %s sets %q, %d are left", half, set, len(client.Jar.Cookies(nil)))
		}
		fetch(t, "GET", server.URL, "Cookie", stolen)
		if r, _ := service.last(); r.Header.Get("Cookie") != "" ||
			r.Header.Get("X-Webfarm-User") != "" {
			t.Errorf("%s: a thief is %q, with %q", half, r.Header.Get("X-Webfarm-User"),
				names(r.Header.Get("Cookie")))
		}
	}
}

// jar keeps the cookies of one site, whatever their attributes.
type jar struct{ list []*http.Cookie }

func (j *jar) Cookies(*url.URL) []*http.Cookie { return j.list }

func (j *jar) SetCookies(_ *url.URL, set []*http.Cookie) {
	for _, c := range set {
		j.list = slices.DeleteFunc(j.list, func(k *http.Cookie) bool { return k.Name == c.Name })
		if c.MaxAge >= 0 && c.Expires.Unix() != 0 {
			j.list = append(j.list, c)
		}
	}
}

// TestBridgeAuth wants the cookies for the service in the header Cookie of the
// answer to each kind of proxy, and those for the browser beside it.
func TestBridgeAuth(t *testing.T) {
	clock := newClock()
	g := newGateway(t, bridged(t, clock.Now))
	for _, half := range []string{"FedAuth", ".AspNetCore.Cookies"} {
		header := issue(t, g, half, user("alice"))
		for _, path := range []string{"/auth", "/auth/traefik", "/auth/envoy/orders"} {
			resp := ask(g.Handler(), "GET", path, "Cookie", header)
			if resp.StatusCode != 200 || names(resp.Header.Get("Cookie")) != bothCookies ||
				len(resp.Header["Set-Cookie"]) != 2 {
				t.Errorf("%s: %s, cookies %q, %d set", path, resp.Status,
					names(resp.Header.Get("Cookie")), len(resp.Header["Set-Cookie"]))
			}
			if numbered := resp.Header.Get(headerSetCookie +
				"2"); (numbered != "") != (path == "/auth") {
				t.Errorf("%s: numbered %q", path, numbered)
			}
			// The original is deleted: its copy goes.
			all := strings.Split(resp.Header.Get("Cookie"), "; ")
			rest := strings.Join(slices.DeleteFunc(all,
				func(pair string) bool { return strings.HasPrefix(pair, half+"=") }), "; ")
			resp = ask(g.Handler(), "GET", path, "Cookie", rest)
			if resp.StatusCode != 401 || len(resp.Header["Set-Cookie"]) != 2 ||
				resp.Header.Get("Cookie") != "" {
				t.Errorf("%s after sign-out: %s, %q", path, resp.Status, resp.Header["Set-Cookie"])
			}
			if numbered := resp.Header.Get(headerSetCookie +
				"2"); (numbered != "") != (path == "/auth") {
				t.Errorf("%s after sign-out: numbered %q", path, numbered)
			}
		}
		if resp := ask(g.Handler(), "GET", "/auth?renew=no", "Cookie",
			header); names(resp.Header.Get("Cookie")) != half ||
			len(resp.Header["Set-Cookie"]) > 0 {
			t.Errorf("renew=no: %q", resp.Header)
		}
	}
	plain := newGateway(t, Options{})
	if resp := ask(plain.Handler(), "GET", "/auth", "Cookie",
		signedIn(t, plain, user("alice"))); resp.Header["Cookie"] != nil {
		t.Error("cookies for the service without the bridge")
	}
	proxying, _, _ := newProxying(t, bridged(t, clock.Now))
	header := issue(t, proxying, "FedAuth", user("alice"))
	if resp := ask(proxying.Handler(), "GET", Prefix+"/auth", "Cookie",
		header); resp.StatusCode != 200 || resp.Header["Cookie"] != nil {
		t.Error("a browser can read its own cookies")
	}
}

// The lines of the documentation for the bridge, with the real nginx.
func TestNginxBridge(t *testing.T) {
	n := startNginx(t, bridged(t, newClock().Now))
	for _, half := range []string{"FedAuth", ".AspNetCore.Cookies"} {
		resp := fetch(t, "GET", n.url+"/", "Cookie",
			issue(t, n.gateway, half, user("alice", manyRoles(40)...)))
		r, _ := n.service.last()
		if r == nil || resp.StatusCode != 200 || len(resp.Cookies()) < 2 {
			t.Fatalf("%s: %s, %d cookies", half, resp.Status, len(resp.Cookies()))
		}
		for _, of := range []string{"FedAuth", ".AspNetCore.Cookies"} {
			s, _ := n.gateway.Site().SessionsOf(of)
			if x, err := s.Session(r.WithContext(t.Context())); err != nil ||
				x.Principal().Name() != "alice" {
				t.Errorf("%s: the service reads %s as %q, %v", half, of, x.Principal().Name(), err)
			}
		}
		// The original is deleted: the redirect to the sign-in deletes its copy.
		var rest []string
		for _, c := range r.Cookies() {
			if !strings.HasPrefix(c.Name, half) {
				rest = append(rest, c.Name+"="+c.Value)
			}
		}
		resp = fetch(t, "GET", n.url+"/", "Cookie", strings.Join(rest, "; "), "Sec-Fetch-Mode",
			"navigate", "Accept", "text/html")
		if resp.StatusCode != http.StatusFound || len(resp.Cookies()) < 2 ||
			slices.ContainsFunc(resp.Cookies(),
				func(c *http.Cookie) bool { return c.Value != "" }) {
			t.Errorf("%s: %s, %q", half, resp.Status, resp.Header["Set-Cookie"])
		}
	}
}
