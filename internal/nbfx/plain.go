package nbfx

import (
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/limits"
)

// TakePlain reads the next element if it is of the form that nearly all claims have:
//
//	42 id | 06 id 98 n text | ... | 01
//
// a dictionary element, exactly the given attributes in this order, each with up to 255
// characters of ASCII, and no content. It puts the attributes into values. It does what
// Next, Attrs and Text would do, at a third of the cost.
func (r *Reader) TakePlain(element int, attrs []int, values []Span) bool {
	if r.err != nil || r.pendingEnd || r.array.left > 0 || len(r.bindings) > 0 ||
		r.depth == 0 || r.depth >= limits.Depth || r.records+1+len(attrs) > limits.Records {
		return false
	}
	b := r.buf[:r.doc]
	pos := r.pos
	if len(b)-pos < 2 || b[pos] != recShortDictElement || int(b[pos+1]) != element<<1 ||
		element >= len(r.dict) {
		return false
	}
	pos += 2
	for i, id := range attrs {
		if len(b)-pos < 4 || b[pos] != recShortDictAttribute || int(b[pos+1]) != id<<1 ||
			b[pos+2] != Chars8 || id >= len(r.dict) {
			return false
		}
		n := int(b[pos+3])
		pos += 4
		if n > len(b)-pos || !isASCII(b[pos:pos+n]) {
			return false
		}
		values[i] = Span{int32(pos), int32(n)}
		pos += n
	}
	if pos >= len(b) || b[pos] != recEndElement {
		return false
	}
	r.pos = pos + 1
	r.records += 1 + len(attrs)
	return true
}

// TakeText reads the content and the end of the current element if it is one
// text of up to 255 characters of ASCII. It reads nothing of another one:
//
//	99 n text
func (r *Reader) TakeText() (Span, bool) {
	b := r.buf[r.pos:r.doc]
	if len(b) < 2 || b[0] != Chars8+1 || int(b[1]) > len(b)-2 || !isASCII(b[2:2+int(b[1])]) ||
		r.err != nil || r.pendingEnd || r.array.left > 0 || len(r.bindings) > 0 || r.depth == 0 ||
		r.records >= limits.Records {
		return Span{}, false
	}
	s := Span{int32(r.pos + 2), int32(b[1])}
	r.pos += 2 + int(b[1])
	r.records++
	r.depth--
	return s, true
}

// plainAttribute reads an attribute of the form that nearly all of a token have: 06, an
// id of one byte, 98, a length of one byte, ASCII.
func (r *Reader) plainAttribute(seen *uint64) bool {
	b := r.buf[r.pos:r.doc]
	if len(b) < 4 || b[1]&1 != 0 || b[2] != Chars8 {
		return false
	}
	id, n := int(b[1]>>1), int(b[3])
	if id >= min(len(r.dict), 64) || n > len(b)-4 || *seen&(1<<id) != 0 || !isASCII(b[4:4+n]) {
		return false
	}
	*seen |= 1 << id
	// Field by field: copying an Attr from the stack costs more than all the rest.
	k := len(r.attrs)
	if k == cap(r.attrs) {
		r.attrs = append(r.attrs, Attr{})
	}
	r.attrs = r.attrs[:k+1]
	a := &r.attrs[k]
	a.ID, a.Local, a.Prefix, a.Namespace = id, Span{}, Span{}, Span{}
	a.Value.Code, a.Value.Span.Off, a.Value.Span.Len = Chars8, int32(r.pos+4), int32(n)
	r.pos += 4 + n
	return true
}

// isASCII is a quick check for texts that need no other.
func isASCII[T string | []byte](s T) bool {
	const high = 0x8080808080808080
	if len(s) < 8 {
		var or byte
		for i := range len(s) {
			or |= s[i]
		}
		return or < utf8.RuneSelf
	}
	or := word(s, len(s)-8) // overlaps the others
	for i := 0; i+8 <= len(s); i += 8 {
		or |= word(s, i)
	}
	return or&high == 0
}

// word returns eight bytes of s in any order; the compiler makes one load of it.
func word[T string | []byte](s T, i int) uint64 {
	b := s[i : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}
