package docs_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/farmtest"
	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/internal/testkit"
)

// bridged is the snippet of docs/moving.md about the bridge.
func bridged(path string, keys *dataprotection.Ring) (*cookie.Site, error) {
	return cookie.LoadSite(path, &cookie.SiteOptions{
		DataProtection: keys,
		Credentials: []cookie.Credential{
			{Kind: cookie.KindCore, AuthenticationType: "Identity.Application"},
		},
		Bridge: &cookie.BridgeOptions{},
	})
}

// TestBridged finds the cookie of ASP.NET Core in the request that had only that
// of the old site.
func TestBridged(t *testing.T) {
	element := []byte(testkit.CoreKey(1, time.Now(), seed.Of(t).Bytes(64)))
	keys, err := dataprotection.Open(t.Context(), dataprotection.Document(element), nil)
	if err != nil {
		t.Fatal(err)
	}
	site, err := bridged(farmtest.FreshSite(), keys)
	if err != nil {
		t.Fatal(err)
	}
	r := farmtest.SignedInAt(site)
	r.TLS = httptest.NewRequest("GET", "https://shop.example.com/", nil).TLS
	core, _ := site.SessionsOf(".AspNetCore.Identity.Application")
	name := ""
	site.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if x, err := core.Session(r); err == nil {
			name = x.Principal().Name()
		}
	})).ServeHTTP(httptest.NewRecorder(), r)
	if user, err := site.Check(r); err != nil || name != user.Name() {
		t.Errorf("the copy is of %q: %v", name, err)
	}
}
