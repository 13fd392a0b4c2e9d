package webfarm_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// Example is the README's: a service behind the farm's load balancer that
// knows the user whom a .NET node has signed in.
func Example() {
	webConfig := siteWithFreshKey()

	ring, err := machinekey.LoadRing(webConfig)
	if err != nil {
		log.Fatal(err)
	}
	codec, err := sessiontoken.NewSessionCodec(ring, nil)
	if err != nil {
		log.Fatal(err)
	}
	var guard cookie.Guard
	guard.Accept(cookie.FedAuth, codec)

	orders := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := cookie.FromContext(r.Context())
		fmt.Fprintf(w, "orders of %s, admin: %v", user.Name(), user.HasRole("admin"))
	})
	http.Handle("/orders", guard.Handler(orders))

	fmt.Println(visit("/orders", nil))
	fmt.Println(visit("/orders", signedInBy(codec)))
	// Output:
	// 401 Unauthorized
	//
	// 200 orders of bob, admin: true
}

// Example_signIn issues the cookies that the .NET nodes accept.
func Example_signIn() {
	ring, err := machinekey.LoadRing(siteWithFreshKey())
	if err != nil {
		log.Fatal(err)
	}
	codec, err := sessiontoken.NewSessionCodec(ring, &sessiontoken.SessionOptions{Endpoint: "/"})
	if err != nil {
		log.Fatal(err)
	}

	signIn := func(w http.ResponseWriter, r *http.Request) {
		token, err := codec.NewToken(sessiontoken.Principal{Identities: []sessiontoken.Identity{{
			AuthenticationType: "Federation",
			Claims: []sessiontoken.Claim{
				{Type: sessiontoken.ClaimTypeName, Value: "bob"},
				{Type: sessiontoken.ClaimTypeRole, Value: "admin"},
			},
		}}})
		if err != nil {
			http.Error(w, "sign-in failed", http.StatusInternalServerError)
			return
		}
		text, err := codec.Encode(r.Context(), token)
		if err != nil {
			http.Error(w, "sign-in failed", http.StatusInternalServerError)
			return
		}
		set, err := cookie.WIF.Split(&http.Cookie{Name: "FedAuth", Value: text, Path: "/", Secure: true, HttpOnly: true})
		if err != nil {
			http.Error(w, "sign-in failed", http.StatusInternalServerError)
			return
		}
		if err := cookie.Write(w, cookie.WIF.Replace(r, set)); err != nil {
			http.Error(w, "sign-in failed", http.StatusInternalServerError)
		}
	}

	w := httptest.NewRecorder()
	signIn(w, httptest.NewRequest("POST", "/signin", nil))
	for _, c := range w.Result().Cookies() {
		fmt.Println(c.Name, c.Path, c.Secure, c.HttpOnly)
	}
	// Output:
	// FedAuth / true true
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
	text := "<configuration><system.web>" + cfg.WebConfig() + "</system.web></configuration>"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		log.Fatal(err)
	}
	return path
}

// signedInBy returns a request with the cookie of a user.
func signedInBy(codec *sessiontoken.SessionCodec) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	token, err := codec.NewToken(sessiontoken.Principal{Identities: []sessiontoken.Identity{{
		AuthenticationType: "Federation",
		Claims: []sessiontoken.Claim{
			{Type: sessiontoken.ClaimTypeName, Value: "bob"},
			{Type: sessiontoken.ClaimTypeRole, Value: "admin"},
		},
	}}})
	if err != nil {
		log.Fatal(err)
	}
	text, err := codec.Encode(r.Context(), token)
	if err != nil {
		log.Fatal(err)
	}
	r.Header.Set("Cookie", "FedAuth="+text)
	return r
}

// visit asks the default mux for a page.
func visit(path string, like *http.Request) string {
	r := httptest.NewRequest("GET", path, nil)
	if like != nil {
		r.Header = like.Header
	}
	w := httptest.NewRecorder()
	http.DefaultServeMux.ServeHTTP(w, r)
	return fmt.Sprint(w.Code, " ", w.Body)
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
