package farmtest

import (
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// FreshSite writes the web.config of a site with Windows Identity Foundation and a
// fresh key, and returns its path.
func FreshSite() string {
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "site")
	if err != nil {
		log.Fatal(err)
	}
	path := filepath.Join(dir, "web.config")
	text := `<configuration>
  <system.web>` + cfg.WebConfig() + `</system.web>
  <system.identityModel><identityConfiguration><securityTokenHandlers>
    <remove type="System.IdentityModel.Tokens.SessionSecurityTokenHandler, System.IdentityModel" />
    <add type="System.IdentityModel.Services.Tokens.MachineKeySessionSecurityTokenHandler, System.IdentityModel.Services" />
  </securityTokenHandlers></identityConfiguration></system.identityModel>
</configuration>`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		log.Fatal(err)
	}
	return path
}

// SignedInAt returns a request with the cookie of bob, who is an admin.
func SignedInAt(site *cookie.Site) *http.Request {
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
	user := sessiontoken.NewPrincipal("bob", "admin")
	if err := site.Sessions().SignIn(w, r, user, nil); err != nil {
		log.Fatal(err)
	}
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	return r
}
