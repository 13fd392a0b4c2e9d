package wif

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"

	"github.com/webfarm-go/webfarm/internal/limits"
	"github.com/webfarm-go/webfarm/internal/nbfx"
)

// readEnvelope reads an envelope in any form that .NET's non-validating
// reader accepts: other prefixes, character references, CDATA, comments,
// white space between the elements, no byte order mark, UTF-16 with one. It
// refuses what that reader refuses: DTDs, processing instructions, unknown
// elements and stray text.
func readEnvelope(doc []byte, e *Envelope) bool {
	*e = Envelope{}
	doc, ok := toUTF8(doc)
	if !ok {
		return false
	}
	x := newEnvelopeReader(doc)
	return x.document(e) == nil
}

// errEnvelope stands for every fault; none of them is told apart.
var errEnvelope = errors.New("malformed envelope")

// envelopeReader checks the two levels of elements that an envelope has.
//
// A decoder of the standard library takes some ten nanoseconds for a byte and
// hundreds for a node or a reference, which is far more than a MAC. So it gets
// to see no more than a real envelope has around the token: the base64 in
// Cookie passes it by.
type envelopeReader struct {
	doc   []byte
	d     *xml.Decoder
	in    *boundedReader
	past  int               // bytes of doc that went past the decoder
	last  []byte            // the token as it stands in doc
	root  map[string]string // namespaces that the root declares, by prefix
	child map[string]string // those that the current child declares
	// inside says that the root is open. There white space may be written as
	// a character reference or CDATA, before and behind it may not.
	inside bool
}

func newEnvelopeReader(doc []byte) *envelopeReader {
	in := &boundedReader{rest: doc}
	return &envelopeReader{doc: doc, d: xml.NewDecoder(in), in: in}
}

// boundedReader gives a decoder single bytes, as many as may be markup. Since
// it is an io.ByteReader, the decoder has read no further than it says.
type boundedReader struct {
	rest        []byte
	read, marks int
}

// isMark reports the characters that begin a node, a reference or the value of
// an attribute.
func isMark(c byte) bool { return c == '<' || c == '&' || c == '=' }

// isSmallMarkup reports whether readEnvelope would read an envelope that
// begins so.
func isSmallMarkup(head []byte) bool {
	marks := bytes.Count(head, []byte("<")) + bytes.Count(head, []byte("&")) + bytes.Count(head, []byte("="))
	return len(head)+len(envelopeTail) <= limits.EnvelopeMarkup && marks+2 <= limits.EnvelopeMarks // 2 in the tail
}

func (r *boundedReader) ReadByte() (byte, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	c := r.rest[0]
	if r.read++; isMark(c) {
		r.marks++
	}
	if r.read > limits.EnvelopeMarkup || r.marks > limits.EnvelopeMarks {
		return 0, errEnvelope
	}
	r.rest = r.rest[1:]
	return c, nil
}

// Read is there for io.Reader. Nobody calls it.
func (r *boundedReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c, err := r.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = c
	return 1, nil
}

// document reads the root element and proves that nothing follows it.
func (x *envelopeReader) document(e *Envelope) error {
	root, err := x.start()
	if err != nil {
		return err
	}
	x.inside = true
	if x.root, err = declarations(root); err != nil {
		return err
	}
	sc, err := x.namespace(root.Name)
	if err != nil || root.Name.Local != "SecurityContextToken" || sc != namespaceSC13 && sc != namespaceSCFeb2005 {
		return errEnvelope
	}
	for _, a := range root.Attr {
		ns, err := x.attribute(a.Name)
		if err != nil {
			return err
		}
		if a.Name.Local == "Id" && ns == namespaceWSU {
			e.ID, e.HasID = []byte(a.Value), true
		}
	}
	if err := x.unique(root.Attr); err != nil {
		return err
	}
	if e.ContextID, err = x.element("Identifier", sc); err != nil || len(e.ContextID) == 0 {
		return errEnvelope
	}
	next, err := x.token()
	if err != nil {
		return err
	}
	if start, ok := next.(xml.StartElement); ok && start.Name.Local == "Instance" {
		if e.KeyGeneration, err = x.content(start, sc); err != nil {
			return err
		}
		if e.KeyGeneration = nbfx.TrimSpace(e.KeyGeneration); len(e.KeyGeneration) == 0 {
			return errEnvelope
		}
		if next, err = x.token(); err != nil {
			return err
		}
	}
	if start, ok := next.(xml.StartElement); ok && start.Name.Local == "Cookie" {
		if e.Cookie, err = x.content(start, namespaceCookie); err != nil {
			return err
		}
		e.HasCookie = true
		if next, err = x.token(); err != nil {
			return err
		}
	}
	if end, ok := next.(xml.EndElement); !ok || end.Name != root.Name {
		return errEnvelope
	}
	x.inside = false
	if _, err := x.token(); err != io.EOF {
		return errEnvelope
	}
	return nil
}

// element reads the named child, which comes next, and returns its trimmed
// text.
func (x *envelopeReader) element(local, namespace string) ([]byte, error) {
	start, err := x.start()
	if err != nil || start.Name.Local != local {
		return nil, errEnvelope
	}
	text, err := x.content(start, namespace)
	return nbfx.TrimSpace(text), err
}

// content reads the text of a child whose start has been read.
func (x *envelopeReader) content(start xml.StartElement, namespace string) ([]byte, error) {
	var err error
	if x.child, err = declarations(start); err != nil {
		return nil, err
	}
	defer func() { x.child = nil }()
	if ns, err := x.namespace(start.Name); err != nil || ns != namespace {
		return nil, errEnvelope
	}
	for _, a := range start.Attr {
		if _, err := x.attribute(a.Name); err != nil {
			return nil, err
		}
	}
	if err := x.unique(start.Attr); err != nil {
		return nil, err
	}
	var text []byte
	if namespace == namespaceCookie {
		text = x.base64(start)
	}
	for {
		t, err := x.raw()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.CharData:
			text = append(text, t...)
		case xml.Comment:
		case xml.EndElement:
			if t.Name != start.Name {
				return nil, errEnvelope
			}
			return text, nil
		default:
			return nil, errEnvelope
		}
	}
}

// base64 takes base64 and white space from behind the start of Cookie and
// leads the decoder past it.
func (x *envelopeReader) base64(start xml.StartElement) []byte {
	if bytes.HasSuffix(x.last, []byte("/>")) { // nothing is inside
		return nil
	}
	n := bytes.IndexAny(x.in.rest, "<&]")
	if n < 0 {
		return nil
	}
	// No character of it means anything in XML; if it is not base64, it does
	// not decode.
	text := x.in.rest[:n:n]
	x.in.rest = x.in.rest[n:]
	x.past += n
	return text
}

// start reads the start of an element.
func (x *envelopeReader) start() (xml.StartElement, error) {
	t, err := x.token()
	if err != nil {
		return xml.StartElement{}, err
	}
	start, ok := t.(xml.StartElement)
	if !ok {
		return start, errEnvelope
	}
	return start.Copy(), nil
}

// token reads the next token between elements: comments and white space are
// skipped, other text is an error.
func (x *envelopeReader) token() (xml.Token, error) {
	for {
		t, err := x.raw()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.Comment:
		case xml.CharData:
			if len(nbfx.TrimSpace(t)) > 0 || !x.inside && len(nbfx.TrimSpace(x.last)) > 0 {
				return nil, errEnvelope
			}
		case xml.StartElement, xml.EndElement:
			return t, nil
		default:
			return nil, errEnvelope // DTD or processing instruction
		}
	}
}

// raw reads one token of any kind. Namespaces are left to this type because
// the decoder takes prefixes that are not declared. It also takes attributes
// without white space between them, as .NET does not.
func (x *envelopeReader) raw() (xml.Token, error) {
	from := x.offset()
	t, err := x.d.RawToken()
	x.last = x.doc[from:x.offset()]
	if _, ok := t.(xml.StartElement); ok && !isSpaced(x.last) {
		return nil, errEnvelope
	}
	return t, err
}

// offset is how far into doc the decoder has come.
func (x *envelopeReader) offset() int { return int(x.d.InputOffset()) + x.past }

// isSpaced reports whether white space or the end of the tag follows the value
// of every attribute. Quotes have no other place in a start tag.
func isSpaced(tag []byte) bool {
	for {
		quote := bytes.IndexAny(tag, `"'`)
		if quote < 0 {
			return true
		}
		value := tag[quote+1:]
		end := bytes.IndexByte(value, tag[quote])
		if end < 0 || end+1 == len(value) || !bytes.ContainsRune([]byte(" \t\r\n/>"), rune(value[end+1])) {
			return false
		}
		tag = value[end+1:]
	}
}

// declarations collects the namespaces that an element declares.
func declarations(e xml.StartElement) (map[string]string, error) {
	m := map[string]string{}
	for _, a := range e.Attr {
		prefix := a.Name.Local
		switch {
		case a.Name.Space == "xmlns" && (prefix == "xml" || prefix == "xmlns" || a.Value == ""):
			return nil, errEnvelope
		case a.Name.Space == "xmlns":
		case a.Name.Space == "" && prefix == "xmlns":
			prefix = ""
		default:
			continue
		}
		if _, twice := m[prefix]; twice {
			return nil, errEnvelope
		}
		m[prefix] = a.Value
	}
	return m, nil
}

// namespace resolves the name of an element.
func (x *envelopeReader) namespace(n xml.Name) (string, error) {
	if uri, ok := x.child[n.Space]; ok {
		return uri, nil
	}
	if uri, ok := x.root[n.Space]; ok {
		return uri, nil
	}
	if n.Space == "" {
		return "", nil
	}
	return "", errEnvelope
}

// attribute resolves the name of an attribute.
func (x *envelopeReader) attribute(n xml.Name) (string, error) {
	switch n.Space {
	case "":
		return "", nil
	case "xmlns", "xml":
		return n.Space, nil
	}
	return x.namespace(n)
}

// unique refuses attributes of the same name, also under two prefixes.
func (x *envelopeReader) unique(attrs []xml.Attr) error {
	seen := make(map[xml.Name]bool, len(attrs))
	for _, a := range attrs {
		ns, err := x.attribute(a.Name)
		if err != nil {
			return err
		}
		name := xml.Name{Space: ns, Local: a.Name.Local}
		if seen[name] {
			return errEnvelope
		}
		seen[name] = true
	}
	return nil
}
