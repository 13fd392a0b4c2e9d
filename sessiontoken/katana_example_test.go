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
func ExampleNewKatanaCookieCodec() {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	codec, err := sessiontoken.NewKatanaCookieCodec(newRing(), "ApplicationCookie", &sessiontoken.KatanaOptions{
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
	ticket.Properties.SetPersistent(true)
	text, err := codec.Encode(ctx, ticket) // the value of .AspNet.ApplicationCookie
	if err != nil {
		log.Fatal(err)
	}

	now = now.Add(8 * 24 * time.Hour) // more than half of 14 days later
	ticket, err = codec.Decode(ctx, text)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ticket.Identity.Name(), ticket.Properties.Persistent())
	if renewed, ok := ticket.Renew(now); ok {
		until, _ := renewed.Properties.Expires()
		fmt.Println("send again, valid until", until.Format(time.DateOnly))
	}

	now = now.Add(7 * 24 * time.Hour)
	_, err = codec.Decode(ctx, text)
	fmt.Println(errors.Is(err, sessiontoken.ErrExpired))
	// Output:
	// bob true
	// send again, valid until 2026-03-24
	// true
}

// A bearer token that the .NET side of the farm accepts.
func ExampleNewKatanaAccessTokenCodec() {
	codec, err := sessiontoken.NewKatanaAccessTokenCodec(newRing(), nil)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	id := sessiontoken.Identity{Claims: []sessiontoken.Claim{{Type: sessiontoken.ClaimTypeName, Value: "bob"}}}
	ticket := codec.NewTicket(id, sessiontoken.Properties{{Name: "userName", Value: "bob"}})
	token, err := codec.Encode(ctx, ticket)
	if err != nil {
		log.Fatal(err)
	}

	ticket, err = codec.Decode(ctx, token) // of the header "Authorization: Bearer …"
	if err != nil {
		log.Fatal(err)
	}
	issued, _ := ticket.Properties.Issued()
	expires, _ := ticket.Properties.Expires()
	fmt.Println(ticket.Identity.AuthenticationType, ticket.Identity.Name(), expires.Sub(issued))
	// Output:
	// Bearer bob 20m0s
}

// The state string that comes back from Google with the signed-in user.
func ExampleKatanaStateCodec() {
	codec, err := sessiontoken.NewKatanaStateCodec(newRing(), sessiontoken.KatanaStateGoogle, "Google")
	if err != nil {
		log.Fatal(err)
	}
	var p sessiontoken.Properties
	p.Set(sessiontoken.PropertyRedirect, "/orders")
	p.Set(".xsrf", "k3Zp0w")
	state, err := codec.Encode(context.Background(), p)
	if err != nil {
		log.Fatal(err)
	}

	p, err = codec.Decode(context.Background(), state)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.Redirect())
	// Output:
	// /orders
}
