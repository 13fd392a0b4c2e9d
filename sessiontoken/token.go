package sessiontoken

import (
	"fmt"
	"io"
	"time"

	"github.com/webfarm-go/webfarm/internal/secret"
	"github.com/webfarm-go/webfarm/machinekey"
)

// Token is a WIF session token
// (System.IdentityModel.Tokens.SessionSecurityToken): who is signed in, and
// for how long. Make one with [SessionCodec.NewToken].
//
// Times have the resolution of .NET, 100 ns, and a range of the years 1 to
// 9999; both are UTC after reading.
type Token struct {
	// ID names this token; not empty.
	ID string
	// ContextID names the session, usually "urn:uuid:" and a UUID; not empty,
	// without white space at its ends. In reference mode it is as good as the
	// cookie.
	ContextID machinekey.Secret `json:"-"`
	// KeyGeneration distinguishes keys of one session; usually empty.
	KeyGeneration string
	// EndpointID is the cookie path the token was issued for. Empty fits
	// every path.
	EndpointID string
	// Context is free text; sites with WS-Federation keep the sign-out
	// address of the identity provider in it.
	Context string
	// Key is a symmetric key for WCF, 16 random bytes that a web site never
	// uses.
	Key machinekey.Secret `json:"-"`
	// ValidFrom and ValidTo limit the session, clock skew apart.
	ValidFrom, ValidTo time.Time
	// KeyEffective and KeyExpires limit the key; .NET never checks them.
	KeyEffective, KeyExpires time.Time
	// Persistent asks for a cookie that outlives the browser.
	Persistent bool
	// ReferenceMode keeps the token in a store and only its name in the
	// cookie.
	ReferenceMode bool
	// SecureConversationFeb2005 says that the envelope names the February 2005
	// version of WS-SecureConversation in place of 1.3, which .NET writes. It has
	// no other effect.
	SecureConversationFeb2005 bool
	// Principal is the signed-in user.
	Principal Principal

	openedBy string
}

// OpenedBy returns the id of the key that opened the token, so that a token
// opened with an older key can be issued again. It is empty for a token that
// was not read from a cookie, or from one of certificates.
func (t *Token) OpenedBy() string { return t.openedBy }

// contextID is the text of ContextID.
func (t *Token) contextID() string { return string(secret.View(t.ContextID)) }

// text describes the token for a log: no claim values, no key, and in
// reference mode no ContextID.
func (t Token) text() string {
	context := fmt.Sprintf("context %q", t.contextID())
	if t.ReferenceMode {
		context = "by reference"
	}
	return fmt.Sprintf("sessiontoken.Token{%s, %d identities, valid %s to %s}",
		context, len(t.Principal.Identities), t.ValidFrom.Format(time.RFC3339),
		t.ValidTo.Format(time.RFC3339))
}

// Format implements [fmt.Formatter] for every verb, so that none prints the
// key or a bootstrap token.
func (t Token) Format(s fmt.State, _ rune) { io.WriteString(s, t.text()) }
