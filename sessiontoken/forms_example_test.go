package sessiontoken_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// newFormsRing stands for the keys of a site in the given mode;
// machinekey.LoadWebConfig reads both from web.config.
func newFormsRing(mode machinekey.Mode) *machinekey.Ring {
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		log.Fatal(err)
	}
	cfg.Mode = mode
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

func ExampleFormsCodec() {
	codec, err := sessiontoken.NewFormsCodec(newFormsRing(machinekey.Framework45), &sessiontoken.FormsOptions{
		// The site keeps the roles in UserData, as many do.
		Roles: func(userData string) []string { return strings.Split(userData, "|") },
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	// At sign-in.
	text, err := codec.Encode(ctx, codec.NewTicket("alice", "admin|sales"))
	if err != nil {
		log.Fatal(err)
	}

	// On every other request, on any node.
	user, err := codec.ReadPrincipal(ctx, text)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.Name(), user.HasRole("sales"))

	// One changed digit, and nothing is left.
	changed := text[:40] + string(text[40]^1) + text[41:]
	_, err = codec.ReadPrincipal(ctx, changed)
	fmt.Println(errors.Is(err, sessiontoken.ErrInvalid))
	// Output:
	// alice true
	// true
}

// A farm in a legacy mode; <forms protection="Validation"> is rare and lets
// the user read, but not change, the ticket.
func ExampleFormsOptions() {
	codec, err := sessiontoken.NewFormsCodec(newFormsRing(machinekey.Framework20SP2), &sessiontoken.FormsOptions{
		Protection: machinekey.ProtectionValidation,
		Lifetime:   2 * time.Hour,
	})
	if err != nil {
		log.Fatal(err)
	}
	ticket := codec.NewTicket("bob", "")
	fmt.Println(ticket.Version, ticket.Name, ticket.CookiePath, ticket.Expiration.Sub(ticket.IssueDate))
	// Output: 2 bob / 2h0m0s
}

func ExampleAnonymousCodec() {
	codec, err := sessiontoken.NewAnonymousCodec(newFormsRing(machinekey.Framework45), nil)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	id := codec.NewID()
	text, err := codec.Encode(ctx, id)
	if err != nil {
		log.Fatal(err)
	}
	again, err := codec.Decode(ctx, text)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(again.ID == id.ID, len(id.ID))
	// Output: true 36
}
