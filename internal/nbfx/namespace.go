package nbfx

import "bytes"

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
				r.fail(ErrDuplicate)
				return false
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

// Declaration is a namespace declaration. An empty Prefix is the default
// namespace.
type Declaration struct{ Prefix, URI Span }

// Declarations appends to dst the namespace declarations of the element that
// Next has just started, in document order, for a caller that writes the
// element as XML text. Those of elements around it are not among them; see
// [Reader.Declared].
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
