package sessiontoken_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/webfarm-go/webfarm/sessiontoken"
)

// The cookie of ASP.NET Identity: sign-in, and every request after it.
func ExampleNewKatanaCodec() {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	codec, err := sessiontoken.NewKatanaCodec(newRing(), sessiontoken.Cookie("ApplicationCookie"), &sessiontoken.KatanaOptions{
		Now: func() time.Time { return now },
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	ticket := codec.NewTicket(sessiontoken.Identity{
		Claims: []sessiontoken.Claim{
			{Type: sessiontoken.ClaimTypeNameIdentifier, Value: "17"},
			{Type: sessiontoken.ClaimTypeName, Value: "bob"},
		},
	}, nil)
	ticket.Properties.Set(sessiontoken.PropertyPersistent, "")
	text, err := codec.Encode(ctx, ticket) // the value of .AspNet.ApplicationCookie
	if err != nil {
		log.Fatal(err)
	}

	now = now.Add(8 * 24 * time.Hour) // more than half of 14 days later
	ticket, err = codec.Decode(ctx, text)
	if err != nil {
		log.Fatal(err)
	}
	user, err := codec.ReadPrincipal(ctx, text)
	if err != nil {
		log.Fatal(err)
	}
	_, persistent := ticket.Properties.Get(sessiontoken.PropertyPersistent)
	fmt.Println(user.Name(), persistent)

	now = now.Add(7 * 24 * time.Hour)
	_, err = codec.Decode(ctx, text)
	fmt.Println(errors.Is(err, sessiontoken.ErrExpired))
	// Output:
	// bob true
	// true
}

// A bearer token that the .NET side of the farm accepts.
func ExampleAccessToken() {
	codec, err := sessiontoken.NewKatanaCodec(newRing(), sessiontoken.AccessToken("Bearer"), nil)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	id := sessiontoken.Identity{Claims: []sessiontoken.Claim{{Type: sessiontoken.ClaimTypeName, Value: "bob"}}}
	ticket := codec.NewTicket(id, sessiontoken.Properties{{"userName", "bob"}})
	token, err := codec.Encode(ctx, ticket)
	if err != nil {
		log.Fatal(err)
	}

	ticket, err = codec.Decode(ctx, token) // of the header "Authorization: Bearer …"
	if err != nil {
		log.Fatal(err)
	}
	issued, _ := ticket.Properties.Time(sessiontoken.PropertyIssued)
	expires, _ := ticket.Properties.Time(sessiontoken.PropertyExpires)
	fmt.Println(ticket.Identity.AuthenticationType, ticket.Identity.Claims[0].Value, expires.Sub(issued))
	// Output:
	// Bearer bob 20m0s
}
