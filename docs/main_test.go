// Package docs_test compiles and runs what the documents show, and checks what
// they say.
package docs_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// TestMain runs the tests in the root of the module, from where they name all
// files.
func TestMain(m *testing.M) {
	if err := os.Chdir(".."); err != nil {
		log.Fatal(err)
	}
	os.Exit(m.Run())
}

// siteWithFreshKey writes the web.config of a site and returns its path.
func siteWithFreshKey() string {
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

// signedInAt returns a request with the cookie of a user.
func signedInAt(site *cookie.Site) *http.Request {
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
	user := &sessiontoken.Principal{Identities: []sessiontoken.Identity{{
		AuthenticationType: "Federation",
		Claims: []sessiontoken.Claim{
			{Type: sessiontoken.ClaimTypeName, Value: "bob"},
			{Type: sessiontoken.ClaimTypeRole, Value: "admin"},
		},
	}}}
	if err := site.Sessions().SignIn(w, r, user, nil); err != nil {
		log.Fatal(err)
	}
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	return r
}

// farmCertificate returns a self-signed certificate and its key, as PEM.
func farmCertificate() []byte {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		log.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		log.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		log.Fatal(err)
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
}
