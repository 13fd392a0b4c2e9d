package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// newSite loads a site with a fresh key.
func newSite(t *testing.T) *cookie.Site {
	t.Helper()
	key, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "web.config")
	text := `<configuration><system.web>` + key.WebConfig() + `<httpRuntime targetFramework="4.8" />
		<authentication mode="Forms" /></system.web></configuration>`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	site, err := cookie.LoadSite(path, &cookie.SiteOptions{Sessions: cookie.SessionsOptions{IsTLS: isTLS}})
	if err != nil {
		t.Fatal(err)
	}
	return site
}

func TestPagesKnowTheUserAndSendStrangersToSignIn(t *testing.T) {
	site := newSite(t)
	service := pages(site, "/signin")
	user := httptest.NewRequest("GET", "/orders?page=2", nil)
	w := httptest.NewRecorder()
	bob := &sessiontoken.Principal{Identities: []sessiontoken.Identity{{
		AuthenticationType: "Forms",
		Claims:             []sessiontoken.Claim{{Type: sessiontoken.ClaimTypeName, Value: "bob"}},
	}}}
	if err := site.Sessions().SignIn(w, user, bob, nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range w.Result().Cookies() {
		user.AddCookie(c)
	}
	forged := httptest.NewRequest("GET", "/orders?page=2", nil)
	forged.Header.Set("Cookie", ".ASPXAUTH="+strings.Repeat("AB", 100))
	for _, test := range []struct {
		name     string
		request  *http.Request
		status   int
		location string
		body     string
	}{
		{"user", user, 200, "", "orders of bob, admin: false\n"},
		{"stranger", httptest.NewRequest("GET", "/orders?page=2", nil), 302, "/signin?ReturnUrl=%2Forders%3Fpage%3D2", ""},
		{"forger", forged, 302, "/signin?ReturnUrl=%2Forders%3Fpage%3D2", ""},
		{"health", httptest.NewRequest("GET", "/health", nil), 200, "", "ok\n"},
	} {
		w := httptest.NewRecorder()
		service.ServeHTTP(w, test.request)
		if w.Code != test.status || w.Header().Get("Location") != test.location || test.body != "" && w.Body.String() != test.body {
			t.Errorf("%s: %d, %q, %q", test.name, w.Code, w.Header().Get("Location"), w.Body)
		}
	}
}

func TestIsTLSBelievesTheBalancer(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	if isTLS(r) {
		t.Error("plain HTTP taken for TLS")
	}
	r.Header.Set("X-Forwarded-Proto", "https")
	if !isTLS(r) {
		t.Error("TLS at the balancer not seen")
	}
}
