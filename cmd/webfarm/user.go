package main

import (
	"crypto/sha256"
	"fmt"

	"github.com/webfarm-go/webfarm/sessiontoken"
)

// claimTypeSignedInBy is the demo's claim for the node that made the cookie.
const claimTypeSignedInBy = "urn:webfarm:demo:signed-in-by"

// demoUser is somebody who can sign in to the demo.
type demoUser struct {
	ID, Name string
	Email    string
	Roles    []string
	Groups   int // number of group claims: UUIDs, which hardly compress
}

// demoUsers returns one user with a single cookie and one with a set of chunks.
func demoUsers() []demoUser {
	return []demoUser{
		{ID: "alice", Name: "Alice Weber", Email: "alice@farm.example", Roles: []string{"Sales"}},
		{ID: "carol", Name: "Carol Jensen", Email: "carol@farm.example",
			Roles: []string{"Sales", "Management"}, Groups: 80},
	}
}

func findUser(id string) (demoUser, bool) {
	for _, u := range demoUsers() {
		if u.ID == id {
			return u, true
		}
	}
	return demoUser{}, false
}

// About describes the user for the page.
func (u demoUser) About() string {
	if u.Groups > 0 {
		return fmt.Sprintf("%d groups, so a cookie in chunks", u.Groups)
	}
	return "a few claims, one cookie"
}

// principal is the content of the user's cookie.
func (u demoUser) principal(node string) sessiontoken.Principal {
	claims := []sessiontoken.Claim{
		{Type: sessiontoken.ClaimTypeName, Value: u.Name},
		{Type: sessiontoken.ClaimTypeEmail, Value: u.Email},
		{Type: claimTypeSignedInBy, Value: node},
	}
	for _, role := range u.Roles {
		claims = append(claims, sessiontoken.Claim{Type: sessiontoken.ClaimTypeRole, Value: role})
	}
	for i := range u.Groups {
		h := sha256.Sum256(fmt.Appendf(nil, "%s group %d", u.ID, i))
		claims = append(claims, sessiontoken.Claim{Type: claimTypeGroups,
			Value: fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])})
	}
	id := sessiontoken.Identity{AuthenticationType: "Federation", Claims: claims}
	return sessiontoken.Principal{Identities: []sessiontoken.Identity{id}}
}
