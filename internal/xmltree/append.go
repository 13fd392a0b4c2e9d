package xmltree

import (
	"bytes"
	"encoding/xml"
	"strings"
)

// Append appends e as a document of its own, with the namespaces that it
// needs. Text beside child elements is left out: where both may stand, the
// text is white space.
func Append(dst []byte, e *Element) []byte {
	b := bytes.NewBuffer(dst)
	write(b, e, "")
	return b.Bytes()
}

func write(b *bytes.Buffer, e *Element, outside string) {
	b.WriteString("<" + e.Name)
	if e.Space != outside {
		writeAttr(b, "xmlns", e.Space)
	}
	for _, a := range e.Attrs {
		switch {
		case a.Space == "":
			writeAttr(b, a.Name, a.Value)
		case strings.HasSuffix(a.Space, "/XML/1998/namespace"):
			writeAttr(b, "xml:"+a.Name, a.Value)
		default: // a prefix for this attribute alone
			prefix := "a" + a.Name
			writeAttr(b, "xmlns:"+prefix, a.Space)
			writeAttr(b, prefix+":"+a.Name, a.Value)
		}
	}
	b.WriteByte('>')
	if len(e.Children) == 0 {
		xml.EscapeText(b, []byte(e.Text))
	}
	for _, c := range e.Children {
		write(b, c, e.Space)
	}
	b.WriteString("</" + e.Name + ">")
}

func writeAttr(b *bytes.Buffer, name, value string) {
	b.WriteString(" " + name + `="`)
	xml.EscapeText(b, []byte(value))
	b.WriteByte('"')
}
