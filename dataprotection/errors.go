package dataprotection

import (
	"errors"
	"fmt"

	"github.com/webfarm-go/webfarm/internal/seal"
)

var (
	// ErrUnprotect is the only error that the bytes given to Unprotect can
	// cause: too short, not authentic, protected with another purpose, or with
	// a key that is revoked, cannot be used or is not in the ring. It has no
	// detail, so that nothing can be learned from it.
	ErrUnprotect = fmt.Errorf("dataprotection: %w", seal.ErrUnprotect)
	// ErrUnavailable says that nobody can tell now: the data names a key that
	// is not known, and the ring could not be read. At the edge it is a 503.
	ErrUnavailable = fmt.Errorf("dataprotection: %w: "+
		"one that is not known is asked for, and the ring cannot be read", seal.ErrUnavailable)
	// ErrNoKey says that no key of the ring may protect now. The text of the
	// error that wraps it says why: there is none, or none that can be used here.
	ErrNoKey = errors.New("dataprotection: no key of the ring may protect now")
	// ErrExpired says that a time-limited payload is authentic and too old.
	ErrExpired = errors.New("dataprotection: the payload has expired")
)

// RingError says what is wrong with a ring or with one of its keys. It never
// contains key bytes.
type RingError struct {
	// File is the name that the repository gave the element: a file's name for
	// a folder. It may be empty.
	File string
	// Element is the element at fault, for example "key 28f02350-…" or
	// "revocation", and is empty if that is the whole file or ring.
	Element string
	// Err is the cause.
	Err error
}

// Error describes the fault in one line.
func (e *RingError) Error() string {
	text := "dataprotection: "
	if e.File != "" {
		text += e.File + ": "
	}
	if e.Element != "" {
		text += e.Element + ": "
	}
	return text + e.Err.Error()
}

// Unwrap returns the cause.
func (e *RingError) Unwrap() error { return e.Err }
