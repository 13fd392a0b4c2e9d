package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/cookie/cookietest"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// newSite loads a site with a fresh key.
func newSite(t *testing.T) *cookietest.Site {
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
	site := cookietest.New(cookie.KindForms, func(o *cookie.SiteOptions) (*cookie.Site, error) {
		o.Sessions.IsTLS = isTLS
		return cookie.LoadSite(path, o)
	})
	return site
}

// TestOrders is the test of docs/joining.md.
func TestOrders(t *testing.T) {
	site := cookietest.New(cookie.KindFedAuth, nil)
	service := pages(site.Site, "/signin")
	alice := sessiontoken.NewPrincipal("alice", "admin")

	w := httptest.NewRecorder()
	service.ServeHTTP(w, site.Request("GET", "/orders", nil, alice))
	if w.Body.String() != "orders of alice, admin: true\n" {
		t.Errorf("alice gets %d %q", w.Code, w.Body)
	}
	for _, fault := range cookietest.Faults {
		w := httptest.NewRecorder()
		service.ServeHTTP(w, site.Request("GET", "/orders", nil, alice, fault))
		if w.Code != http.StatusFound {
			t.Errorf("alice, %s, gets %d", fault, w.Code)
		}
	}
	r := site.Request("GET", "/orders", nil, alice)
	site.Advance(11 * time.Hour) // FedAuth lasts ten
	w = httptest.NewRecorder()
	service.ServeHTTP(w, r)
	if w.Code != http.StatusFound {
		t.Errorf("alice, the next day, gets %d", w.Code)
	}
}

func TestPagesKnowTheUserAndSendStrangersToSignIn(t *testing.T) {
	site := newSite(t)
	service := pages(site.Site, "/signin")
	user := site.Request("GET", "/orders?page=2", nil, sessiontoken.NewPrincipal("bob"))
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
