package coreticket

// The bounds of this package besides those of package limits. They hold for authenticated data
// too: whoever holds the farm's keys should still not be able to stop a Go node. .NET has none.
const (
	// maxIdentities bounds the identities of a ticket; a user has one or two.
	maxIdentities = 64
	// maxClaims bounds the claims of all identities and actors together. Each
	// takes 9 bytes in the ticket and 100 in memory.
	maxClaims = 1 << 14
	// maxPairs bounds all properties of a ticket.
	maxPairs = 1 << 14
)
