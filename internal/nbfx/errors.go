package nbfx

import (
	"errors"
	"fmt"
)

// The causes in an [Error].
var (
	ErrSyntax      = errors.New("malformed or misplaced record")
	ErrTruncated   = errors.New("document ends too early")
	ErrText        = errors.New("text is not valid Unicode")
	ErrValue       = errors.New("value out of range")
	ErrDuplicate   = errors.New("duplicate attribute")
	ErrPrefix      = errors.New("namespace prefix is not declared, or declared as it must not be")
	ErrLimit       = errors.New("document exceeds a limit")
	ErrUnsupported = errors.New("record of a kind that tokens do not have")
)

// Error is a fault in a document. It holds no part of the document.
type Error struct {
	// Offset is the byte position in the document.
	Offset int
	// Err is one of this package's sentinels.
	Err error
}

// Error names the offset and the cause.
func (e *Error) Error() string { return fmt.Sprintf("nbfx: byte %d: %v", e.Offset, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
