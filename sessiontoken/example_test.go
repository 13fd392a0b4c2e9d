package sessiontoken_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// newRing stands for the farm's key; a service reads it from web.config with
// machinekey.LoadWebConfig.
func newRing() *machinekey.Ring {
	cfg, err := machinekey.Generate(machinekey.HMACSHA1, machinekey.AES)
	if err != nil {
		log.Fatal(err)
	}
	key, err := machinekey.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	ring, err := machinekey.NewRing(key)
	if err != nil {
		log.Fatal(err)
	}
	return ring
}

func ExampleSessionCodec() {
	codec, err := sessiontoken.NewSessionCodec(newRing(), &sessiontoken.SessionOptions{Endpoint: "/"})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	// At sign-in: a token for the user, and the text for the cookie.
	token, err := codec.NewToken(*sessiontoken.NewPrincipal("bob", "admin"))
	if err != nil {
		log.Fatal(err)
	}
	text, err := codec.Encode(ctx, token)
	if err != nil {
		log.Fatal(err)
	}

	// On every other request, on any node.
	token, err = codec.Decode(ctx, text)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.Principal.Name(), token.Principal.HasRole("admin"), token.ValidTo.Sub(token.ValidFrom))

	// One changed character, and nothing is left.
	_, err = codec.Decode(ctx, strings.Replace(text, text[700:701], "?", 1))
	fmt.Println(errors.Is(err, sessiontoken.ErrInvalid))
	// Output:
	// bob true 10h0m0s
	// true
}

func ExamplePrincipal() {
	p := &sessiontoken.Principal{Identities: []sessiontoken.Identity{{
		AuthenticationType: "Federation",
		NameClaimType:      "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
		Claims: []sessiontoken.Claim{
			{Type: "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn", Value: "bob@example.com"},
			{Type: sessiontoken.ClaimTypeRole, Value: "admin"},
			{Type: sessiontoken.ClaimTypeRole, Value: "staff"},
		},
	}}}
	fmt.Println(p.Name())
	fmt.Println(p.HasRole("staff"), p.HasRole("Staff"))
	for c := range p.All(sessiontoken.ClaimTypeRole) {
		fmt.Println(c.Value)
	}
	// Output:
	// bob@example.com
	// true false
	// admin
	// staff
}
