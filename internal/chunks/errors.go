package chunks

import (
	"errors"
	"fmt"
	"net/http"
)

// Sentinels for errors.Is. Package cookie has most of them under its own name,
// which their texts therefore begin with.
var (
	// ErrNoCredential means that the request carries nothing to read.
	ErrNoCredential = errors.New("cookie: the request carries no credential")
	// ErrNoCookie means that the cookie, or its first chunk, is not in the
	// request. It matches [ErrNoCredential] and [http.ErrNoCookie].
	ErrNoCookie = fmt.Errorf("%w: %w", ErrNoCredential, http.ErrNoCookie)
	// ErrMissingChunk means that a cookie of Katana announces chunks that are
	// not all there. Katana then takes the announcement for the text, or
	// throws; see its option ThrowForPartialCookies.
	ErrMissingChunk = errors.New("cookie: a chunk is missing")
	// ErrTooLong means that the joined text is longer than [MaxLength], that
	// the header Cookie has more than 80 KiB, 200 cookies or 2000 blanks, or
	// that one cookie to be written is larger than [MaxCookieSize].
	ErrTooLong = errors.New("cookie: value too long")
	// ErrTooManyChunks means more than [MaxChunks] chunks. It matches
	// [ErrTooLong].
	ErrTooManyChunks = fmt.Errorf("%w: more than %d chunks", ErrTooLong, MaxChunks)
	// ErrInvalidCookie means that a cookie to be written has a name, a value
	// or attributes that net/http would drop or change, or that a browser
	// would refuse.
	ErrInvalidCookie = errors.New("cookie: cookie cannot be written")
)
