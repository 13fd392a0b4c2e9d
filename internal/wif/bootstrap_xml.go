package wif

import (
	"bytes"
	"errors"
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

// bootstrapXML reads a BootStrapToken of WIF 1.0 into the blob: the element inside as XML
// text, in the form of XmlReader.ReadOuterXml. Attributes and declarations keep their
// order; <a/> becomes <a></a>, as binary XML does not tell the two apart.
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

// xmlElement appends the element that has just started to the blob, and reads to its end.
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
		value := d.r.Text(a.Value)
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
			text := d.r.Bytes(d.r.Text(d.r.Value()))
			d.doc.Blob = appendXMLEscaped(d.doc.Blob, text, false)
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
		if err := d.xmlDocument(data); err != nil {
			d.fail(err)
		}
	case BootstrapBytes:
		d.fail(layer.Unsupported("bootstrap token as bytes in WIF 1.0, which has XML only"))
	default:
		d.fail(errBootstrapKind)
	}
	d.w.End()
}

// xmlDocument writes the one element that data holds as binary XML, as XmlWriter.WriteNode does.
func (d *Writer) xmlDocument(data []byte) error {
	if len(data) > limits.Bootstrap {
		return errBootstrapSize
	}
	// Open elements: SessionToken, ClaimsPrincipal and Identities, two per actor,
	// Identity and BootStrapToken.
	around := 5 + 2*d.depth
	root, err := xmltree.Parse(data, xmltree.Limits{Bytes: limits.Bootstrap,
		Elements: limits.Bootstrap, Depth: limits.Depth - around, Strict: true, Whole: true})
	switch {
	case errors.Is(err, xmltree.ErrLimit):
		return errBootstrapSize
	case errors.Is(err, xmltree.ErrDTD): // which binary XML has not
		return errBootstrapForm
	case err != nil || isLongUTF16(data):
		return errBootstrapXML
	}
	return d.xmlNode(root)
}

// xmlNode writes one node and what is inside.
func (d *Writer) xmlNode(e *xmltree.Element) error {
	const maxAttributes = 64 // more are not read again, see package nbfx
	switch {
	case e.Name == xmltree.TextNode:
		d.w.Text(e.Text)
		return nil
	case e.Name == xmltree.CommentNode:
		d.w.Comment(e.Text)
		return nil
	case len(e.Attrs) > maxAttributes:
		return errBootstrapSize
	}
	d.w.Start(e.Prefix, e.Name, e.Space)
	for _, a := range e.Attrs {
		switch {
		case strings.ContainsAny(a.Value, "\t\r\n"):
			return errBootstrapForm // blanks if written as such, themselves if escaped
		case a.Space == xmltree.NamespaceXMLNS && a.Prefix == "":
			d.w.Xmlns("", a.Value)
		case a.Space == xmltree.NamespaceXMLNS:
			d.w.Xmlns(a.Name, a.Value)
		default:
			d.w.Attr(a.Prefix, a.Name, a.Space, a.Value)
		}
	}
	for _, c := range e.Children {
		if err := d.xmlNode(c); err != nil {
			return err
		}
	}
	d.w.End()
	return nil
}
