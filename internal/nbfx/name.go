package nbfx

import (
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/dotnet"
)

// readName reads the name of an element or attribute, whose records have these
// forms in this order: a literal name, one with a prefix, a dictionary id, one
// with a prefix, 26 with an id and a letter from a to z, 26 with a literal name.
func (r *Reader) readName(form byte) (Name, bool) {
	var prefix Span
	ok, literal := true, form < 2
	switch {
	case form >= 30:
		prefix, literal = r.letter(form-30), true
	case form >= 4:
		prefix = r.letter(form - 4)
	case form&1 != 0:
		prefix, ok = r.string()
	}
	if !ok {
		return Name{}, false
	}
	if !literal {
		id, ok := r.dictID()
		return Name{ID: id, Prefix: prefix}, ok
	}
	s, ok := r.string()
	if !ok || s.Len == 0 {
		return Name{}, r.bad(ErrSyntax)
	}
	local := r.Bytes(s)
	for id, d := range r.dict {
		if string(local) == d {
			return Name{ID: id, Prefix: prefix}, true
		}
	}
	return Name{ID: -1, Local: s, Prefix: prefix}, true
}

// dictID reads an id of the static dictionary: even, and twice the index. Odd
// ids would refer to a session dictionary, which a token does not have.
func (r *Reader) dictID() (int, bool) {
	if r.pos < r.doc { // one byte is the rule
		if c := int(r.buf[r.pos]); c&0x81 == 0 && c>>1 < len(r.dict) {
			r.pos++
			return c >> 1, true
		}
	}
	n, ok := r.mb32()
	if ok && (n&1 != 0 || n>>1 >= len(r.dict)) {
		return 0, r.bad(ErrSyntax)
	}
	return n >> 1, ok
}

// string reads a byte count and that much UTF-8.
func (r *Reader) string() (Span, bool) {
	n, ok := r.mb32()
	if !ok {
		return Span{}, false
	}
	if n > r.doc-r.pos {
		return Span{}, r.bad(ErrTruncated)
	}
	s := Span{int32(r.pos), int32(n)}
	if !utf8.Valid(r.Bytes(s)) {
		return Span{}, r.bad(ErrText)
	}
	r.pos += n
	return s, true
}

// mb32 reads a 31-bit number, see [dotnet.Reader.ReadUint7].
func (r *Reader) mb32() (n int, ok bool) {
	rest := dotnet.Reader(r.buf[r.pos:r.doc])
	if rest.ReadUint7(&n) {
		r.pos = r.doc - len(rest)
		return n, true
	}
	if r.pos += min(len(rest), 4); r.pos == r.doc {
		r.fail(ErrTruncated)
	} else {
		r.fail(ErrSyntax)
	}
	return 0, false
}

// letter is the prefix of the records that have it in their code.
func (r *Reader) letter(n byte) Span {
	r.buf = append(r.buf, 'a'+n)
	return Span{int32(len(r.buf) - 1), 1}
}

// keep appends a text to the buffer behind the document.
func (r *Reader) keep(s string) Span {
	off := len(r.buf)
	r.buf = append(r.buf, s...)
	return Span{int32(off), int32(len(s))}
}
