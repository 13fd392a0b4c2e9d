// Package nrbf reads and writes the two BinaryFormatter streams that a WIF
// 4.5 session token travels in, and no other: that of a SessionSecurityToken,
// whose single member is the token document, and that of a BootstrapContext
// inside it. The format is [MS-NRBF]; sections 2.2 to 2.6 hold the records.
//
// A reader of arbitrary streams builds whatever class the bytes name, which is how a leaked
// machine key becomes code execution on a .NET server. This package has no such reader. Both
// streams are the same bytes every time but for one length and one payload, so a stream is
// compared with those bytes and refused unless all of them agree. What is accepted, written
// again, gives the same bytes.
//
// The record numbers are looked at only to say why a stream was refused.
package nrbf

import (
	"errors"
	"fmt"
)

// Sentinels for errors.Is, each wrapped in an [*Error].
var (
	// ErrOtherType means a stream whose header is well formed and that holds
	// another class. .NET builds that object before it looks at its type;
	// in a session token it is what an exploit of a leaked key looks like.
	ErrOtherType = errors.New("nrbf: stream of another class")
	// ErrTruncated means that the stream ends too soon.
	ErrTruncated = errors.New("nrbf: truncated stream")
	// ErrMalformed means bytes that BinaryFormatter, or the class, refuses.
	ErrMalformed = errors.New("nrbf: malformed stream")
	// ErrNonCanonical means a stream of the right class in a form that .NET
	// never writes, though it may read it.
	ErrNonCanonical = errors.New("nrbf: stream in a form that .NET does not write")
	// ErrTrailing means bytes after the end of the stream. It is also an
	// ErrNonCanonical, because .NET ignores them.
	ErrTrailing = fmt.Errorf("%w: bytes after its end", ErrNonCanonical)
	// ErrBootstrap means data that cannot be written as a bootstrap context:
	// an unknown kind, text that is not UTF-8, or more than 2 GiB.
	ErrBootstrap = errors.New("nrbf: not a bootstrap context")
)

// Error says where and why a stream was refused. It holds nothing of the stream's content.
type Error struct {
	// Offset is the number of bytes before the one that was refused.
	Offset int
	// Err is one of the sentinels.
	Err error
}

// Error returns the reason and the offset.
func (e *Error) Error() string { return fmt.Sprintf("%v (at byte %d)", e.Err, e.Offset) }

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }
