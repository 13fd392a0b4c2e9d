package doctor

import "github.com/webfarm-go/webfarm/cookie"

// Kind is one kind of credential, by the names that the other subcommands use.
type Kind string

// The kinds.
const (
	FedAuth   Kind = "fedauth"   // session of WIF 4.5
	WIF10     Kind = "wif10"     // session of WIF 1.0
	Forms     Kind = "forms"     // .ASPXAUTH
	Katana    Kind = "katana"    // .AspNet.*
	Bearer    Kind = "bearer"    // OAuth access token
	Refresh   Kind = "refresh"   // OAuth refresh token
	AuthCode  Kind = "code"      // OAuth authorization code
	State     Kind = "state"     // of a remote sign-in, no credential
	Roles     Kind = "roles"     // .ASPXROLES
	Anonymous Kind = "anonymous" // .ASPXANONYMOUS
)

// String says in words what k is, with the article.
func (k Kind) String() string {
	switch k {
	case FedAuth:
		return "a session of WIF 4.5"
	case WIF10:
		return "a session of WIF 1.0"
	case Forms:
		return "a forms authentication ticket"
	case Katana:
		return "a Katana cookie"
	case Bearer:
		return "an OAuth access token"
	case Refresh:
		return "an OAuth refresh token"
	case AuthCode:
		return "an OAuth authorization code"
	case State:
		return "the state of a remote sign-in"
	case Roles:
		return "a role cookie"
	case Anonymous:
		return "an anonymous id"
	}
	return "a credential"
}

// isSession reports whether k is a session of WIF.
func (k Kind) isSession() bool { return k == FedAuth || k == WIF10 }

// isTicket reports whether k is a ticket of Katana.
func (k Kind) isTicket() bool { return k == Katana || k == Bearer || k == Refresh || k == AuthCode }

// chunking is how cookies carry k.
func (k Kind) chunking() cookie.Chunking {
	switch k {
	case FedAuth, WIF10:
		return cookie.WIF
	case Katana:
		return cookie.Katana
	}
	return cookie.Single
}
