package chunks

// Bounds on what is read from a request and written to a response. All of
// them hold for any input, so that the cost of a request grows with the size
// of its header and no faster.
const (
	// MaxChunks is the number of chunks that one credential may have, read or
	// written, Katana's marker apart. ChunkedCookieHandler has no limit and
	// only logs a warning past 20, and Katana has none either. Browsers must
	// keep 50 cookies per domain (RFC 6265, section 6.1), so a set that survives
	// a browser fits.
	MaxChunks = 60

	// MaxLength is the length in bytes of the joined text. http.sys, below
	// IIS, stops at 16 KiB of headers by default and cannot be set to take a
	// header line of more than 65534 bytes (MaxFieldLength), so that no node
	// on .NET Framework ever gets more; net/http stops at 1 MiB.
	MaxLength = 64 << 10

	// DefaultChunkSize is the number of characters in a full chunk when none
	// is configured (ChunkedCookieHandler.DefaultChunkSize).
	DefaultChunkSize = 2000

	// MinChunkSize is the smallest chunk size that can be configured
	// (ChunkedCookieHandler.MinimumChunkSize).
	MinChunkSize = 1000

	// DefaultKatanaSize is the number of bytes in the Set-Cookie line of a
	// chunk, name and attributes included, when none is configured
	// (ChunkingCookieManager.ChunkSize).
	DefaultKatanaSize = 4090

	// DefaultCoreSize is the number of characters in the line of a chunk of
	// ASP.NET Core (ChunkingCookieManager.DefaultChunkSize).
	DefaultCoreSize = 4050

	// MaxCookieSize is the number of bytes of name and value together beyond
	// which browsers drop a cookie without a word (RFC 6265bis, section 5.6).
	// Nothing larger is written.
	MaxCookieSize = 4096
)

// Limits on the cookies of one session together. nginx takes header lines of
// up to 8 KiB (large_client_header_buffers) and http.sys, below IIS, of up to
// 16 KiB (MaxFieldLength), with the names and cookies of others among them.
const (
	// WarnBytes is the size from which a sign-in logs a warning.
	WarnBytes = 7 << 10
	// DefaultMaxBytes is SessionsOptions.MaxBytes where it is zero.
	DefaultMaxBytes = 15 << 10
)

// Join keeps one bit of a uint64 for each chunk and one for the first that is
// too many, or for Katana's marker; a larger MaxChunks does not compile.
const _ = uint(63 - MaxChunks)

// maxInspectIndex bounds the chunk numbers that Inspect reports. Join looks at
// none above MaxChunks.
const maxInspectIndex = 9999

// What is read of the header Cookie, all its lines together: other cookies and
// the names have their place in it. Beyond that nothing is, since finding a
// cookie must not cost more than a MAC.
const (
	// MaxHeader is the length in bytes.
	MaxHeader = MaxLength + 16<<10
	// maxCookies is the number of cookies, and of lines. Chrome and Firefox keep
	// 180 for a site and all its hosts (see docs/limits.md).
	maxCookies = 200
	// maxBlanks is the number of spaces and tabs in a header of more than
	// usualHeader bytes. Browsers send one between two cookies, and some sites
	// have a few in a value.
	maxBlanks   = 2000
	usualHeader = 8 << 10
	// maxEscaped is the length in bytes of a joined text of Katana with percent
	// escapes, of which its tickets have none. It is what http.sys takes of
	// headers by default.
	maxEscaped = 16 << 10
)
