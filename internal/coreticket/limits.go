package coreticket

// All bounds of this package. They hold for authenticated data too: whoever holds the farm's
// keys should still not be able to stop a Go node. .NET has none.
const (
	// maxTicket bounds a ticket, in bytes: what other formats of a session may
	// have (DeflateCookieTransform.MaxDecompressedSize).
	maxTicket = 1 << 20
	// maxIdentities bounds the identities of a ticket; a user has one or two.
	maxIdentities = 64
	// maxActors bounds the chain of actors of one identity.
	maxActors = 16
	// maxClaims bounds the claims of all identities and actors together. Each
	// takes 9 bytes in the ticket and 100 in memory.
	maxClaims = 1 << 14
	// maxProperties bounds the properties of the ticket or of one claim, which
	// are compared with each other.
	maxProperties = 1 << 10
	// maxPairs bounds all properties of a ticket.
	maxPairs = 1 << 14
)
