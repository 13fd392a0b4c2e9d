package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// The answers for everybody, from each of the addresses.
func TestAuth(t *testing.T) {
	g := newGateway(t, Options{})
	h := g.Handler()
	alice := signedIn(t, g, user("Alice", "Sales", "Staff"))
	for _, path := range []string{"/auth", "/auth/traefik", "/auth/envoy/orders?id=1",
		"/auth/envoy//evil/../x", "/auth/envoy/"} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE",
			"OPTIONS", "PROPFIND"} {
			if r := ask(h, method, path); r.StatusCode != http.StatusUnauthorized ||
				r.Header.Get(DefaultUserHeader) != "" {
				t.Errorf("%s %s without a cookie: %s", method, path, r.Status)
			}
			r := ask(h, method, path, "Cookie", alice)
			if r.StatusCode != http.StatusOK {
				t.Errorf("%s %s with a cookie: %s", method, path, r.Status)
			}
			if u, roles := r.Header.Get(DefaultUserHeader), r.Header.Get(DefaultRolesHeader); u != "Alice" || roles != "Sales,Staff" {
				t.Errorf("%s %s: user %q, roles %q", method, path, u, roles)
			}
			if r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("Vary") != "Cookie" {
				t.Errorf("%s %s may be cached: %v", method, path, r.Header)
			}
		}
		if r := ask(h, "GET", path, "Cookie",
			alice[:len(alice)-5]+"AAAA="); r.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s with a forged cookie: %s", path, r.Status)
		}
	}
}

// Paths that look like ours and are not.
func TestPathsAreNotConfused(t *testing.T) {
	g := newGateway(t, Options{})
	h := g.Handler()
	alice := signedIn(t, g, user("Alice"))
	for _, path := range []string{
		"/", "/AUTH", "/auth/", "//auth", "/auth//traefik", "/auth/nginx", "/%61uth",
		"/auth%2Ftraefik", "/auth/../auth", "/./auth",
		"/auth;x", "/auth/envoy", "/auth/envoyx", "/auth%2Fenvoy/x", "/inspect", "/metrics",
		"/healthz", "/readyz",
	} {
		r := ask(h, "GET", path, "Cookie", alice)
		if r.StatusCode != http.StatusNotFound || r.Header.Get("Location") != "" ||
			r.Header.Get(DefaultUserHeader) != "" {
			t.Errorf("%s: %s, location %q", path, r.Status, r.Header.Get("Location"))
		}
	}
}

func TestRequiredRoles(t *testing.T) {
	g := newGateway(t, Options{RequireRoles: []string{"Staff,Boss"}})
	h := g.Handler()
	alice := signedIn(t, g, user("Alice", "Staff", "A,B", "50%", "sales"))
	const header = headerRequireRole
	tests := []struct {
		path    string
		headers []string
		want    int
	}{
		{"/auth", nil, 200},
		{"/auth?role=Staff", nil, 200},
		{"/auth?role=staff", nil, 403}, // .NET compares exactly
		{"/auth?role=Admin", nil, 403},
		{"/auth?role=Admin,sales", nil, 200},
		{"/auth?role=sales&role=Staff", nil, 200},
		{"/auth?role=sales&role=Admin", nil, 403},
		{"/auth?role=A,B", nil, 403},
		{"/auth?role=A%252CB", nil, 200},
		{"/auth?role=50%2525", nil, 200},
		{"/auth?role=50%25", nil, 403},
		{"/auth?role=", nil, 403},
		{"/auth?role=sales,", nil, 403},
		{"/auth?roles=Admin", nil, 403},
		{"/auth?role=sales;x=1", nil, 403},
		{"/auth?role=%zz", nil, 403},
		{"/auth?" + strings.Repeat("role=sales&", maxRequirements) + "role=sales", nil, 403},
		{"/auth/traefik?role=Admin", nil, 403},
		{"/auth/traefik?role=sales", nil, 200},
		{"/auth/envoy/x?role=Admin", nil, 200}, // the service's own query
		{"/auth/envoy/x?%zz", nil, 200},
		{"/auth/envoy/x", []string{header, "Admin"}, 403},
		{"/auth/envoy/x?role=Staff", []string{header, "Admin"}, 403},
		{"/auth", []string{header, "sales"}, 200},
		{"/auth", []string{header, "Admin", header, "sales"}, 403},
		{"/auth?role=Admin", []string{header, "sales"}, 403},
		{"/auth", []string{header, ""}, 403},
	}
	for _, tt := range tests {
		r := ask(h, "GET", tt.path, append(tt.headers, "Cookie", alice)...)
		if r.StatusCode != tt.want {
			t.Errorf("%s %q: %s, want %d", tt.path, tt.headers, r.Status, tt.want)
		}
		if (r.Header.Get(DefaultUserHeader) != "") != (tt.want == 200) {
			t.Errorf("%s: identity on %s", tt.path, r.Status)
		}
	}
	if r := ask(h, "GET", "/auth", "Cookie", signedIn(t, g,
		user("Bob", "sales"))); r.StatusCode != http.StatusForbidden {
		t.Errorf("without the role of the gateway: %s", r.Status)
	}
	if r := ask(h, "GET", "/auth?role=Admin"); r.StatusCode != http.StatusUnauthorized {
		t.Errorf("not signed in: %s", r.Status)
	}
}

// A renewal is in Set-Cookie and, for nginx, in numbered headers.
func TestRenewal(t *testing.T) {
	c := newClock()
	o := Options{}
	o.Site.Now = c.Now
	g := newGateway(t, o)
	h := g.Handler()
	for name, p := range map[string]*sessiontoken.Principal{"one cookie": user("Alice"),
		"a set": user("Carol", manyRoles(90)...)} {
		before := signedIn(t, g, p)
		if r := ask(h, "GET", "/auth", "Cookie", before); len(r.Header["Set-Cookie"]) != 0 ||
			r.Header.Get(headerSetCookie+"1") != "" {
			t.Errorf("%s: renewed too early", name)
		}
		c.Move(6 * time.Hour) // of 10
		for _, path := range []string{"/auth", "/auth/traefik", "/auth/envoy/"} {
			r := ask(h, "GET", path, "Cookie", before)
			lines := r.Header["Set-Cookie"]
			if r.StatusCode != http.StatusOK || len(lines) != strings.Count(before, ";")+1 {
				t.Fatalf("%s %s: %s with %d cookies for %d", name, path, r.Status, len(lines),
					strings.Count(before, ";")+1)
			}
			for i := range maxSetCookies {
				got, want := r.Header.Get(headerSetCookie+strconv.Itoa(i+1)), ""
				if path == "/auth" && i < len(lines) {
					want = lines[i]
				}
				if got != want {
					t.Errorf("%s %s: header %d is %q", name, path, i+1, got)
				}
			}
			c.Move(8 * time.Hour) // the old one is over, the new one is not
			renewed := cookieHeader(r.Cookies())
			if r := ask(h, "GET", path, "Cookie", renewed); r.StatusCode != http.StatusOK {
				t.Errorf("%s %s: the renewed session: %s", name, path, r.Status)
			}
			if r := ask(h, "GET", path, "Cookie", before); r.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s %s: the old session: %s", name, path, r.Status)
			}
			c.Move(-8 * time.Hour)
		}
	}
}

// A page that signs in or out must not have its cookies overtaken by a renewal.
func TestNoRenewal(t *testing.T) {
	c := newClock()
	store := &brokenStore{Store: sessiontoken.NewMemoryStore(nil)}
	var o Options
	o.Site.Now, o.Site.Sessions.Store = c.Now, store
	g := newGateway(t, o)
	h := g.Handler()
	alice := signedIn(t, g, user("Alice", "Sales"))
	c.Move(6 * time.Hour)
	tests := []struct {
		path    string
		headers []string
		status  int
		cookies int
	}{
		{"/auth", nil, 200, 1},
		{"/auth?renew=no", nil, 200, 0},
		{"/auth?renew=no&role=Sales", nil, 200, 0},
		{"/auth?renew=no&role=Admin", nil, 403, 0},
		{"/auth?renew=yes", nil, 403, 0},
		{"/auth/traefik?renew=no", nil, 200, 0},
		{"/auth/envoy/x?renew=no", nil, 200, 1},
		{"/auth/envoy/x", []string{headerRenew, "no"}, 200, 0},
	}
	for _, tt := range tests {
		r := ask(h, "GET", tt.path, append(tt.headers, "Cookie", alice)...)
		if r.StatusCode != tt.status || len(r.Header["Set-Cookie"]) != tt.cookies ||
			r.Header.Get("Vary") != "Cookie" || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s %q: %s with %d cookies", tt.path, tt.headers, r.Status,
				len(r.Header["Set-Cookie"]))
		}
	}
	if r := ask(h, "GET", "/auth?renew=no"); r.StatusCode != http.StatusUnauthorized {
		t.Errorf("not signed in: %s", r.Status)
	}
	store.fail(true)
	if r := ask(h, "GET", "/auth?renew=no", "Cookie",
		alice); r.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("without the store: %s", r.Status)
	}
}

// A renewal that nginx would hand on in part is not made.
func TestRenewalTooLargeForNginx(t *testing.T) {
	c := newClock()
	o := Options{}
	o.Site.Now = c.Now
	o.Site.Sessions.MaxBytes = 60 << 10
	j := new(testkit.Log)
	o.Logger = logger(j)
	g := newGateway(t, o)
	g.o.Limits.IdentityBytes = 1 << 20
	carol := signedIn(t, g, user("Carol", manyRoles(800)...))
	if n := strings.Count(carol, ";") + 1; n <= maxSetCookies {
		t.Fatalf("only %d cookies", n)
	}
	c.Move(6 * time.Hour)
	r := ask(g.Handler(), "GET", "/auth", "Cookie", carol)
	if r.StatusCode != http.StatusOK || len(r.Header["Set-Cookie"]) != 0 ||
		r.Header.Get(headerSetCookie+"1") != "" {
		t.Errorf("%s with %d cookies", r.Status, len(r.Header["Set-Cookie"]))
	}
	if !strings.Contains(j.String(), "too many cookies for nginx") {
		t.Error("nothing is logged")
	}
	if r := ask(g.Handler(), "GET", "/auth/traefik", "Cookie",
		carol); len(r.Header["Set-Cookie"]) <= maxSetCookies {
		t.Errorf("for Traefik: %d cookies", len(r.Header["Set-Cookie"]))
	}
}

// An outage is 503, never a sign-out, and is over when it is over.
func TestOutage(t *testing.T) {
	store := &brokenStore{Store: sessiontoken.NewMemoryStore(nil)}
	o := Options{SignIn: SignInOptions{URL: "/login"}}
	o.Site.Sessions.Store = store
	j := new(testkit.Log)
	o.Logger = logger(j)
	g := newGateway(t, o)
	h := g.Handler()
	alice := signedIn(t, g, user("Alice"))
	for _, path := range []string{"/auth", "/auth/traefik", "/auth/envoy/x"} {
		store.fail(true)
		r := ask(h, "GET", path, "Cookie", alice)
		if r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Location") != "" ||
			len(r.Header["Set-Cookie"]) > 0 || r.Header.Get("Retry-After") == "" {
			t.Errorf("%s while the store is down: %s %v", path, r.Status, r.Header)
		}
		if r := ask(h, "GET", path); r.StatusCode/100 != 4 && r.StatusCode != http.StatusFound {
			t.Errorf("%s for a stranger while the store is down: %s", path, r.Status)
		}
		store.fail(false)
		if r := ask(h, "GET", path, "Cookie", alice); r.StatusCode != http.StatusOK {
			t.Errorf("%s afterwards: %s", path, r.Status)
		}
	}
	if log := j.String(); !strings.Contains(log, errStore.Error()) ||
		strings.Contains(log, "Alice") || strings.Contains(log, alice[8:40]) {
		t.Errorf("the log: %s", log)
	}
}

// manyRoles returns roles that hardly compress.
func manyRoles(n int) []string {
	list := make([]string, n)
	for i := range list {
		sum := sha256.Sum256([]byte(strconv.Itoa(i)))
		list[i] = hex.EncodeToString(sum[:16])
	}
	return list
}

// Huge and odd headers end in an answer, and in none that lets in.
func TestHostileCookies(t *testing.T) {
	g := newGateway(t, Options{})
	h := g.Handler()
	alice := signedIn(t, g, user("Alice"))
	for name, header := range map[string]string{
		"huge value":     "FedAuth=" + strings.Repeat("A", 1<<20),
		"many chunks":    "FedAuth=A" + chunks(5000),
		"many cookies":   strings.Repeat("a=b; ", 50000),
		"nothing":        strings.Repeat(";", 100000),
		"control bytes":  "FedAuth=\x00\x01\x02",
		"twice, forged":  "FedAuth=AAAA; " + alice,
		"glued":          alice + "; FedAuth1=AAAA",
		"quoted":         `FedAuth="` + strings.TrimPrefix(alice, "FedAuth=") + `x"`,
		"percent-escape": strings.ReplaceAll(alice, "=", "%3D"),
	} {
		if r := ask(h, "GET", "/auth", "Cookie", header); r.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %s", name, r.Status)
		}
	}
}

func chunks(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("; FedAuth" + strconv.Itoa(i+1) + "=AAAA")
	}
	return b.String()
}
