package nbfx

import (
	"bytes"
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

// resolve sets the namespaces of the current element and its attributes, and
// refuses unbound prefixes and duplicate attributes.
func (r *Reader) resolve(plain bool) bool {
	var ok bool
	if r.name.Namespace, ok = r.namespace(r.name.Prefix, true); !ok {
		return false
	}
	if plain {
		return true
	}
	if len(r.attrs) > maxMixedAttrs {
		return r.bad(ErrLimit) // the check below is quadratic
	}
	for i := range r.attrs {
		a := &r.attrs[i]
		if a.Namespace, ok = r.namespace(a.Prefix, false); !ok {
			return false
		}
		for k := range r.attrs[:i] {
			if r.sameName(&a.Name, &r.attrs[k].Name) {
				return r.bad(ErrDuplicate)
			}
		}
	}
	return true
}

// maxMixedAttrs bounds the attributes of one element where any of them has a
// prefix or is not in the dictionary, or a name occurs twice.
const maxMixedAttrs = 64

// sameName reports whether two attributes collide.
func (r *Reader) sameName(a, b *Name) bool {
	return a.ID == b.ID && bytes.Equal(r.Bytes(a.Local), r.Bytes(b.Local)) &&
		bytes.Equal(r.Bytes(a.Namespace), r.Bytes(b.Namespace))
}

// namespace looks a prefix up. An element without prefix is in the default
// namespace, an attribute without prefix in none.
func (r *Reader) namespace(prefix Span, element bool) (Span, bool) {
	if prefix.Len == 0 && !element {
		return Span{}, true
	}
	p := r.Bytes(prefix)
	for i := len(r.bindings) - 1; i >= 0; i-- {
		if bytes.Equal(r.Bytes(r.bindings[i].prefix), p) {
			return r.bindings[i].uri, true
		}
	}
	switch string(p) {
	case "":
		return Span{}, true
	case "xml": // bound everywhere
		return r.keep(xmlNamespace), true
	}
	return Span{}, r.bad(ErrPrefix)
}

const xmlNamespace = "http://www.w3.org/XML/1998/namespace"

// mayDeclare reports whether the prefix may be declared as the namespace uri
// (XmlBaseReader.AddXmlnsAttribute): only the empty prefix as none, and xml only
// as what it always means. .NET lets xmlns stand for its own namespace as well,
// which Namespaces in XML forbids.
func mayDeclare[T string | []byte](prefix, uri T) bool {
	switch string(prefix) {
	case "":
		return true
	case "xml":
		return string(uri) == xmlNamespace
	}
	return len(uri) > 0 && string(prefix) != "xmlns"
}

// xmlns reads one of the four namespace declaration records.
func (r *Reader) xmlns(c byte) bool {
	b := binding{depth: r.depth}
	var ok bool
	if c == recXmlns || c == recDictXmlns {
		if b.prefix, ok = r.string(); !ok {
			return false
		}
	}
	if c >= recShortDictXmlns {
		id, ok := r.dictID()
		if !ok {
			return false
		}
		b.uri = r.keep(r.dict[id])
	} else if b.uri, ok = r.string(); !ok {
		return false
	}
	if !mayDeclare(r.Bytes(b.prefix), r.Bytes(b.uri)) {
		return r.bad(ErrPrefix)
	}
	for i := len(r.bindings) - 1; i >= 0 && r.bindings[i].depth == r.depth; i-- {
		if bytes.Equal(r.Bytes(r.bindings[i].prefix), r.Bytes(b.prefix)) {
			return r.bad(ErrDuplicate)
		}
	}
	if len(r.bindings) >= maxMixedAttrs {
		return r.bad(ErrLimit)
	}
	r.bindings = append(r.bindings, b)
	return r.count(1)
}

// Declaration is a namespace declaration. An empty Prefix is the default namespace.
type Declaration struct{ Prefix, URI Span }

// Declarations appends to dst the namespace declarations of the element that Next has
// just started, in document order, and none of elements around it.
func (r *Reader) Declarations(dst []Declaration) []Declaration {
	n := len(r.bindings)
	for n > 0 && r.bindings[n-1].depth == r.depth {
		n--
	}
	for _, b := range r.bindings[n:] {
		dst = append(dst, Declaration{b.prefix, b.uri})
	}
	return dst
}

// Declared reports whether any namespace declaration is in scope.
func (r *Reader) Declared() bool { return len(r.bindings) > 0 }
