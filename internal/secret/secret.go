// Package secret keeps bytes that must not be printed: keys and tokens.
package secret

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Bytes is an immutable byte string that prints as its length and nothing
// else, wherever it stands: with every verb of fmt, in slog and in text
// encodings such as JSON; gob refuses it. The zero value is empty.
//
// Fmt calls no method of an unexported field and walks its fields instead, as
// it does for %p. It prints pointers inside as addresses, except that it
// follows one where its walk begins; so the bytes are behind two. A func would
// hide them from package reflect too, but from reflect.DeepEqual as well, with
// which tests compare tokens.
type Bytes struct {
	_ [0]func() // not for ==, which would compare addresses
	p **[]byte  // nil if empty
}

// New returns a copy of b.
func New(b []byte) Bytes { return Own(bytes.Clone(b)) }

// Own is New without the copy: nobody may change b any more.
func Own(b []byte) Bytes { return new(Box).Own(b) }

// Box is the room that one Bytes takes, for a struct that has room for it.
type Box struct {
	p *[]byte
	b []byte
}

// Own is the function Own without an allocation. A box is used once.
func (x *Box) Own(b []byte) Bytes {
	if len(b) == 0 {
		return Bytes{}
	}
	x.b, x.p = b, &x.b
	return Bytes{p: &x.p}
}

// View returns the bytes themselves, which must not be changed. It is no
// method, so that only this module can call it.
func View(b Bytes) []byte {
	if b.p == nil {
		return nil
	}
	return **b.p
}

// Reveal returns a copy of the bytes, nil if there are none.
func (b Bytes) Reveal() []byte { return bytes.Clone(View(b)) }

// Len returns the number of bytes.
func (b Bytes) Len() int { return len(View(b)) }

// Equal reports whether a and b are the same bytes, in a time that depends on
// their lengths only.
func (b Bytes) Equal(other Bytes) bool {
	return subtle.ConstantTimeCompare(View(b), View(other)) == 1
}

// String returns the length in words.
func (b Bytes) String() string {
	if b.Len() == 1 {
		return "1 secret byte"
	}
	return fmt.Sprintf("%d secret bytes", b.Len())
}

// Format implements [fmt.Formatter] for every verb.
func (b Bytes) Format(s fmt.State, _ rune) { io.WriteString(s, b.String()) }

// LogValue implements [slog.LogValuer].
func (b Bytes) LogValue() slog.Value { return slog.StringValue(b.String()) }

// MarshalText implements [encoding.TextMarshaler] for JSON and XML.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// GobEncode fails: there is no decoder to get the bytes back.
func (b Bytes) GobEncode() ([]byte, error) { return nil, errGob }

var errGob = errors.New("secret: bytes that must not be printed are not encoded either")
