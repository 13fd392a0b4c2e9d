package docs_test

import (
	"errors"
	"expvar"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/farmtest"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// front is the snippet of docs/moving.md: one way in, to both sides.
func front(site *cookie.Site, dotnet *url.URL, left *expvar.Int) http.Handler {
	old := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(dotnet)
		p.Out.Host = p.In.Host // .NET builds its redirects with it
		p.SetXForwarded()
	}}
	mux := http.NewServeMux()
	mux.Handle("/orders/", site.Handler(http.HandlerFunc(orders))) // moved
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		left.Add(1)
		old.ServeHTTP(w, r)
	})
	return mux
}

func orders(w http.ResponseWriter, r *http.Request) {
	user, _ := cookie.FromContext(r.Context())
	fmt.Fprintf(w, "orders of %s", user.Name())
}

// staff is the snippet of docs/moving.md about roles.
func staff(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := cookie.FromContext(r.Context())
		if !user.HasRole("staff") {
			http.Error(w, "Forbidden", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// signInHandler is the snippet of docs/moving.md about sign-in on Go.
func signInHandler(site *cookie.Site, check func(name, password string) (roles []string, ok bool)) http.Handler {
	sameOrigin := http.NewCrossOriginProtection()
	return sameOrigin.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.PostFormValue("name")
		roles, ok := check(name, r.PostFormValue("password"))
		if !ok {
			http.Error(w, "wrong name or password", http.StatusForbidden)
			return
		}
		user := sessiontoken.NewPrincipal(name, roles...)
		if err := site.Sessions().SignIn(w, r, user, nil); err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}))
}

// TestMoving moves a page of a site to Go behind the same cookies, both sides
// running. The old side is a second process's site with the same file.
func TestMoving(t *testing.T) {
	config := farmtest.FreshSite()
	load := func() *cookie.Site {
		t.Helper()
		site, err := cookie.LoadSite(config, nil)
		if err != nil {
			t.Fatal(err)
		}
		return site
	}
	oldSide, newSide := load(), load()
	old := httptest.NewServer(oldSide.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := cookie.FromContext(r.Context())
		if r.URL.Path == "/account/signout" {
			if err := oldSide.SignOut(w, r); err != nil {
				t.Error(err)
			}
			return
		}
		fmt.Fprintf(w, "old page of %s at %s", user.Name(), r.Host)
	})))
	defer old.Close()
	dotnet, err := url.Parse(old.URL)
	if err != nil {
		t.Fatal(err)
	}
	left := new(expvar.Int)
	way := front(newSide, dotnet, left)
	visit := func(r *http.Request) (int, string, []*http.Cookie) {
		w := httptest.NewRecorder()
		way.ServeHTTP(w, r)
		body, _ := io.ReadAll(w.Result().Body)
		return w.Code, strings.TrimSpace(string(body)), w.Result().Cookies()
	}
	on := func(side *cookie.Site, path string) *http.Request {
		r := httptest.NewRequest("GET", "https://shop.example"+path, nil)
		r.Header.Set("Cookie", farmtest.SignedInAt(side).Header.Get("Cookie"))
		return r
	}
	for _, side := range []*cookie.Site{oldSide, newSide} { // sign-in on one or the other
		if code, body, _ := visit(on(side, "/orders/7")); code != 200 || body != "orders of bob" {
			t.Errorf("moved page: %d %s", code, body)
		}
		if code, body, _ := visit(on(side, "/account/")); code != 200 || body != "old page of bob at shop.example" {
			t.Errorf("page that stays: %d %s", code, body)
		}
	}
	if code, _, _ := visit(httptest.NewRequest("GET", "/orders/7", nil)); code != 401 {
		t.Errorf("stranger: %d", code)
	}
	code, _, set := visit(on(newSide, "/account/signout"))
	if code != 200 || len(set) != 1 || set[0].Name != "FedAuth" || set[0].MaxAge >= 0 {
		t.Errorf("sign-out on the old side: %d %v", code, set)
	}
	if n := left.Value(); n != 3 {
		t.Errorf("%d requests passed on, want 3", n)
	}
}

func TestMovingRoles(t *testing.T) {
	site, err := cookie.LoadSite(farmtest.FreshSite(), nil)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	site.Handler(staff(http.HandlerFunc(orders))).ServeHTTP(w, farmtest.SignedInAt(site)) // an admin
	if w.Code != http.StatusForbidden {
		t.Errorf("%d", w.Code)
	}
}

func TestMovingSignIn(t *testing.T) {
	site, err := cookie.LoadSite(farmtest.FreshSite(), nil)
	if err != nil {
		t.Fatal(err)
	}
	page := signInHandler(site, func(name, password string) ([]string, bool) { return []string{"staff"}, password == "secret" })
	post := func(password, fetchSite string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "/signin", strings.NewReader(url.Values{"name": {"ann"}, "password": {password}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", fetchSite)
		w := httptest.NewRecorder()
		page.ServeHTTP(w, r)
		return w
	}
	w := post("secret", "same-origin")
	if w.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	r := httptest.NewRequest("GET", "/orders/", nil)
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	w = httptest.NewRecorder()
	site.Handler(staff(http.HandlerFunc(orders))).ServeHTTP(w, r)
	if w.Code != 200 || w.Body.String() != "orders of ann" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for name, w := range map[string]*httptest.ResponseRecorder{
		"wrong password": post("guess", "same-origin"), "another site": post("secret", "cross-site"),
	} {
		if w.Code != http.StatusForbidden || len(w.Result().Cookies()) != 0 {
			t.Errorf("%s: %d, %d cookies", name, w.Code, len(w.Result().Cookies()))
		}
	}
}

// formsSite is the snippet of docs/moving.md about forms tickets.
func formsSite(path string) (*cookie.Site, error) {
	return cookie.LoadSite(path, &cookie.SiteOptions{
		Roles: func(userData string) []string { return strings.Split(userData, "|") },
	})
}

func TestMovingFormsUserData(t *testing.T) {
	path := farmtest.FreshSite()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "<system.web>")
	machineKey, _, _ := strings.Cut(rest, "</system.web>")
	text := `<configuration><system.web>` + machineKey + `<authentication mode="Forms" /></system.web></configuration>`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	site, err := formsSite(path)
	if err != nil {
		t.Fatal(err)
	}
	user := sessiontoken.NewPrincipal("ann", "staff")
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/", nil)
	if err := site.Sessions().SignIn(w, r, user, nil); err == nil ||
		!strings.Contains(err.Error(), "SignInOptions.UserData, from which SiteOptions.Roles reads") {
		t.Errorf("the roles got lost: %v", err)
	}
	if err := site.Sessions().SignIn(w, r, user, &cookie.SignInOptions{UserData: "staff|sales"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	got, err := site.Check(r)
	if err != nil || !got.HasRole("staff") || !got.HasRole("sales") {
		t.Errorf("%v, %v", got, err)
	}
	stranger := httptest.NewRequest("GET", "/", nil)
	if _, err := site.Check(stranger); !errors.Is(err, cookie.ErrNoCredential) {
		t.Error(err)
	}
}
