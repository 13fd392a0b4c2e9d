package nbfx

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/dotnet"
)

// Value is one value record: its code without the end-of-element bit, and where its
// payload lies. Records that a token never has (float, double, decimal, date, duration,
// list) show as Chars32, the text of which they have become.
type Value struct {
	Code byte
	Span Span
}

// fixedSize returns the payload size of the value records that have one, 0xFF for the others.
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
	width := 0 // of the length
	switch code {
	case Chars8, Bytes8, UnicodeChars8:
		width = 1
	case Chars16, Bytes16, UnicodeChars16:
		width = 2
	case Chars32, Bytes32, UnicodeChars32:
		width = 4
	case Dictionary:
		id, ok := r.dictID()
		if !ok {
			return Value{}, false
		}
		return Value{Chars32, r.keep(r.dict[id])}, true
	case StartList:
		return r.readList()
	case QName:
		return r.badValue(ErrUnsupported)
	default:
		if n = int(fixedSize(code)); n == 0xFF {
			return r.badValue(ErrSyntax)
		}
	}
	if width > r.doc-pos {
		return r.badValue(ErrTruncated)
	}
	for i := range width {
		n |= int(r.buf[pos+i]) << (8 * i)
	}
	pos += width
	if n < 0 || n > math.MaxInt32 {
		return r.badValue(ErrSyntax)
	}
	if n > r.doc-pos {
		return r.badValue(ErrTruncated)
	}
	v := Value{code, Span{int32(pos), int32(n)}}
	off, text, err := len(r.buf), r.buf[pos:pos+n], error(nil)
	switch code {
	case Chars8, Chars16, Chars32:
		if !utf8.Valid(text) {
			return r.badValue(ErrText)
		}
	case UnicodeChars8, UnicodeChars16, UnicodeChars32:
		var ok bool
		if r.buf, ok = dotnet.AppendUTF8FromUTF16LE(r.buf, text); !ok {
			return r.badValue(ErrText)
		}
		v = r.since(off)
	case Float, Double, Decimal, DateTime, TimeSpan:
		if r.buf, err = appendRare(r.buf, code, text); err != nil {
			return r.badValue(err)
		}
		v = r.since(off)
	}
	r.pos = pos + n
	return v, true
}

// since is the text in the buffer from off on.
func (r *Reader) since(off int) Value {
	return Value{Chars32, Span{int32(off), int32(len(r.buf) - off)}}
}

func (r *Reader) badValue(err error) (Value, bool) { return Value{}, r.bad(err) }

// readList reads the values up to EndList; its text is theirs with blanks in between.
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
		items = append(items, r.Text(v))
	}
	off := len(r.buf)
	for i, s := range items {
		if i > 0 {
			r.buf = append(r.buf, ' ')
		}
		r.buf = append(r.buf, r.Bytes(s)...)
	}
	return r.since(off), true
}

// Text returns the value as text: numbers in decimal, booleans as true and
// false, bytes as base64.
func (r *Reader) Text(v Value) Span {
	switch v.Code {
	case Chars8, Chars16, Chars32:
		return v.Span
	case Empty:
		return Span{}
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
		r.buf = dotnet.FormatGUID(r.buf, [16]byte(b))
	case GUID:
		r.buf = dotnet.FormatGUID(r.buf, [16]byte(b))
	}
	return r.since(off).Span
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
	var packed []byte
	for _, c := range r.Bytes(r.Text(v)) {
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
