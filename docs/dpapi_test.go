package docs_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/farmtest"
	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// oldCookies counts cookies that a .NET node has protected with DPAPI.
type oldCookies struct{ atomic.Int64 }

func (n *oldCookies) Observe(_ context.Context, e cookie.Event) {
	if e.Kind == "refused" && e.Reason == "dpapi" {
		n.Add(1)
	}
}

// TestOldDPAPICookies holds what docs/dpapi.md says about cookies from before
// the change.
func TestOldDPAPICookies(t *testing.T) {
	var count oldCookies
	load := func(name string) *cookie.Site {
		t.Helper()
		path := farmtest.FreshSite()
		if name != "" {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Replace(string(data), "</configuration>", `<system.identityModel.services><federationConfiguration>
				<cookieHandler name="`+name+`" path="/" /></federationConfiguration></system.identityModel.services></configuration>`, 1)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		site, err := cookie.LoadSite(path, &cookie.SiteOptions{Sessions: cookie.SessionsOptions{Observer: count.Observe}})
		if err != nil {
			t.Fatal(err)
		}
		return site
	}
	old := httptest.NewRequest("GET", "/", nil)
	old.AddCookie(&http.Cookie{Name: "FedAuth", Value: dpapiToken()})

	site := load("")
	if _, err := site.Check(old); !errors.Is(err, layer.ErrDPAPI) {
		t.Errorf("under the old name: %v", err)
	}
	w := httptest.NewRecorder()
	site.Handler(http.NotFoundHandler()).ServeHTTP(w, old)
	if w.Code != http.StatusUnauthorized || len(w.Result().Cookies()) != 0 {
		t.Errorf("%d with %d cookies, want 401 and the old cookie left alone", w.Code, len(w.Result().Cookies()))
	}
	if n := count.Load(); n == 0 {
		t.Error("not counted")
	}

	before := count.Load()
	if _, err := load("FarmAuth").Check(old); !errors.Is(err, cookie.ErrNoCredential) {
		t.Errorf("under a new name: %v", err)
	}
	if n := count.Load(); n != before {
		t.Errorf("counted %d under a new name", n-before)
	}

	// Why not FedAuth2: whoever reads FedAuth takes it for the third chunk.
	site = load("")
	user := farmtest.SignedInAt(site)
	user.AddCookie(&http.Cookie{Name: "FedAuth1", Value: "x"})
	user.AddCookie(&http.Cookie{Name: "FedAuth2", Value: "y"})
	if _, err := site.Check(user); !errors.Is(err, sessiontoken.ErrInvalid) {
		t.Errorf("with other cookies under the names of chunks: %v", err)
	}
}
