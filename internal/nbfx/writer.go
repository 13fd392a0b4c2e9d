package nbfx

import (
	"errors"
	"fmt"

	"github.com/webfarm-go/webfarm/internal/dotnet"
)

// ErrMisuse is the cause in an [Error] of a [Writer] whose methods were
// called out of order or with a code or a name that does not exist.
var ErrMisuse = errors.New("writer used wrongly")

// Writer writes one document, byte for byte as the writer of
// XmlDictionaryWriter.CreateBinaryWriter does. Call [Writer.Reset] before each; it
// allocates nothing if there is room in the buffer given.
//
// Methods return no error: the first one is kept, makes all later calls do nothing, and
// comes out of [Writer.Done]. A name is given by its index in the dictionary, or as text.
//
// The bytes depend on the 512-byte buffer through which .NET writes. A value record takes
// the end of its element into its code byte, if that byte has not left the buffer by
// then. See the method reserve.
type Writer struct {
	buf   []byte
	start int // where the document begins in buf
	dict  []string

	fill int // bytes in .NET's buffer
	code int // where the code byte stands that End may increment, or -1

	depth  int
	rooted bool // the root element has been started
	tag    bool // the start tag is open: attributes may follow

	bindings []nsBinding // in scope, innermost last
	declared int         // how many of them have been written

	tail  [3]byte // bytes that do not fill a group of three yet
	tails int

	err error
}

// bufferSize is that of .NET's XmlStreamNodeWriter.
const bufferSize = 512

// Reset makes w append a new document to dst with names from dict, which
// must not change until Done.
func (w *Writer) Reset(dst []byte, dict []string) {
	clear(w.bindings)
	*w = Writer{buf: dst, start: len(dst), dict: dict, code: -1, bindings: w.bindings[:0]}
}

// Done returns the buffer given to Reset with the document appended, or the first error,
// an [*Error] whose offset is the length written until then: [ErrMisuse], also for a
// document that has not ended, [ErrText], [ErrDuplicate], [ErrPrefix] or [ErrLimit].
func (w *Writer) Done() ([]byte, error) {
	if !w.must(w.depth == 0 && w.rooted, "the document has not ended") {
		return nil, w.err
	}
	return w.buf, nil
}

// StartDict starts an element that has a name of the dictionary and no namespace.
func (w *Writer) StartDict(name int) {
	if !w.startTag() || !w.known(name) {
		return
	}
	if len(w.bindings) > 0 {
		w.bind("", "", -1)
	}
	w.single(recShortDictElement)
	w.number(name << 1)
}

// AttrDict writes an attribute of the element just started, with a name of the
// dictionary and no namespace, which the caller must not do twice.
func (w *Writer) AttrDict(name int, text string) {
	if w.inTag() && w.known(name) {
		w.single(recShortDictAttribute)
		w.number(name << 1)
		w.attrText(text)
	}
}

// AttrRecord writes an attribute as AttrDict does, with a value record made
// by the caller: its code and what follows the code.
func (w *Writer) AttrRecord(name int, code byte, payload []byte) {
	if w.inTag() && w.known(name) && w.must(isValue(code), "not a value record") {
		w.single(recShortDictAttribute)
		w.number(name << 1)
		w.fixed(code, payload)
		w.code = -1
	}
}

// attrText writes the value of an attribute.
func (w *Writer) attrText(s string) {
	if s == "" {
		w.single(Empty)
		return
	}
	w.text(s)
	w.code = -1 // an attribute has no end to take in
}

// End ends the innermost element.
func (w *Writer) End() {
	if !w.content() {
		return
	}
	if w.code >= 0 {
		w.buf[w.code]++
		w.code = -1
	} else {
		w.single(recEndElement)
	}
	w.unbind()
	w.depth--
}

// Comment writes a comment inside an element.
func (w *Writer) Comment(s string) {
	if w.content() && w.valid(s) {
		w.single(recComment)
		w.name(s)
	}
}

// startTag begins an element: the caller writes its record.
func (w *Writer) startTag() bool {
	if !w.must(w.depth > 0 || !w.rooted, "second root element") {
		return false
	}
	if w.depth > 0 {
		w.content()
	}
	w.rooted, w.tag = true, true
	w.depth++
	return w.err == nil
}

// inTag reports whether attributes may be written.
func (w *Writer) inTag() bool { return w.must(w.tag, "attribute outside a start tag") }

// inElement reports whether there is an element to write into.
func (w *Writer) inElement() bool { return w.must(w.depth > 0, "no element is open") }

// content prepares for a record inside the element: the start tag is closed,
// and bytes that wait for a third are written.
func (w *Writer) content() bool {
	if !w.inElement() {
		return false
	}
	w.closeTag()
	if w.tails > 0 {
		w.byteRecord(w.tails, nil)
	}
	return true
}

// closeTag writes the namespace declarations, which come last in a start tag.
func (w *Writer) closeTag() {
	if w.tag {
		w.tag = false
		for ; w.declared < len(w.bindings); w.declared++ {
			w.xmlns(&w.bindings[w.declared])
		}
	}
}

// known reports whether name is in the dictionary.
func (w *Writer) known(name int) bool {
	return w.must(uint(name) < uint(len(w.dict)), "name is not in the dictionary")
}

// must fails unless the caller kept to the rule, and reports whether all is well.
func (w *Writer) must(ok bool, how string) bool {
	if !ok {
		w.misuse(how)
	}
	return w.err == nil
}

func (w *Writer) misuse(how string) { w.fail(fmt.Errorf("%w: %s", ErrMisuse, how)) }

// fail keeps the first error.
func (w *Writer) fail(cause error) {
	if w.err == nil {
		w.err = &Error{Offset: len(w.buf) - w.start, Err: cause}
	}
}

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

// Xmlns declares a namespace in the start tag, unless the prefix is bound to it already.
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
func (w *Writer) validName(s string) bool { return w.must(s != "", "empty name") && w.valid(s) }

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
	if prefix != "" {
		return w.bind(prefix, ns, id)
	}
	if ns != "" {
		w.fail(ErrPrefix)
	}
	return ns == ""
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
