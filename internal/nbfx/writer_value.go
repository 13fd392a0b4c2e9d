package nbfx

import (
	"encoding/binary"
	"math"
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/dotnet"
)

// Text writes text as element content. Empty text is nothing at all; "0" and "1" have
// records of their own. Other text is UTF-8, or UTF-16 where that saves two bytes or more.
func (w *Writer) Text(s string) {
	if w.inElement() && s != "" {
		w.content()
		w.text(s)
	}
}

// Int64 writes a number as element content, in the shortest record.
func (w *Writer) Int64(v int64) {
	if !w.content() {
		return
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(v))
	switch {
	case v == 0:
		w.fixed(Zero, nil)
	case v == 1:
		w.fixed(One, nil)
	case v == int64(int8(v)):
		w.fixed(Int8, b[:1])
	case v == int64(int16(v)):
		w.fixed(Int16, b[:2])
	case v == int64(int32(v)):
		w.fixed(Int32, b[:4])
	default:
		w.fixed(Int64, b[:8])
	}
}

// Bytes writes bytes as element content, as one call of WriteBase64 does: whole groups of
// three at once, the rest with the bytes of the next call or in a record of its own.
func (w *Writer) Bytes(b []byte) {
	if !w.inElement() || len(b) == 0 {
		return
	}
	if len(b) > math.MaxInt32-len(w.tail) {
		w.fail(ErrLimit)
		return
	}
	w.closeTag()
	total := w.tails + len(b)
	rest := total % 3
	if total > rest {
		n := len(b) - rest
		w.byteRecord(total-rest, b[:n])
		b = b[n:]
	}
	w.tails += copy(w.tail[w.tails:], b)
}

// Record writes a value record of a fixed size as element content: its code and what follows it:
// nothing for StartList and EndList, which never end an element, an id for Dictionary.
func (w *Writer) Record(code byte, payload []byte) {
	if !w.content() {
		return
	}
	size := fixedSize(code)
	if !w.must(isValue(code) && (size == 0xff || int(size) == len(payload)),
		"not a value record of that size") {
		return
	}
	w.fixed(code, payload)
	if code == StartList || code == EndList {
		w.code = -1
	}
}

// Array writes elements of the same name, one for each of count packed values whose record
// has a fixed size. It does not follow .NET's use of its buffer: no token has arrays.
func (w *Writer) Array(name int, code byte, count int, packed []byte) {
	if !w.content() || !w.known(name) {
		return
	}
	size := int(fixedSize(code))
	if !w.must(isValue(code) && size != 0 && size != 0xff && count >= 1 && count <= len(packed) &&
		size*count == len(packed), "not an array of that size") {
		return
	}
	w.single(recArray)
	w.single(recShortDictElement)
	w.number(name << 1)
	w.single(recEndElement)
	w.single(code + 1)
	w.number(count)
	w.payload(packed)
	w.code = -1
}

// isValue reports whether code is that of a value record without an end.
func isValue(code byte) bool { return code >= Zero && code <= QName && code&1 == 0 }

// reserve follows .NET's buffer, which is emptied when n bytes do not fit any
// more. A code byte that has left it cannot be changed.
func (w *Writer) reserve(n int) {
	if w.fill+n > bufferSize {
		w.fill = 0
		w.code = -1
	}
}

// put appends bytes that were reserved.
func (w *Writer) put(b ...byte) {
	w.buf = append(w.buf, b...)
	w.fill += len(b)
}

// single writes a record that is its code byte, or begins with it.
func (w *Writer) single(code byte) {
	w.reserve(1)
	w.code = -1
	w.put(code)
}

// number writes a dictionary id or a length, 7 bits at a time.
func (w *Writer) number(n int) {
	w.reserve(5)
	if n < 0x80 {
		w.put(byte(n))
		return
	}
	before := len(w.buf)
	w.buf = dotnet.AppendUint7(w.buf, n)
	w.fill += len(w.buf) - before
}

// fixed writes a value record with a payload of a few bytes.
func (w *Writer) fixed(code byte, payload []byte) {
	w.reserve(1 + len(payload))
	w.code = len(w.buf)
	w.put(code)
	w.put(payload...)
}

// sized writes the code byte and the length of a value record. The code is
// the one with a length of 8 bits; 16 and 32 bits follow it.
func (w *Writer) sized(code byte, n int) {
	w.reserve(5)
	w.code = len(w.buf)
	switch {
	case n <= math.MaxUint8:
		w.put(code, byte(n))
	case n <= math.MaxUint16:
		w.put(code+2, byte(n), byte(n>>8))
	default:
		w.put(code+4, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
	}
}

// maxShortText is the longest text in UTF-16 code units that .NET writes in
// one piece, with its code and length.
const maxShortText = 85

// text writes a text that is not empty.
func (w *Writer) text(s string) {
	units := len(s)
	if units > math.MaxInt32 || !isASCII(s) { // ASCII needs no counting
		if !w.valid(s) {
			return
		}
		units = dotnet.UTF16Len(s)
	}
	wide := len(s)/2 > units
	switch {
	case s == "0":
		w.fixed(Zero, nil)
	case s == "1":
		w.fixed(One, nil)
	case units <= maxShortText:
		w.reserve(2 + 3*units)
		w.code = len(w.buf)
		if wide {
			w.put(UnicodeChars8, byte(2*units))
			w.utf16(s, units)
		} else {
			w.put(Chars8, byte(len(s)))
			w.utf8(s)
		}
	case wide:
		w.sized(UnicodeChars8, 2*units)
		w.pieces(s, units, bufferSize/2, 2)
	default:
		w.sized(Chars8, len(s))
		w.pieces(s, units, bufferSize/3, 3)
	}
}

// pieces writes text of so many code units as .NET passes it to its buffer: at most limit
// units at a time, one less if that would split a surrogate pair. Each piece reserves width
// bytes a unit: 3 is UTF-8, 2 is UTF-16.
func (w *Writer) pieces(s string, units, limit, width int) {
	for s != "" {
		piece, n := s, units
		if units > limit {
			piece, n = cut(s, units, limit)
		}
		w.reserve(width * n)
		if width == 2 {
			w.utf16(piece, n)
		} else {
			w.utf8(piece)
		}
		s = s[len(piece):]
		units -= n
	}
}

// cut returns the longest head of s that has at most limit UTF-16 code units,
// and their number. s has more, total in all.
func cut(s string, total, limit int) (head string, units int) {
	if total == len(s) { // ASCII
		return s[:limit], limit
	}
	for i, r := range s {
		n := 1
		if r > 0xffff {
			n = 2
		}
		if units+n > limit {
			return s[:i], units
		}
		units += n
	}
	return s, units
}

// utf8 appends s, for which room was reserved.
func (w *Writer) utf8(s string) {
	w.buf = append(w.buf, s...)
	w.fill += len(s)
}

// utf16 appends s as UTF-16 of so many code units, for which room was reserved.
func (w *Writer) utf16(s string, units int) {
	w.buf = dotnet.AppendUTF16LE(w.buf, s)
	w.fill += 2 * units
}

// byteRecord writes a record of n bytes: those that wait, then b.
func (w *Writer) byteRecord(n int, b []byte) {
	w.sized(Bytes8, n)
	if w.tails > 0 {
		w.reserve(w.tails)
		w.put(w.tail[:w.tails]...)
		w.tails = 0
	}
	if len(b) > 0 {
		w.payload(b)
	}
}

// payload writes bytes, which pass by the buffer if they would fill it.
func (w *Writer) payload(b []byte) {
	if len(b) < bufferSize {
		w.reserve(len(b))
		w.fill += len(b)
	} else {
		w.fill = 0
		w.code = -1
	}
	w.buf = append(w.buf, b...)
}

// valid reports whether s is text that .NET could have.
func (w *Writer) valid(s string) bool {
	switch {
	case len(s) > math.MaxInt32:
		w.fail(ErrLimit)
	case !utf8.ValidString(s):
		w.fail(ErrText)
	default:
		return true
	}
	return false
}
