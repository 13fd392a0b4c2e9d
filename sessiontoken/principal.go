package sessiontoken

import (
	"cmp"
	"context"
	"iter"

	"github.com/webfarm-go/webfarm/internal/fold"
	"github.com/webfarm-go/webfarm/machinekey"
)

// Claim types that .NET sites use most. All others are plain URIs too: see the
// constants of System.Security.Claims.ClaimTypes.
const (
	ClaimTypeName           = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
	ClaimTypeNameIdentifier = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"
	ClaimTypeEmail          = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
	ClaimTypeRole           = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
)

// Reader turns the text of one credential into the user it stands for. All codecs of this
// package implement it. The error matches one of this package's sentinels.
type Reader interface {
	ReadPrincipal(ctx context.Context, value string) (*Principal, error)
}

// Claim is one statement about the user (System.Security.Claims.Claim).
type Claim struct {
	// Type is a URI such as [ClaimTypeName]; Value is its text.
	Type, Value string
	// ValueType is an XML Schema type. Empty on issue means
	// "http://www.w3.org/2001/XMLSchema#string".
	ValueType string
	// Issuer and OriginalIssuer say who stated it. Empty on issue means
	// "LOCAL AUTHORITY" and Issuer.
	Issuer, OriginalIssuer string
	// Properties are the claim's property bag in the order of the token.
	Properties Properties
}

// Identity is one set of claims from one authentication (System.Security.Claims.ClaimsIdentity).
type Identity struct {
	// AuthenticationType says how the user signed in, for example
	// "Federation". Empty means not authenticated.
	AuthenticationType string
	// NameClaimType and RoleClaimType say which claims hold the name and the
	// roles. Empty on issue means [ClaimTypeName] and [ClaimTypeRole].
	NameClaimType, RoleClaimType string
	// Label is an application's mark, usually empty.
	Label string
	// Claims are in the order of the token.
	Claims []Claim
	// Actor is the identity that acts on behalf of this one, usually nil.
	Actor *Identity
	// Bootstrap is the security token that the user signed in with, a credential of its
	// own, kept by sites that set saveBootstrapContext
	// (System.IdentityModel.Tokens.BootstrapContext). Nothing of it is interpreted.
	Bootstrap machinekey.Secret `json:"-"`
	// BootstrapKind says what Bootstrap is:
	//
	//	""         there is none
	//	"string"   the token as text, UTF-8
	//	"bytes"    the token as bytes
	//	"token"    the XML of a token object, UTF-8
	//	"windows"  a Windows token was there and cannot be carried; no bytes; WIF 1.0 only
	//
	// WIF 1.0 knows tokens as XML only: there "string" and "token" must be one XML
	// element when issued, and reading gives "token".
	BootstrapKind string
}

// bootstrapKinds are the kinds in the order of package wif.
var bootstrapKinds = [...]string{"", "string", "bytes", "token", "windows"}

// Principal is the signed-in user (System.Security.Claims.ClaimsPrincipal). All methods are safe
// on a nil Principal, which has no identities. A Principal that came from a codec is not shared;
// treat one from a request context as read-only.
type Principal struct {
	// Identities are in the order of the token; the first is the primary one.
	Identities []Identity
}

// NewPrincipal returns a user with a name and roles who can be signed in with any
// kind of ticket. It has one identity of the AuthenticationType "Federation", which
// is that of WIF, with claims of [ClaimTypeName] and [ClaimTypeRole].
//
// A forms ticket has no place for roles but its user data; see FormsOptions.Roles. Add other
// claims to the identity, such as [ClaimTypeNameIdentifier], which ASP.NET Identity asks for.
func NewPrincipal(name string, roles ...string) *Principal {
	id := Identity{AuthenticationType: "Federation",
		Claims: []Claim{{Type: ClaimTypeName, Value: name}}}
	for _, role := range roles {
		id.Claims = append(id.Claims, Claim{Type: ClaimTypeRole, Value: role})
	}
	return &Principal{Identities: []Identity{id}}
}

// identities are those of p, which may be nil.
func (p *Principal) identities() []Identity {
	if p == nil {
		return nil
	}
	return p.Identities
}

// Name returns the name of the primary identity, the value of its first claim of
// type NameClaimType, or "".
func (p *Principal) Name() string {
	if len(p.identities()) == 0 {
		return ""
	}
	id := &p.Identities[0]
	nameType := cmp.Or(id.NameClaimType, ClaimTypeName)
	for k := range id.Claims {
		if fold.Equal(id.Claims[k].Type, nameType) {
			return id.Claims[k].Value
		}
	}
	return ""
}

// IsAuthenticated reports whether any identity is authenticated: whether it
// names its AuthenticationType, as ClaimsIdentity.IsAuthenticated does.
func (p *Principal) IsAuthenticated() bool {
	for k := range p.identities() {
		if p.Identities[k].AuthenticationType != "" {
			return true
		}
	}
	return false
}

// HasRole reports whether any identity has the role, as
// ClaimsPrincipal.IsInRole does. The comparison is exact.
func (p *Principal) HasRole(role string) bool {
	for k := range p.identities() {
		id := &p.Identities[k]
		roleType := cmp.Or(id.RoleClaimType, ClaimTypeRole)
		for i := range id.Claims {
			if id.Claims[i].Value == role && fold.Equal(id.Claims[i].Type, roleType) {
				return true
			}
		}
	}
	return false
}

// First returns the first claim of the given type. As in .NET, claim types
// compare without regard to case.
func (p *Principal) First(claimType string) (Claim, bool) {
	for c := range p.All(claimType) {
		return c, true
	}
	return Claim{}, false
}

// All iterates over the claims of the given type in all identities, actors
// apart; the empty type means every claim.
func (p *Principal) All(claimType string) iter.Seq[Claim] {
	return func(yield func(Claim) bool) {
		for k := range p.identities() {
			for _, c := range p.Identities[k].Claims {
				if (claimType == "" || fold.Equal(c.Type, claimType)) && !yield(c) {
					return
				}
			}
		}
	}
}
