package cookie_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// The site's own file sets up everything that a service needs to recognise
// its users.
func ExampleLoadSite() {
	path, remove := newSite()
	defer remove()

	site, err := cookie.LoadSite(path, nil)
	if err != nil {
		log.Fatal(err)
	}
	home := site.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := cookie.FromContext(r.Context())
		fmt.Fprintf(w, "hello %s", user.Name())
	}))

	// A .NET node of the site signs bob in; here its part is played with the
	// same keys.
	codec, err := sessiontoken.NewSessionCodec(site.Ring(), &sessiontoken.SessionOptions{Endpoint: "/"})
	if err != nil {
		log.Fatal(err)
	}
	token, err := codec.NewToken(*sessiontoken.NewPrincipal("bob"))
	if err != nil {
		log.Fatal(err)
	}
	text, err := codec.Encode(context.Background(), token)
	if err != nil {
		log.Fatal(err)
	}

	get(home, "/", "FedAuth="+text)
	get(home, "/", "")
	for line := range strings.Lines(site.String()) { // all of them, for a log
		if strings.HasPrefix(line, "FedAuth ") {
			fmt.Print(line)
		}
	}
	// Output:
	// 200  hello bob
	// 401  Unauthorized
	// FedAuth         accepted: cookie "FedAuth", WIF 4.5, endpoint "/", clock skew 5m, lifetime 10h (line 10)
	// FedAuth cookie  path "/", domain "", secure true, hidden from scripts true, SameSite not set, not renewed, chunks of 2000 (line 15)
}

// newSite writes a web.config with a fresh key, as a site with WIF has it.
func newSite() (path string, remove func()) {
	key, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		log.Fatal(err)
	}
	const file = `<configuration>
  <system.web>
    <httpRuntime targetFramework="4.8" />
    KEY
  </system.web>
  <system.identityModel>
    <identityConfiguration>
      <securityTokenHandlers>
        <remove type="System.IdentityModel.Tokens.SessionSecurityTokenHandler, System.IdentityModel" />
        <add type="System.IdentityModel.Services.Tokens.MachineKeySessionSecurityTokenHandler, System.IdentityModel.Services" />
      </securityTokenHandlers>
    </identityConfiguration>
  </system.identityModel>
  <system.identityModel.services>
    <federationConfiguration><cookieHandler path="/" /></federationConfiguration>
  </system.identityModel.services>
</configuration>`
	folder, err := os.MkdirTemp("", "site")
	if err != nil {
		log.Fatal(err)
	}
	path = filepath.Join(folder, "web.config")
	if err := os.WriteFile(path, []byte(strings.Replace(file, "KEY", key.WebConfig(), 1)), 0o600); err != nil {
		log.Fatal(err)
	}
	return path, func() { os.RemoveAll(folder) }
}
