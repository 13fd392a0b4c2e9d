package dataprotection

import "time"

// All bounds of this package, chosen here where no other source is named: .NET
// has none. A ring of ten years has some hundred elements of 1,500 bytes each,
// 7,000 if encrypted with a certificate.
const (
	// maxElements bounds the elements of a ring, and the files of a folder.
	maxElements = 10_000
	// maxElement bounds one element, in bytes.
	maxElement = 1 << 20
	// maxRing bounds all elements together, in bytes.
	maxRing = 16 << 20
	// maxDepth bounds how deep the XML of an element nests; a real one has 11
	// levels.
	maxDepth = 64
	// maxParts bounds the XML elements in one element of the ring; a real one
	// has 25.
	maxParts = 1000
	// maxDocumentParts bounds the XML elements of a whole document.
	maxDocumentParts = 25 * maxElements
	// maxSecrets bounds how many times parts of one key are decrypted: each
	// costs an RSA operation or a call of RingOptions.Decrypt.
	maxSecrets = 4
	// maxQuoted bounds what an error quotes of a name, in bytes. The longest
	// that .NET writes, a class with its assembly, has 250.
	maxQuoted = 300

	// maxReason bounds the reason of a revocation, in bytes.
	maxReason = 1000
	// keepAttempts bounds how often a keeper tries again because somebody else
	// has added to the ring meanwhile.
	keepAttempts = 5

	// minMasterKey is the shortest master key, in bytes: 256 bits, the strength
	// of the strongest cipher. .NET writes 64 and reads any.
	minMasterKey = 32

	// defaultInterval is the time between two readings of the ring. .NET has 24
	// hours, which leaves a revoked key in use for a day.
	defaultInterval = time.Minute
	// loadTimeout bounds one reading of the ring, so that a repository that
	// hangs is asked again.
	loadTimeout = 30 * time.Second
	// unknownWait is how long a request waits for a key that is not known.
	unknownWait = 2 * time.Second
	// unknownPause is how long unknown keys are refused at once after the ring
	// was read for one, so that made-up ids cost nothing.
	unknownPause = 5 * time.Second

	// These three are .NET's (KeyManagementOptions.KeyPropagationWindow,
	// MaxServerClockSkew and NewKeyLifetime).
	propagation    = 48 * time.Hour
	skew           = 5 * time.Minute
	newKeyLifetime = 90 * 24 * time.Hour
)
