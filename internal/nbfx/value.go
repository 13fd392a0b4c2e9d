package nbfx

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/dotnet"
)

// Value is one value record: its code without the end-of-element bit, and
// where its payload lies. Records that a token never has (float, double,
// decimal, date, duration, list) have been turned into text already and show
// as Chars32.
type Value struct {
	Code byte
	Span Span
}

// fixedSize returns the payload size of the value records that have one, 0xFF
// for the others.
func fixedSize(code byte) byte {
	switch code {
	case Zero, One, False, True, Empty:
		return 0
	case Int8, Bool:
		return 1
	case Int16:
		return 2
	case Int32, Float:
		return 4
	case Int64, Double, DateTime, TimeSpan, UInt64:
		return 8
	case Decimal, UniqueID, GUID:
		return 16
	}
	return 0xFF
}

// readValue reads the payload of the value record code (even) at the current
// position and validates it.
func (r *Reader) readValue(code byte) (Value, bool) {
	pos, n := r.pos, 0
	left := r.doc - pos
	switch code {
	case Chars8, Bytes8, UnicodeChars8:
		if left < 1 {
			return r.badValue(ErrTruncated)
		}
		n = int(r.buf[pos])
		pos++
	case Chars16, Bytes16, UnicodeChars16:
		if left < 2 {
			return r.badValue(ErrTruncated)
		}
		n = int(binary.LittleEndian.Uint16(r.buf[pos:]))
		pos += 2
	case Chars32, Bytes32, UnicodeChars32:
		if left < 4 {
			return r.badValue(ErrTruncated)
		}
		if n = int(int32(binary.LittleEndian.Uint32(r.buf[pos:]))); n < 0 {
			return r.badValue(ErrSyntax)
		}
		pos += 4
	case Dictionary:
		id, ok := r.dictID()
		if !ok {
			return Value{}, false
		}
		return Value{Chars32, r.keep(r.dict[id])}, true
	case StartList:
		return r.readList()
	default:
		size := fixedSize(code)
		if size == 0xFF {
			if code == QName {
				return r.badValue(ErrUnsupported)
			}
			return r.badValue(ErrSyntax)
		}
		n = int(size)
	}
	if n > r.doc-pos {
		return r.badValue(ErrTruncated)
	}
	v := Value{code, Span{int32(pos), int32(n)}}
	switch code {
	case Chars8, Chars16, Chars32:
		if !utf8.Valid(r.buf[pos : pos+n]) {
			return r.badValue(ErrText)
		}
	case UnicodeChars8, UnicodeChars16, UnicodeChars32:
		off := len(r.buf)
		text, ok := dotnet.AppendUTF8FromUTF16LE(r.buf, r.buf[pos:pos+n])
		if !ok {
			return r.badValue(ErrText)
		}
		r.buf = text
		v = Value{Chars32, Span{int32(off), int32(len(text) - off)}}
	case Float, Double, Decimal, DateTime, TimeSpan:
		off := len(r.buf)
		text, err := appendRare(r.buf, code, r.buf[pos:pos+n])
		if err != nil {
			return r.badValue(err)
		}
		r.buf = text
		v = Value{Chars32, Span{int32(off), int32(len(text) - off)}}
	}
	r.pos = pos + n
	return v, true
}

func (r *Reader) badValue(err error) (Value, bool) { return Value{}, r.bad(err) }

// readList reads the values up to EndList; its text is theirs with blanks in
// between.
func (r *Reader) readList() (Value, bool) {
	var items []Span
	for {
		if r.pos >= r.doc {
			return r.badValue(ErrTruncated)
		}
		c := r.buf[r.pos]
		r.pos++
		if c == EndList {
			break
		}
		if c < Zero || c&1 != 0 || c == StartList {
			return r.badValue(ErrSyntax)
		}
		v, ok := r.readValue(c)
		if !ok || !r.count(1) {
			return Value{}, false
		}
		s, ok := r.Text(v)
		if !ok {
			return Value{}, false
		}
		items = append(items, s)
	}
	off := len(r.buf)
	for i, s := range items {
		if i > 0 {
			r.buf = append(r.buf, ' ')
		}
		r.buf = append(r.buf, r.Bytes(s)...)
	}
	return Value{Chars32, Span{int32(off), int32(len(r.buf) - off)}}, true
}

// Text returns the value as text: numbers in decimal, booleans as true and
// false, bytes as base64. It is false only for a value that readValue would
// have refused.
func (r *Reader) Text(v Value) (Span, bool) {
	switch v.Code {
	case Chars8, Chars16, Chars32:
		return v.Span, true
	case Empty:
		return Span{}, true
	}
	off := len(r.buf)
	b := r.Bytes(v.Span)
	switch v.Code {
	case Zero:
		r.buf = append(r.buf, '0')
	case One:
		r.buf = append(r.buf, '1')
	case False:
		r.buf = append(r.buf, "false"...)
	case True:
		r.buf = append(r.buf, "true"...)
	case Bool:
		r.buf = strconv.AppendBool(r.buf, b[0] != 0)
	case Int8, Int16, Int32, Int64:
		n, _ := r.Int64(v)
		r.buf = strconv.AppendInt(r.buf, n, 10)
	case UInt64:
		r.buf = strconv.AppendUint(r.buf, binary.LittleEndian.Uint64(b), 10)
	case Bytes8, Bytes16, Bytes32:
		r.buf = base64.StdEncoding.AppendEncode(r.buf, b)
	case UniqueID:
		r.buf = append(r.buf, "urn:uuid:"...)
		r.buf = dotnet.FormatGUID(r.buf, [16]byte(r.Bytes(v.Span)))
	case GUID:
		r.buf = dotnet.FormatGUID(r.buf, [16]byte(b))
	default:
		return Span{}, false
	}
	return Span{int32(off), int32(len(r.buf) - off)}, true
}

// Int64 returns the value as a number: any integer record, or decimal text
// with an optional sign and white space around it (Int64.Parse).
func (r *Reader) Int64(v Value) (int64, bool) {
	b := r.Bytes(v.Span)
	switch v.Code {
	case Zero:
		return 0, true
	case One:
		return 1, true
	case Int8:
		return int64(int8(b[0])), true
	case Int16:
		return int64(int16(binary.LittleEndian.Uint16(b))), true
	case Int32:
		return int64(int32(binary.LittleEndian.Uint32(b))), true
	case Int64:
		return int64(binary.LittleEndian.Uint64(b)), true
	case UInt64:
		u := binary.LittleEndian.Uint64(b)
		return int64(u), u <= 1<<63-1
	case Chars8, Chars16, Chars32:
		b = TrimSpace(b)
		if len(b) > 20 { // longer only with leading zeros, which no writer makes
			return 0, false
		}
		for i, c := range b {
			if (c < '0' || c > '9') && (i > 0 || c != '-' && c != '+') {
				return 0, false
			}
		}
		n, err := strconv.ParseInt(string(b), 10, 64)
		return n, err == nil
	}
	return 0, false
}

// AppendBytes appends the value as bytes: those of a byte record, or text
// decoded as base64 with white space allowed and padding required.
func (r *Reader) AppendBytes(dst []byte, v Value) ([]byte, bool) {
	switch v.Code {
	case Bytes8, Bytes16, Bytes32:
		return append(dst, r.Bytes(v.Span)...), true
	}
	s, ok := r.Text(v)
	if !ok {
		return dst, false
	}
	var packed []byte
	for _, c := range r.Bytes(s) {
		if !isSpace([]byte{c}) {
			packed = append(packed, c)
		}
	}
	out, err := base64.StdEncoding.AppendDecode(dst, packed)
	if err != nil {
		return dst, false
	}
	return out, true
}

// TrimSpace cuts XML white space off both ends.
func TrimSpace(b []byte) []byte { return bytes.Trim(b, " \t\r\n") }

// Concat joins two texts of the buffer. A run of calls that extends its last
// result copies each byte once.
func (r *Reader) Concat(a, b Span) Span {
	switch {
	case a.Len == 0:
		return b
	case b.Len == 0, a.Off+a.Len == b.Off:
		return Span{a.Off, a.Len + b.Len}
	case int(a.Off+a.Len) == len(r.buf):
		r.buf = append(r.buf, r.Bytes(b)...)
		return Span{a.Off, a.Len + b.Len}
	}
	off := len(r.buf)
	r.buf = append(append(r.buf, r.Bytes(a)...), r.Bytes(b)...)
	return Span{int32(off), a.Len + b.Len}
}
