package sessiontoken

// All bounds of this package. They hold for authenticated data too: whoever
// holds the farm's key should still not be able to stop a Go node.
const (
	// maxText bounds the text of a credential, in bytes. 1 MiB of token
	// grows to 1.8 MiB under two layers of base64; net/http stops at 1 MiB
	// of header by default.
	maxText = 2 << 20
	// maxUnusual bounds, in bytes, what .NET reads and no software writes: a
	// text with white space in it, and XML in UTF-16. 16 KiB is what http.sys
	// takes of headers by default.
	maxUnusual = 16 << 10
	// maxToken bounds a token after inflating, in bytes
	// (DeflateCookieTransform.MaxDecompressedSize: exactly this many pass).
	maxToken = 1 << 20
	// maxActors bounds the chain of actors in one identity. .NET has no
	// bound and overflows its stack.
	maxActors = 16
	// maxRecords bounds the elements, attributes and texts of a token. Real
	// ones have some hundred; 1 MiB could hold 500,000 empty ones.
	maxRecords = 1 << 18
	// maxProperties bounds the properties of one claim, or of a ticket of
	// Katana, which are compared with each other.
	maxProperties = 1024
	// maxKatanaClaims bounds the claims of a ticket of Katana, which has no
	// bound. Each takes 5 bytes in the ticket and 100 in memory.
	maxKatanaClaims = 1 << 14
	// maxBootstrap bounds the XML of a bootstrap token in WIF 1.0, in bytes.
	// In the document it is binary and can grow forty-fold as text.
	maxBootstrap = 1 << 20
	// maxDepth bounds the open elements of a document, those of a bootstrap
	// token included; it is the default of package nbfx.
	maxDepth = 64
	// maxCertificates bounds the certificates of a chain: each one that did
	// not sign a cookie costs an RSA verification.
	maxCertificates = 16
	// maxEnvelopeMarkup bounds the bytes of an envelope apart from the base64
	// in it, and maxEnvelopeMarks the elements, comments, CDATA sections,
	// references and attributes, for envelopes that are not written as .NET
	// writes them. All of it is read before anything is authenticated. .NET
	// writes some 500 bytes with 12 marks (SessionSecurityTokenHandler.WriteToken),
	// and more only for an Id or ContextId of the site's own making.
	maxEnvelopeMarkup = 4096
	maxEnvelopeMarks  = 128
	// maxFormsText bounds the text of a forms ticket or role cookie, in
	// characters (FormsAuthentication.Decrypt, RolePrincipal).
	maxFormsText = 4096
	// maxAnonymousText bounds the text of an anonymous id, and maxAnonymousID
	// the id in it, both in UTF-16 code units (AnonymousIdentificationModule).
	maxAnonymousText = 512
	maxAnonymousID   = 128
)
