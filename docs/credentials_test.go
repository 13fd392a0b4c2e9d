package docs_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/rolecookie"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// The examples of docs/credentials.md. Each reads one credential; what stands
// around the shown lines issues it first, as a .NET node would.

// must returns v, or ends the example.
func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}

// freshRing returns a ring with one new key of the given mode.
func freshRing(mode machinekey.Mode) *machinekey.Ring {
	cfg := must(machinekey.Generate(machinekey.HMACSHA1, machinekey.AES))
	cfg.Mode = mode
	return must(machinekey.NewRing(must(machinekey.New(cfg))))
}

// carrying returns a request with one cookie.
func carrying(name, value string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", name+"="+value)
	return r
}

func bob() sessiontoken.Principal {
	return *sessiontoken.NewPrincipal("bob", "admin")
}

func sessionText(codec *sessiontoken.SessionCodec) string {
	return must(codec.Encode(httptest.NewRequest("GET", "/", nil).Context(), must(codec.NewToken(bob()))))
}

func Example_readSessionToken() {
	ring := freshRing(machinekey.Framework45)
	r := carrying("FedAuth", sessionText(must(sessiontoken.NewSessionCodec(ring, &sessiontoken.SessionOptions{Endpoint: "/"}))))

	codec, err := sessiontoken.NewSessionCodec(ring, &sessiontoken.SessionOptions{Endpoint: "/"})
	if err != nil {
		log.Fatal(err)
	}
	text, err := cookie.From(cookie.KindFedAuth, "")(r)
	if err != nil {
		log.Fatal(err)
	}
	token, err := codec.Decode(r.Context(), text)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.Principal.Name(), token.ValidTo.Sub(token.ValidFrom))
	// Output: bob 10h0m0s
}

func Example_readWIF10() {
	ring := freshRing(machinekey.Framework20SP1)
	r := carrying("FedAuth", sessionText(must(sessiontoken.NewSessionCodec(ring, &sessiontoken.SessionOptions{WIF10: true}))))

	codec, err := sessiontoken.NewSessionCodec(ring, &sessiontoken.SessionOptions{WIF10: true})
	if err != nil {
		log.Fatal(err)
	}
	text, err := cookie.From(cookie.KindFedAuth, "")(r)
	if err != nil {
		log.Fatal(err)
	}
	user, err := codec.ReadPrincipal(r.Context(), text)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.Name(), user.HasRole("admin"))
	// Output: bob true
}

func Example_readCertificate() {
	ring := freshRing(machinekey.Framework45)
	pem := farmCertificate()
	r := httptest.NewRequest("GET", "/", nil)

	certificate, err := tls.X509KeyPair(pem, pem)
	if err != nil {
		log.Fatal(err)
	}
	transforms, err := sessiontoken.CertificateTransforms(sessiontoken.CertificateOptions{
		Certificates: []tls.Certificate{certificate},
	})
	if err != nil {
		log.Fatal(err)
	}
	codec, err := sessiontoken.NewSessionCodec(ring, &sessiontoken.SessionOptions{Transforms: transforms})
	if err != nil {
		log.Fatal(err)
	}
	user, err := codec.ReadPrincipal(r.Context(), sessionText(codec))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.Name())
	// Output: bob
}

func Example_readForms() {
	ring := freshRing(machinekey.Framework45)
	issuer := must(sessiontoken.NewFormsCodec(ring, nil))
	r := carrying(".ASPXAUTH", must(issuer.Encode(httptest.NewRequest("GET", "/", nil).Context(), issuer.NewTicket("bob", "admin,staff"))))

	codec, err := sessiontoken.NewFormsCodec(ring, &sessiontoken.FormsOptions{
		Roles: func(userData string) []string { return strings.Split(userData, ",") },
	})
	if err != nil {
		log.Fatal(err)
	}
	text, err := cookie.From(cookie.KindForms, "")(r)
	if err != nil {
		log.Fatal(err)
	}
	user, err := codec.ReadPrincipal(r.Context(), text)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.Name(), user.HasRole("staff"))
	// Output: bob true
}

func Example_readMachineKeyEncode() {
	ring := must(machinekey.NewRing(must(machinekey.New(must(machinekey.Generate(machinekey.HMACSHA1, machinekey.AES))))))
	protector := must(ring.EncodeProtector(machinekey.LegacyOptions{}))
	text := hex.EncodeToString(must(protector.Protect(nil, []byte("an order")))) // .NET writes it in upper case
	ctx := context.Background()

	protected, err := hex.DecodeString(text)
	if err != nil {
		log.Fatal(err)
	}
	data, _, err := protector.Unprotect(ctx, nil, protected)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", data)
	// Output: an order
}

func Example_readAnonymousID() {
	ring := freshRing(machinekey.Framework45)
	issuer := must(sessiontoken.NewAnonymousCodec(ring, nil))
	id := issuer.NewID()
	r := carrying(".ASPXANONYMOUS", must(issuer.Encode(httptest.NewRequest("GET", "/", nil).Context(), id)))

	codec, err := sessiontoken.NewAnonymousCodec(ring, nil)
	if err != nil {
		log.Fatal(err)
	}
	text, err := cookie.From(cookie.KindAnonymous, "")(r)
	if err != nil {
		log.Fatal(err)
	}
	visitor, err := codec.Decode(r.Context(), text)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(visitor.ID == id.ID)
	// Output: true
}

func Example_readRoleCookie() {
	ring := freshRing(machinekey.Framework45)
	issuer := must(ring.CookieProtector(machinekey.LegacyOptions{}, machinekey.RolePurpose))
	r := carrying(".ASPXROLES", must(rolecookie.Encode(issuer, []byte("opaque"))))

	protector, err := ring.CookieProtector(machinekey.LegacyOptions{}, machinekey.RolePurpose)
	if err != nil {
		log.Fatal(err)
	}
	text, err := cookie.From(cookie.KindRoles, "")(r)
	if err != nil {
		log.Fatal(err)
	}
	// A URL token is base64url and a digit that counts the padding left out.
	protected, err := base64.RawURLEncoding.DecodeString(text[:max(len(text)-1, 0)])
	if err != nil {
		log.Fatal(err)
	}
	payload, _, err := protector.Unprotect(r.Context(), nil, protected)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(payload), "bytes of BinaryFormatter, not to be parsed")
	// Output: 6 bytes of BinaryFormatter, not to be parsed
}

func Example_readKatanaCookie() {
	ring := freshRing(machinekey.Framework45)
	issuer := must(sessiontoken.NewKatanaCodec(ring, sessiontoken.Cookie("ApplicationCookie"), nil))
	r := carrying(".AspNet.ApplicationCookie",
		must(issuer.Encode(httptest.NewRequest("GET", "/", nil).Context(), issuer.NewTicket(bob().Identities[0], nil))))

	codec, err := sessiontoken.NewKatanaCodec(ring, sessiontoken.Cookie("ApplicationCookie"), nil)
	if err != nil {
		log.Fatal(err)
	}
	text, err := cookie.From(cookie.KindKatana, ".AspNet.ApplicationCookie")(r)
	if err != nil {
		log.Fatal(err)
	}
	p, err := codec.ReadPrincipal(r.Context(), text) // or Decode, for all that the ticket says
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.Name(), p.HasRole("admin"))
	// Output: bob true
}

func Example_readBearer() {
	ring := freshRing(machinekey.Framework45)
	issuer := must(sessiontoken.NewKatanaCodec(ring, sessiontoken.AccessToken("Bearer"), nil))
	r := httptest.NewRequest("GET", "/api", nil)
	r.Header.Set("Authorization", "Bearer "+must(issuer.Encode(r.Context(), issuer.NewTicket(bob().Identities[0], nil))))

	codec, err := sessiontoken.NewKatanaCodec(ring, sessiontoken.AccessToken("Bearer"), nil)
	if err != nil {
		log.Fatal(err)
	}
	var guard cookie.Guard
	guard.Accept(cookie.From(cookie.KindBearer, ""), codec)
	user, err := guard.Check(r)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.Name())
	// Output: bob
}
