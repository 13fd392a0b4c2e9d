package nbfx

import "github.com/webfarm-go/webfarm/internal/dotnet"

// nsBinding is a namespace declaration in scope: of the element at depth, as
// text or, if id is not negative, by a name of the dictionary.
type nsBinding struct {
	depth      int
	prefix, ns string
	id         int
}

// Start starts an element with a literal name. A prefix that is not bound to
// ns yet, in this or an outer element, is declared at the end of the start
// tag. An empty prefix is the default namespace.
func (w *Writer) Start(prefix, local, ns string) {
	if w.validName(local) && w.startTag() && w.bind(prefix, ns, -1) {
		w.prefixed(recShortElement, recPrefixElementA, prefix)
		w.name(local)
	}
}

// Attr writes an attribute with a literal name. Its namespace is declared as
// that of an element is, but an attribute without prefix is in none.
func (w *Writer) Attr(prefix, local, ns, text string) {
	if w.validName(local) && w.inTag() && w.bindAttr(prefix, ns, -1) {
		w.prefixed(recShortAttribute, recPrefixAttributeA, prefix)
		w.name(local)
		w.attrText(text)
	}
}

// StartPrefixDict starts an element as Start does, with a name and a
// namespace of the dictionary.
func (w *Writer) StartPrefixDict(prefix string, local, ns int) {
	if w.startTag() && w.known(local) && w.known(ns) && w.bind(prefix, w.dict[ns], ns) {
		w.prefixed(recShortDictElement, recPrefixDictElementA, prefix)
		w.number(local << 1)
	}
}

// AttrPrefixDict writes an attribute as Attr does, with a name and a
// namespace of the dictionary.
func (w *Writer) AttrPrefixDict(prefix string, local, ns int, text string) {
	if w.inTag() && w.known(local) && w.known(ns) && w.bindAttr(prefix, w.dict[ns], ns) {
		w.prefixed(recShortDictAttribute, recPrefixDictAttributeA, prefix)
		w.number(local << 1)
		w.attrText(text)
	}
}

// Xmlns declares a namespace in the start tag, unless the prefix is bound to
// it already.
func (w *Writer) Xmlns(prefix, ns string) {
	if w.inTag() {
		w.bind(prefix, ns, -1)
	}
}

// prefixed writes the code of a record in the form that its prefix asks for,
// and the prefix: without one, one letter within the code, or as text. The
// forms of a record are the given code, the next, and 26 from a to z.
func (w *Writer) prefixed(code, letters byte, prefix string) {
	switch {
	case prefix == "":
		w.single(code)
	case len(prefix) == 1 && prefix[0] >= 'a' && prefix[0] <= 'z':
		w.single(letters + prefix[0] - 'a')
	default:
		w.single(code + 1)
		w.name(prefix)
	}
}

// maxShortName is the length in UTF-16 code units from which .NET measures a
// name before it writes it.
const maxShortName = 42

// name writes the text of a name, a prefix, a namespace or a comment.
func (w *Writer) name(s string) {
	units := dotnet.UTF16Len(s)
	if units < maxShortName {
		w.reserve(1 + 3*units)
		w.put(byte(len(s)))
		w.utf8(s)
		return
	}
	w.number(len(s))
	w.pieces(s, units, bufferSize/3, 3)
}

// validName reports whether s can be a local name.
func (w *Writer) validName(s string) bool {
	if w.err == nil && s == "" {
		w.misuse("empty name")
	}
	return w.err == nil && w.valid(s)
}

// xmlns writes a declaration.
func (w *Writer) xmlns(b *nsBinding) {
	code := byte(recShortXmlns)
	if b.id >= 0 {
		code = recShortDictXmlns
	}
	if b.prefix != "" {
		w.single(code + 1)
		w.name(b.prefix)
	} else {
		w.single(code)
	}
	if b.id >= 0 {
		w.number(b.id << 1)
	} else {
		w.name(b.ns)
	}
}

// bind makes prefix mean ns in the element just started.
func (w *Writer) bind(prefix, ns string, id int) bool {
	const xmlnsNS = "http://www.w3.org/2000/xmlns/"
	if !w.valid(prefix) || !w.valid(ns) {
		return false
	}
	bound := "" // what prefix means so far
	if prefix == "xml" {
		bound = xmlNamespace
	}
	here := false // it was declared in this start tag
	for i := len(w.bindings) - 1; i >= 0; i-- {
		if b := &w.bindings[i]; b.prefix == prefix {
			bound, here = b.ns, i >= w.declared
			break
		}
	}
	switch {
	case !mayDeclare(prefix, ns), ns == xmlnsNS:
		w.fail(ErrPrefix)
		return false
	case bound == ns:
		return true
	case here:
		w.fail(ErrDuplicate)
		return false
	}
	w.bindings = append(w.bindings, nsBinding{w.depth, prefix, ns, id})
	return true
}

// bindAttr is bind for the name of an attribute.
func (w *Writer) bindAttr(prefix, ns string, id int) bool {
	if prefix == "" {
		if ns != "" {
			w.fail(ErrPrefix)
		}
		return ns == ""
	}
	return w.bind(prefix, ns, id)
}

// unbind forgets what the innermost element has declared.
func (w *Writer) unbind() {
	n := len(w.bindings)
	for n > 0 && w.bindings[n-1].depth == w.depth {
		n--
	}
	w.bindings = w.bindings[:n]
	w.declared = n
}
