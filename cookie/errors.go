package cookie

import (
	"errors"
	"fmt"
	"net/http"
)

// Sentinels for errors.Is. To the client all of them look the same, but for
// ErrUnavailable; they are kept apart for the operator.
var (
	// ErrNoCredential means that the request carries nothing to read.
	ErrNoCredential = errors.New("cookie: the request carries no credential")
	// ErrNoCookie means that the cookie, or its first chunk, is not in the
	// request. It matches [ErrNoCredential] and [http.ErrNoCookie].
	ErrNoCookie = fmt.Errorf("%w: %w", ErrNoCredential, http.ErrNoCookie)
	// ErrTooManyChunks means more than [MaxChunks] chunks.
	ErrTooManyChunks = fmt.Errorf("cookie: more than %d chunks", MaxChunks)
	// ErrMissingChunk means that a cookie of Katana announces chunks that are
	// not all there. Katana then takes the announcement for the text, or
	// throws; see its option ThrowForPartialCookies.
	ErrMissingChunk = errors.New("cookie: a chunk is missing")
	// ErrTooLong means that the joined text is longer than [MaxLength], that
	// the header Cookie has more than 80 KiB, 200 cookies or 2000 blanks, or
	// that one cookie to be written is larger than [MaxCookieSize].
	ErrTooLong = errors.New("cookie: value too long")
	// ErrInvalidCookie means that a cookie to be written has a name, a value
	// or attributes that net/http would drop or change, or that a browser
	// would refuse.
	ErrInvalidCookie = errors.New("cookie: cookie cannot be written")
	// ErrNotAuthenticated means that the credential is good but says that
	// nobody is signed in: none of its identities is authenticated.
	ErrNotAuthenticated = errors.New("cookie: the credential is of a user who is not authenticated")
	// ErrUnavailable means that it could not be decided whether the user is
	// signed in: the store is down, the request was cancelled, or the source
	// or the reader is set up wrongly.
	ErrUnavailable = errors.New("cookie: the credential could not be checked")
)
