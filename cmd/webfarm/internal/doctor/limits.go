package doctor

// Bounds of one examination. They are generous for the cookies of a browser, and keep a run on
// hostile input below some seconds.
const (
	// MaxText is the largest credential to search, in characters: several times the headers that
	// IIS takes by default (16 KiB). A longer one is only read with the node's own setup.
	MaxText = 64 << 10

	maxCredentials = 8  // in one header
	maxOthers      = 3  // cookies of unknown names that look like credentials
	maxRepairs     = 8  // repaired texts of one credential
	maxAuthTypes   = 32 // AuthenticationTypes to try
	minLook        = 40 // characters of an unknown cookie that counts as a credential

	// maxSignatures bounds the combinations of key, algorithm and purpose for one credential.
	maxSignatures = 20000
	// maxHashed bounds the bytes that they hash: four times the need of a credential of MaxText
	// with every key and purpose.
	maxHashed = 128 << 20
	// maxOpen bounds the combinations of cipher, protection and format, with or without a
	// signature.
	maxOpen = 8000
)
