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
	// ErrMissingChunk, ErrTooLong and ErrInvalidCookie are described in package
	// cookie.
	ErrMissingChunk = errors.New("cookie: a chunk is missing")
	ErrTooLong      = errors.New("cookie: value too long")
	// ErrTooManyChunks means more than [MaxChunks] chunks. It matches
	// [ErrTooLong].
	ErrTooManyChunks = fmt.Errorf("%w: more than %d chunks", ErrTooLong, MaxChunks)
	ErrInvalidCookie = errors.New("cookie: cookie cannot be written")
)
