package doctor

// Bounds on what one examination does. They are generous for what a browser
// sends and keep a run on hostile input below some seconds.
const (
	// MaxText is the number of characters of one credential that is searched:
	// several times the headers that IIS takes by default (16 KiB). A longer
	// one is read as the node does, and no more.
	MaxText = 64 << 10

	maxCredentials = 8  // in one header
	maxOthers      = 3  // cookies of unknown names that look like credentials
	maxRepairs     = 8  // texts that one credential may have been
	maxAuthTypes   = 32 // AuthenticationTypes that are tried
	minLook        = 40 // characters below which an unknown cookie is no credential

	// maxSignatures is the number of combinations of key, algorithm and
	// purpose that one credential is compared with.
	maxSignatures = 20000
	// maxHashed is the number of bytes that these comparisons hash for one
	// credential: with every key and purpose, four times over, for one of
	// MaxText.
	maxHashed = 128 << 20
	// maxOpen is the number of combinations of cipher, protection and format
	// that are tried behind a signature, or without one.
	maxOpen = 8000
)
