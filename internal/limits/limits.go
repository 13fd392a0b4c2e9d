// Package limits has the bounds of the wire formats, each with its source.
// They hold for authentic data too: whoever holds the farm's key should still
// not be able to stop a Go node.
package limits

const (
	// Text bounds the text of a credential, in bytes. 1 MiB of token grows to
	// 1.8 MiB under two layers of base64; net/http stops at 1 MiB of header by
	// default.
	Text = 2 << 20
	// Unusual bounds, in bytes, what .NET reads and no software writes: a text
	// with white space in it, and XML in UTF-16. 16 KiB is what http.sys takes
	// of headers by default.
	Unusual = 16 << 10
	// Token bounds a token after inflating, in bytes
	// (DeflateCookieTransform.MaxDecompressedSize: exactly this many pass).
	Token = 1 << 20
	// Actors bounds the chain of actors in one identity. .NET has no bound and
	// overflows its stack.
	Actors = 16
	// Records bounds the elements, attributes and texts of a token. Real ones
	// have some hundred; 1 MiB could hold 500,000 empty ones.
	Records = 1 << 18
	// Properties bounds the properties of one claim, or of a ticket of Katana,
	// which are compared with each other.
	Properties = 1024
	// Bootstrap bounds the XML of a bootstrap token in WIF 1.0, in bytes. In
	// the document it is binary and can grow forty-fold as text.
	Bootstrap = 1 << 20
	// Depth bounds the open elements of a document, those of a bootstrap token
	// included.
	Depth = 64
	// EnvelopeMarkup bounds the bytes of an envelope apart from the base64 in
	// it, for envelopes that are not written as .NET writes them. All of it is
	// read before anything is authenticated. .NET writes some 500 bytes
	// (SessionSecurityTokenHandler.WriteToken), and more only for an Id or
	// ContextId of the site's own making.
	EnvelopeMarkup = 4096
	// EnvelopeMarks bounds the elements, comments, CDATA sections, references
	// and attributes of such an envelope. .NET writes 12.
	EnvelopeMarks = 128
	// KatanaClaims bounds the claims of a ticket of Katana, which has no bound.
	// Each takes 5 bytes in the ticket and 100 in memory.
	KatanaClaims = 1 << 14
	// FormsText bounds the text of a forms ticket or role cookie, in
	// characters (FormsAuthentication.Decrypt, RolePrincipal).
	FormsText = 4096
	// AnonymousText bounds the text of an anonymous id, in UTF-16 code units
	// (AnonymousIdentificationModule).
	AnonymousText = 512
	// AnonymousID bounds the id in it, in the same units.
	AnonymousID = 128
)
