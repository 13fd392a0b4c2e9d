package nrbf

import (
	"encoding/base64"
	"unicode/utf8"
)

// This file finds the reason why a stream that differs from the accepted
// bytes is refused. It decides nothing: whatever it finds, the stream is
// refused.

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
