package cookie

import (
	"errors"

	"github.com/webfarm-go/webfarm/internal/chunks"
)

// Sentinels for errors.Is. To the client all of them look the same, but for
// ErrUnavailable; they are kept apart for the operator.
var (
	// ErrNoCredential means that the request carries nothing to read. The error
	// for a cookie that is not there, or whose first chunk is not, matches
	// [http.ErrNoCookie] too.
	ErrNoCredential = chunks.ErrNoCredential
	// ErrMissingChunk means that a cookie of Katana announces chunks that are
	// not all there. Katana then takes the announcement for the text, or
	// throws; see its option ThrowForPartialCookies.
	ErrMissingChunk = chunks.ErrMissingChunk
	// ErrTooLong means that a text is longer than 64 KiB, that the header Cookie
	// has more than 80 KiB, 200 cookies or 2000 blanks, that one cookie to be
	// written is larger than 4096 bytes with its name, or that all cookies of a
	// session are larger than SessionsOptions.MaxBytes. More than 60 chunks match
	// it too.
	ErrTooLong = chunks.ErrTooLong
	// ErrInvalidCookie means that a cookie to be written has a name, a value
	// or attributes that net/http would drop or change, or that a browser
	// would refuse.
	ErrInvalidCookie = chunks.ErrInvalidCookie
	// ErrNotAuthenticated means that the credential is good but says that
	// nobody is signed in: none of its identities is authenticated.
	ErrNotAuthenticated = errors.New("cookie: the credential is of a user who is not authenticated")
	// ErrForbidden means that the user is signed in and lacks what [RequireRole] or
	// [RequireClaim] asks for.
	ErrForbidden = errors.New("cookie: the user lacks a role or claim")
	// ErrUnavailable means that it could not be decided whether the user is
	// signed in: the store is down, the request was cancelled, or the source
	// or the reader is set up wrongly.
	ErrUnavailable = errors.New("cookie: the credential could not be checked")
)
