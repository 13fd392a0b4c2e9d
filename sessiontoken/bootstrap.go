package sessiontoken

// BootstrapKind says in which form a [Bootstrap] holds the original token.
type BootstrapKind uint8

// The kinds of BootstrapContext.
const (
	BootstrapNone   BootstrapKind = iota // no bootstrap context
	BootstrapString                      // the token as a string
	BootstrapBytes                       // the token as bytes
	BootstrapToken                       // written from a token object; its XML as UTF-8
)

// Bootstrap is the security token that the user signed in with, kept by sites
// that set saveBootstrapContext (System.IdentityModel.Tokens.BootstrapContext).
// It is data, and nothing of it is parsed. The zero value is none.
type Bootstrap struct {
	// Kind says what Data is.
	Kind BootstrapKind
	// Data is the token: UTF-8 text, or bytes for BootstrapBytes.
	Data []byte
}
