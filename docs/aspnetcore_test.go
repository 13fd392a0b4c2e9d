package docs_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

func openCoreSite(ctx context.Context, folder string) (*cookie.Site, error) {
	ring, err := dataprotection.Open(ctx, dataprotection.Path(folder), &dataprotection.RingOptions{
		ApplicationName: "SharedCookieApp", // as in SetApplicationName
	})
	if err != nil {
		return nil, err
	}
	return cookie.NewSite(machinekey.Config{}, &cookie.SiteOptions{
		DataProtection: ring,
		Credentials: []cookie.Credential{{
			Kind:               cookie.KindCore,
			AuthenticationType: "Identity.Application", // the scheme; "Cookies" if empty
			Name:               ".AspNet.SharedCookie", // ".AspNetCore." and the scheme if empty
			Domain:             "farm.example",
		}},
	})
}

func openBothHalves(ring *dataprotection.Ring) (*cookie.Site, error) {
	return cookie.LoadSite("web.config", &cookie.SiteOptions{
		DataProtection: ring,
		Credentials: []cookie.Credential{
			{Kind: cookie.KindCore}, // .AspNetCore.Cookies
			{Kind: cookie.KindBearer, AuthenticationType: "Identity.Bearer"},   // AddBearerToken
			{Kind: cookie.KindKatana, AuthenticationType: "ApplicationCookie"}, // on the keys of the file
		},
	})
}

// TestCoreSite runs the lines of aspnetcore.md on two nodes.
func TestCoreSite(t *testing.T) {
	folder := t.TempDir()
	key := testkit.CoreKey(1, time.Now(), seed.Of(t).Bytes(64))
	if err := os.WriteFile(filepath.Join(folder, "key-1.xml"), []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "https://www.farm.example/", nil)
	for node := range 2 {
		site, err := openCoreSite(t.Context(), folder)
		if err != nil {
			t.Fatal(err)
		}
		if node == 0 {
			w := httptest.NewRecorder()
			p := &sessiontoken.Principal{Identities: []sessiontoken.Identity{{AuthenticationType: "Identity.Application",
				Claims: []sessiontoken.Claim{{Type: sessiontoken.ClaimTypeName, Value: "zoe"}}}}}
			if err := site.Sessions().SignIn(w, r, p, nil); err != nil {
				t.Fatal(err)
			}
			if line := w.Header().Get("Set-Cookie"); !strings.HasSuffix(line, "; domain=farm.example; path=/; secure; samesite=lax; httponly") {
				t.Errorf("%s", line)
			}
			for _, c := range w.Result().Cookies() {
				r.AddCookie(c)
			}
			continue
		}
		if p, err := site.Check(r); err != nil || p.Name() != "zoe" {
			t.Errorf("%v, %v", p, err)
		}
	}
	ring, err := dataprotection.Open(t.Context(), dataprotection.Path(folder), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	config := `<configuration><system.web><httpRuntime targetFramework="4.8"/><machineKey dataProtectorType="` +
		`Microsoft.AspNetCore.DataProtection.SystemWeb.CompatibilityDataProtector, Microsoft.AspNetCore.DataProtection.SystemWeb"` +
		` applicationName="SharedCookieApp"/><authentication mode="Forms"/></system.web></configuration>`
	if err := os.WriteFile("web.config", []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	site, err := openBothHalves(ring)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".AspNetCore.Cookies", ".AspNet.ApplicationCookie", ".ASPXAUTH"} {
		if _, ok := site.SessionsOf(name); !ok {
			t.Errorf("no %s:\n%s", name, site)
		}
	}
	w := httptest.NewRecorder()
	site.Handler(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != http.StatusUnauthorized {
		t.Errorf("%d for a stranger", w.Code)
	}
}
