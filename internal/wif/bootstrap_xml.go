package wif

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/layer"
	"github.com/webfarm-go/webfarm/internal/limits"
	"github.com/webfarm-go/webfarm/internal/nbfx"
	"github.com/webfarm-go/webfarm/internal/xmltree"
)

// windowsStub is the empty element, in no namespace, that WIF 1.0 writes in
// the place of a Windows token.
const windowsStub = "WindowsSecurityTokenStub"

// The faults of a bootstrap token in WIF 1.0.
var (
	errBootstrapXML  = errors.New("bootstrap token is not one XML element")
	errBootstrapForm = layer.Unsupported("bootstrap token that cannot be both XML text and binary XML")
	errBootstrapSize = layer.Unsupported("bootstrap token exceeds a limit")
)

// bootstrapXML reads a BootStrapToken of WIF 1.0 into the blob: the element
// inside as XML text, in the form of XmlReader.ReadOuterXml. Attributes and
// declarations keep their order, <a/> becomes <a></a>; binary XML does not
// tell the two apart.
func (d *Reader) bootstrapXML(i *FlatIdentity) bool {
	start := len(d.doc.Blob)
	declared := d.r.Declared() // the text would lack what is declared further out
	d.advance()
	switch {
	case d.kind != nbfx.StartElement:
		return d.fail(errBootstrapXML)
	case declared:
		return d.fail(errBootstrapForm)
	}
	i.Bootstrap = BootstrapToken
	if n := d.r.Name(); n.ID < 0 && n.Namespace.Len == 0 && string(d.r.Bytes(n.Local)) == windowsStub {
		i.Bootstrap = BootstrapWindows
	}
	if !d.xmlElement(start) {
		return false
	}
	if !isXMLText(string(d.doc.Blob[start:])) {
		return d.fail(errBootstrapForm)
	}
	if i.Bootstrap == BootstrapWindows {
		d.doc.Blob = d.doc.Blob[:start]
	}
	i.Data = [2]int32{int32(start), int32(len(d.doc.Blob))}
	return d.advance() && d.end()
}

// xmlElement appends the element that has just started to the blob, and reads
// to its end.
func (d *Reader) xmlElement(start int) bool {
	name := d.r.Name()
	d.doc.Blob = append(d.doc.Blob, '<')
	if !d.xmlName(&name) {
		return false
	}
	for _, a := range d.r.Attrs() {
		if a.Prefix.Len == 0 && string(d.localName(&a.Name)) == "xmlns" {
			return d.fail(errBootstrapForm)
		}
		value, ok := d.r.Text(a.Value)
		if !ok {
			return d.fail(errOrder("text"))
		}
		d.doc.Blob = append(d.doc.Blob, ' ')
		if !d.xmlName(&a.Name) {
			return false
		}
		d.xmlAttribute(value)
	}
	var room [4]nbfx.Declaration
	for _, n := range d.r.Declarations(room[:0]) {
		d.doc.Blob = append(d.doc.Blob, " xmlns"...)
		if prefix := d.r.Bytes(n.Prefix); len(prefix) > 0 {
			if !isNCName(prefix) || string(prefix) == "xml" {
				return d.fail(errBootstrapForm)
			}
			d.doc.Blob = append(append(d.doc.Blob, ':'), prefix...)
		}
		d.xmlAttribute(n.URI)
	}
	d.doc.Blob = append(d.doc.Blob, '>')
	for {
		if len(d.doc.Blob)-start > limits.Bootstrap {
			return d.fail(errBootstrapSize)
		}
		switch d.r.Next() {
		case nbfx.Text:
			text, ok := d.r.Text(d.r.Value())
			if !ok {
				return d.fail(errOrder("text"))
			}
			d.doc.Blob = appendXMLEscaped(d.doc.Blob, d.r.Bytes(text), false)
		case nbfx.Comment:
			text := d.r.Bytes(d.r.Value().Span)
			if bytes.Contains(text, []byte("--")) || bytes.HasSuffix(text, []byte("-")) {
				return d.fail(errBootstrapForm)
			}
			d.doc.Blob = append(append(append(d.doc.Blob, "<!--"...), text...), "-->"...)
		case nbfx.StartElement:
			if !d.xmlElement(start) {
				return false
			}
		case nbfx.EndElement:
			d.doc.Blob = append(d.doc.Blob, "</"...)
			if !d.xmlName(&name) {
				return false
			}
			d.doc.Blob = append(d.doc.Blob, '>')
			return true
		default:
			return d.fail(errOrder("end of element"))
		}
	}
}

// xmlName appends a qualified name.
func (d *Reader) xmlName(n *nbfx.Name) bool {
	if prefix := d.r.Bytes(n.Prefix); len(prefix) > 0 {
		if !isNCName(prefix) || string(prefix) == "xmlns" {
			return d.fail(errBootstrapForm)
		}
		d.doc.Blob = append(append(d.doc.Blob, prefix...), ':')
	}
	local := d.localName(n)
	if !isNCName(local) {
		return d.fail(errBootstrapForm)
	}
	d.doc.Blob = append(d.doc.Blob, local...)
	return true
}

// xmlAttribute appends the value of an attribute.
func (d *Reader) xmlAttribute(value Span) {
	d.doc.Blob = append(d.doc.Blob, `="`...)
	d.doc.Blob = appendXMLEscaped(d.doc.Blob, d.r.Bytes(value), true)
	d.doc.Blob = append(d.doc.Blob, '"')
}

// localName returns the local part of a name.
func (d *Reader) localName(n *nbfx.Name) []byte {
	if n.ID >= 0 {
		return []byte(d.version.Dictionary()[n.ID])
	}
	return d.r.Bytes(n.Local)
}

// isNCName reports whether b is a name without colon (Namespaces in XML 1.0).
func isNCName(b []byte) bool {
	for i, c := range string(b) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_',
			c >= 0xC0 && c <= 0x2FF && c != 0xD7 && c != 0xF7, c >= 0x370 && c <= 0x1FFF && c != 0x37E,
			c >= 0x200C && c <= 0x200D, c >= 0x2070 && c <= 0x218F, c >= 0x2C00 && c <= 0x2FEF,
			c >= 0x3001 && c <= 0xD7FF, c >= 0xF900 && c <= 0xFDCF, c >= 0xFDF0 && c <= 0xFFFC,
			c >= 0x10000 && c <= 0xEFFFF:
		case i > 0 && (c >= '0' && c <= '9' || c == '-' || c == '.' || c == 0xB7 ||
			c >= 0x300 && c <= 0x36F || c >= 0x203F && c <= 0x2040):
		default:
			return false
		}
	}
	return len(b) > 0 && utf8.Valid(b)
}

// bootstrapXML writes a BootStrapToken of WIF 1.0.
func (d *Writer) bootstrapXML(kind Bootstrap, data []byte) {
	d.start(nBootStrapToken)
	switch kind {
	case BootstrapWindows:
		d.w.Start("", windowsStub, "")
		d.w.End()
	case BootstrapString, BootstrapToken:
		// Open elements: SessionToken, ClaimsPrincipal and Identities, two
		// per actor, Identity and BootStrapToken.
		x := xmlWriter{w: &d.w, depth: 5 + 2*d.depth}
		if err := x.write(data); err != nil {
			d.fail(err)
		}
	case BootstrapBytes:
		d.fail(layer.Unsupported("bootstrap token as bytes in WIF 1.0, which has XML only"))
	default:
		d.fail(errBootstrapKind)
	}
	d.w.End()
}

// xmlWriter writes XML text as binary XML, as XmlWriter.WriteNode does.
type xmlWriter struct {
	w     *nbfx.Writer
	depth int        // open elements, those around the text included
	open  []xml.Name // those of the text
	scope []xmlScope
}

// xmlScope is a namespace declaration of the text.
type xmlScope struct {
	depth       int
	prefix, uri string
}

// write writes the one element that data holds.
func (x *xmlWriter) write(data []byte) error {
	if len(data) > limits.Bootstrap {
		return errBootstrapSize
	}
	text, err := xmltree.Decode(data)
	if err != nil || isLongUTF16(data) {
		return errBootstrapXML
	}
	reader := xml.NewDecoder(strings.NewReader(text))
	for elements := 0; ; {
		token, err := reader.RawToken()
		if err == io.EOF {
			if elements != 1 || len(x.open) > 0 {
				return errBootstrapXML
			}
			return nil
		}
		if err != nil {
			return errBootstrapXML // without the text that encoding/xml may quote
		}
		switch t := token.(type) {
		case xml.StartElement:
			if len(x.open) == 0 {
				elements++
			}
			if elements > 1 {
				return errBootstrapXML
			}
			if err := x.start(t); err != nil {
				return err
			}
		case xml.EndElement:
			if len(x.open) == 0 || x.open[len(x.open)-1] != t.Name {
				return errBootstrapXML
			}
			x.end()
		case xml.CharData:
			if len(x.open) > 0 {
				x.w.Text(string(t))
			} else if len(nbfx.TrimSpace(t)) > 0 {
				return errBootstrapXML
			}
		case xml.Comment:
			if len(x.open) > 0 {
				x.w.Comment(string(t))
			}
		default: // a DTD or a processing instruction, which binary XML has not
			return errBootstrapForm
		}
	}
}

// start writes a start tag.
func (x *xmlWriter) start(t xml.StartElement) error {
	const maxAttributes = 64 // more are not read again, see package nbfx
	if x.depth++; x.depth > limits.Depth || len(t.Attr) > maxAttributes {
		return errBootstrapSize
	}
	x.open = append(x.open, t.Name)
	for _, a := range t.Attr {
		if prefix, ok := declaredPrefix(a.Name); ok {
			x.scope = append(x.scope, xmlScope{x.depth, prefix, a.Value})
		}
	}
	uri, ok := x.namespace(t.Name.Space)
	if !ok {
		return errBootstrapXML
	}
	x.w.Start(t.Name.Space, t.Name.Local, uri)
	for i, a := range t.Attr {
		if bytes.ContainsAny([]byte(a.Value), "\t\r\n") {
			return errBootstrapForm // blanks if written as such, themselves if escaped
		}
		prefix, declares := declaredPrefix(a.Name)
		if declares {
			for _, b := range t.Attr[:i] {
				if a.Name == b.Name {
					return errBootstrapXML
				}
			}
			x.w.Xmlns(prefix, a.Value)
			continue
		}
		uri, ok := x.attributeNamespace(a.Name)
		if !ok {
			return errBootstrapXML
		}
		for _, b := range t.Attr[:i] {
			other, _ := x.attributeNamespace(b.Name)
			if a.Name == b.Name || uri != "" && other == uri && b.Name.Local == a.Name.Local {
				return errBootstrapXML
			}
		}
		x.w.Attr(a.Name.Space, a.Name.Local, uri, a.Value)
	}
	return nil
}

// end writes the end of the innermost element.
func (x *xmlWriter) end() {
	x.w.End()
	n := len(x.scope)
	for n > 0 && x.scope[n-1].depth == x.depth {
		n--
	}
	x.scope = x.scope[:n]
	x.open = x.open[:len(x.open)-1]
	x.depth--
}

// declaredPrefix returns the prefix that an attribute of this name declares.
func declaredPrefix(n xml.Name) (prefix string, ok bool) {
	switch {
	case n.Space == "xmlns":
		return n.Local, true
	case n.Space == "" && n.Local == "xmlns":
		return "", true
	}
	return "", false
}

// namespace looks a prefix up.
func (x *xmlWriter) namespace(prefix string) (uri string, ok bool) {
	for i := len(x.scope) - 1; i >= 0; i-- {
		if x.scope[i].prefix == prefix {
			return x.scope[i].uri, true
		}
	}
	if prefix == "xml" {
		return namespaceXML, true
	}
	return "", prefix == ""
}

// attributeNamespace looks up the prefix of an attribute, which is in no
// namespace without one.
func (x *xmlWriter) attributeNamespace(n xml.Name) (uri string, ok bool) {
	if n.Space == "" {
		return "", true
	}
	return x.namespace(n.Space)
}

// namespaceXML is what the prefix xml means everywhere.
const namespaceXML = "http://www.w3.org/XML/1998/namespace"
