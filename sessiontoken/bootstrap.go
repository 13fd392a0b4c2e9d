package sessiontoken

import "github.com/webfarm-go/webfarm/machinekey"

// BootstrapKind says in which form a [Bootstrap] holds the original token.
type BootstrapKind uint8

// The kinds of BootstrapContext.
const (
	BootstrapNone    BootstrapKind = iota // no bootstrap context
	BootstrapString                       // Data is the token as text, UTF-8
	BootstrapBytes                        // Data is the token as bytes
	BootstrapToken                        // Data is the XML of a token object, UTF-8
	BootstrapWindows                      // a Windows token was there and cannot be carried; no Data; WIF 1.0 only
)

// Bootstrap is the security token that the user signed in with, kept by sites
// that set saveBootstrapContext (System.IdentityModel.Tokens.BootstrapContext).
// It is a credential of its own: it never shows in logs or JSON. Nothing of
// it is interpreted. The zero value is none.
//
// WIF 1.0 knows tokens as XML only: there BootstrapString and BootstrapToken
// must be one XML element when issued, and reading gives BootstrapToken.
type Bootstrap struct {
	// Kind says what Data is.
	Kind BootstrapKind
	// Data is the token.
	Data machinekey.Secret `json:"-"`
}
