package sessiontoken

import "github.com/webfarm-go/webfarm/machinekey"

// Bootstrap is the security token that the user signed in with, kept by sites
// that set saveBootstrapContext (System.IdentityModel.Tokens.BootstrapContext).
// It is a credential of its own: it never shows in logs or JSON. Nothing of
// it is interpreted. The zero value is none.
type Bootstrap struct {
	// Kind says what Data is:
	//
	//	""         there is none
	//	"string"   the token as text, UTF-8
	//	"bytes"    the token as bytes
	//	"token"    the XML of a token object, UTF-8
	//	"windows"  a Windows token was there and cannot be carried; no Data; WIF 1.0 only
	//
	// WIF 1.0 knows tokens as XML only: there "string" and "token" must be one XML
	// element when issued, and reading gives "token".
	Kind string
	// Data is the token.
	Data machinekey.Secret `json:"-"`
}

// bootstrapKinds are the kinds in the order of package wif.
var bootstrapKinds = [...]string{"", "string", "bytes", "token", "windows"}
