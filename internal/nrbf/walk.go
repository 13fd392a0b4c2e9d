package nrbf

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/dotnet"
)

// This file finds the reason why a stream that differs from the accepted bytes is
// refused. It decides nothing: whatever it finds, the stream is refused.

// Record codes of [MS-NRBF] 2.1.2.1, as far as they have a name here.
const (
	recClassWithID = 0x01 // a class named before: none but our own
	recClass       = 0x05 // ClassWithMembersAndTypes
	recString      = 0x06 // BinaryObjectString
	recPrimitive   = 0x08 // MemberPrimitiveTyped
	recReference   = 0x09 // MemberReference
	recNull        = 0x0a // ObjectNull
	recEnd         = 0x0b // MessageEnd
	recLibrary     = 0x0c // BinaryLibrary
	recBytes       = 0x0f // ArraySinglePrimitive
	recLast        = 0x16 // MethodReturn
)

// walk follows the fields of a refused stream, notes where they differ in a way that
// BinaryFormatter allows, and stops where it does not. After it stopped its methods do nothing.
type walk struct {
	r    dotnet.Reader
	size int    // of the whole stream
	odd  int    // offset of the first form that .NET does not write, or -1
	err  *Error // why the walk stopped, or nil
}

func newWalk(data []byte) *walk { return &walk{r: data, size: len(data), odd: -1} }

// pos returns the offset of the next byte.
func (w *walk) pos() int { return w.size - len(w.r) }

// note keeps the offset of the first form that .NET does not write.
func (w *walk) note(at int) {
	if w.err == nil && w.odd < 0 {
		w.odd = at
	}
}

// fail stops the walk. The rest is dropped, so that every later read fails.
func (w *walk) fail(at int, reason error) {
	if w.err == nil {
		w.err = &Error{Offset: at, Err: reason}
		w.r = nil
	}
}

// ok stops the walk at the end of the stream if a read did not succeed.
func (w *walk) ok(read bool) bool {
	if !read {
		w.fail(w.size, ErrTruncated)
	}
	return read
}

// next reports whether the next byte is b.
func (w *walk) next(b byte) bool { return len(w.r) > 0 && w.r[0] == b }

// literal expects the bytes of want.
func (w *walk) literal(want string) {
	if readLiteral(&w.r, want) {
		return
	}
	if len(w.r) < len(want) && string(w.r) == want[:len(w.r)] {
		w.fail(w.size, ErrTruncated)
	}
	w.fail(w.pos(), ErrMalformed)
}

// usual reads a byte and notes if it is not the usual one.
func (w *walk) usual(want byte) {
	var b uint8
	at := w.pos()
	if w.ok(w.r.ReadUint8(&b)) && b != want {
		w.note(at)
	}
}

// id reads an id or a number and notes if it is not the usual one.
func (w *walk) id(usual int32) (id int32) {
	at := w.pos()
	if w.ok(w.r.ReadInt32(&id)) && id != usual {
		w.note(at)
	}
	return id
}

// sameID expects an id that was read before.
func (w *walk) sameID(want int32) {
	var id int32
	at := w.pos()
	if w.ok(w.r.ReadInt32(&id)) && id != want {
		w.fail(at, ErrMalformed)
	}
}

// char reads one character, which takes one to four bytes of UTF-8.
func (w *walk) char() rune {
	c, n := utf8.DecodeRune(w.r)
	switch {
	case !utf8.FullRune(w.r):
		w.fail(w.size, ErrTruncated)
	case c == utf8.RuneError && n == 1:
		w.fail(w.pos(), ErrMalformed)
	default:
		w.r = w.r[n:]
	}
	return c
}

// text reads a length-prefixed string and notes a padded length.
func (w *walk) text() (text []byte) {
	var n int
	at := w.pos()
	if !w.r.ReadUint7(&n) {
		if len(w.r) >= 5 {
			w.fail(at, ErrMalformed) // over 31 bits
		}
		w.fail(w.size, ErrTruncated)
		return nil
	}
	if w.pos()-at != dotnet.Uint7Size(n) {
		w.note(at)
	}
	w.ok(w.r.ReadBytes(&text, n))
	return text
}

// record expects a record by its code. Any other that starts an object or
// names a library is what a stream of another class has in this place.
func (w *walk) record(code byte) {
	var b uint8
	at := w.pos()
	if !w.ok(w.r.ReadUint8(&b)) || b == code {
		return
	}
	switch b {
	case 0, recClassWithID, recPrimitive, recReference, recNull, recEnd:
		w.fail(at, ErrMalformed)
	}
	if b > recLast {
		w.fail(at, ErrMalformed)
	}
	w.fail(at, ErrOtherType)
}

// class walks from the start to the end of the members' names and returns the id of the library.
func (w *walk) class(name, members string) (library int32) {
	w.literal("\x00")
	root := w.id(1)
	w.id(-1)                      // header
	w.literal("\x01\x00\x00\x00") // major version
	w.id(0)                       // minor version
	w.record(recLibrary)
	library = w.id(2)
	at := w.pos()
	full := w.text()
	assembly, _, _ := bytes.Cut(full, []byte(","))
	if string(assembly) != assemblyName {
		w.fail(at, ErrOtherType)
	}
	if string(full) != libraryName {
		w.note(at) // .NET may load it all the same
	}
	w.record(recClass)
	w.sameID(root)
	at = w.pos()
	if string(w.text()) != name {
		w.fail(at, ErrOtherType)
	}
	w.literal(members)
	return library
}

// array walks over a reference to an array of bytes and over the array.
func (w *walk) array() (data []byte) {
	w.record(recReference)
	id := w.id(3)
	w.record(recBytes)
	w.sameID(id)
	at := w.pos()
	var n int32
	if w.ok(w.r.ReadInt32(&n)) && n < 0 {
		w.fail(at, ErrMalformed)
	}
	w.usual(elementByte)
	w.ok(w.r.ReadBytes(&data, int(n)))
	return data
}

// end expects the end of the stream and returns the reason of the refusal.
func (w *walk) end() error {
	w.record(recEnd)
	switch {
	case w.err != nil:
		return w.err
	case w.odd >= 0:
		return &Error{Offset: w.odd, Err: ErrNonCanonical}
	}
	return &Error{Offset: w.pos(), Err: ErrTrailing}
}

// refuseSession returns the reason why data is not a session stream.
func refuseSession(data []byte) error {
	w := newWalk(data)
	library := w.class(sessionClass, sessionMembers)
	w.literal("\x07") // array of primitives
	w.usual(elementByte)
	w.sameID(library)
	if at := w.pos(); len(w.array()) == 0 {
		w.fail(at, ErrMalformed)
	}
	return w.end()
}

// refuseBootstrap returns the reason why data is not a bootstrap stream.
func refuseBootstrap(data []byte) error {
	w := newWalk(data)
	library := w.class(bootstrapClass, bootstrapMembers)
	w.literal("\x00") // K is a primitive
	array := w.next(0x07)
	if array {
		w.literal("\x07\x03")
		w.usual(elementByte)
	} else {
		w.literal("\x01\x03")
	}
	w.sameID(library)

	at := w.pos()
	kind := w.char()
	switch {
	case kind != rune(KindBytes) && kind != rune(KindString) && kind != rune(KindToken):
		w.note(at) // reads as an empty context
	case array != (kind == rune(KindBytes)):
		w.fail(at, ErrMalformed)
	}

	at = w.pos()
	switch {
	case w.next(recNull) && kind != rune(KindToken):
		w.note(at)
		w.record(recNull)
	case array:
		w.array()
	default:
		w.record(recString)
		w.id(3)
		at = w.pos()
		text := w.text()
		if kind == rune(KindToken) {
			text = w.token(at, text)
		}
		if !utf8.Valid(text) {
			w.note(at) // reads as U+FFFD
		}
	}
	return w.end()
}

// token decodes the base64 text of a KindToken with the freedom of .NET, save
// for blanks: line breaks and spare bits pass.
func (w *walk) token(at int, text []byte) []byte {
	xml, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil {
		w.fail(at, ErrMalformed)
	} else if base64.StdEncoding.EncodeToString(xml) != string(text) {
		w.note(at)
	}
	return xml
}
