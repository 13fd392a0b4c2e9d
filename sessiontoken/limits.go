package sessiontoken

// All bounds of this package. They hold for authenticated data too: whoever
// holds the farm's key should still not be able to stop a Go node.
const (
	// maxText bounds the text of a credential, in bytes. 1 MiB of token
	// grows to 1.8 MiB under two layers of base64; net/http stops at 1 MiB
	// of header by default.
	maxText = 2 << 20
	// maxToken bounds a token after inflating, in bytes
	// (DeflateCookieTransform.MaxDecompressedSize: exactly this many pass).
	maxToken = 1 << 20
	// maxActors bounds the chain of actors in one identity. .NET has no
	// bound and overflows its stack.
	maxActors = 16
	// maxRecords bounds the elements, attributes and texts of a token. Real
	// ones have some hundred; 1 MiB could hold 500,000 empty ones.
	maxRecords = 1 << 18
	// maxProperties bounds the properties of one claim, which are compared
	// with each other.
	maxProperties = 1024
	// maxEnvelopeNodes and maxEnvelopeAttributes bound the XML around the
	// token, which is read before anything is authenticated. .NET writes ten
	// nodes and four attributes.
	maxEnvelopeNodes      = 1 << 16
	maxEnvelopeAttributes = 256
)
