package webconfig

import (
	"fmt"
	"strings"
)

// The part of XML 1.0 and of Namespaces in XML 1.0 that a configuration file
// needs. It is read by hand because encoding/xml bounds neither attributes nor
// depth, takes attributes without a blank between them, several roots and CDATA
// outside of them, does not tell a line break in an attribute, which is a space,
// from &#10;, and quotes the document in its errors.
//
//	document ::= declaration? misc* element misc*
//	misc     ::= comment | processing instruction | white space
//	element  ::= '<' name attribute* '/>' | '<' name attribute* '>' content '</' name '>'
//	content  ::= (text | element | comment | CDATA | processing instruction)*

// parseXML reads one document and returns its root.
func parseXML(text string) (*Element, error) {
	p := &parser{text: text, lines: 1}
	if isDeclared(text) {
		p.until("?>")
	}
	for p.pos < len(p.text) {
		if err := p.node(); err != nil {
			return nil, err
		}
	}
	if len(p.open) > 0 {
		top := p.open[len(p.open)-1]
		return nil, p.malformed("the file ends inside <%s> of line %d", showName(top.name), top.element.Line)
	}
	if p.root == nil {
		return nil, p.malformed("no element")
	}
	return p.root, nil
}

// parser walks over a text whose characters were checked. It keeps its own
// stack, so nesting cannot exhaust that of Go.
type parser struct {
	text     string
	pos      int // next byte
	lines    int // line of counted
	counted  int // bytes whose line ends are in lines
	root     *Element
	open     []frame
	bindings []binding // namespace declarations in force, innermost last
	elements int
}

// frame is an element whose end tag has not come.
type frame struct {
	element  *Element
	name     string // as written, with prefix: the end tag must repeat it
	bindings int    // len(parser.bindings) outside
}

// binding is one xmlns="uri" (empty prefix) or xmlns:prefix="uri".
type binding struct{ prefix, uri string }

// line returns the line of the next byte.
func (p *parser) line() int {
	p.lines += strings.Count(p.text[p.counted:p.pos], "\n")
	p.counted = p.pos
	return p.lines
}

func (p *parser) malformed(format string, args ...any) error {
	return &Error{Code: CodeMalformedXML, Line: p.line(), Found: fmt.Sprintf(format, args...)}
}

func (p *parser) tooComplex(format string, args ...any) error {
	return &Error{Code: CodeTooComplex, Line: p.line(), Want: fmt.Sprintf(format, args...)}
}

// accept steps over s if it comes next.
func (p *parser) accept(s string) bool {
	if strings.HasPrefix(p.text[p.pos:], s) {
		p.pos += len(s)
		return true
	}
	return false
}

// until steps over everything up to and including end, and returns what was
// before it.
func (p *parser) until(end string) (string, bool) {
	i := strings.Index(p.text[p.pos:], end)
	if i < 0 {
		return "", false
	}
	s := p.text[p.pos : p.pos+i]
	p.pos += i + len(end)
	return s, true
}

// space steps over white space and reports whether there was any.
func (p *parser) space() bool {
	start := p.pos
	for p.pos < len(p.text) && isSpace(p.text[p.pos]) {
		p.pos++
	}
	return p.pos > start
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// node reads one piece of markup or text.
func (p *parser) node() error {
	switch {
	case p.accept("</"):
		return p.endTag()
	case p.accept("<!--"):
		return p.comment()
	case p.accept("<![CDATA["):
		return p.cdata()
	case strings.HasPrefix(p.text[p.pos:], "<!DOCTYPE"):
		return &Error{Code: CodeDTD, Line: p.line(), Want: "a file without DOCTYPE"}
	case strings.HasPrefix(p.text[p.pos:], "<!"):
		return p.malformed("<! that starts neither comment nor CDATA")
	case p.accept("<?"):
		return p.instruction()
	case p.text[p.pos] == '<':
		return p.startTag()
	}
	return p.characters()
}

func (p *parser) comment() error {
	body, ok := p.until("-->")
	if !ok {
		return p.malformed("comment does not end")
	}
	if strings.Contains(body, "--") || strings.HasSuffix(body, "-") {
		return p.malformed("-- inside a comment")
	}
	return nil
}

func (p *parser) cdata() error {
	if len(p.open) == 0 {
		return p.malformed("CDATA outside the root element")
	}
	body, ok := p.until("]]>")
	if !ok {
		return p.malformed("CDATA does not end")
	}
	p.noteText(body)
	return nil
}

func (p *parser) instruction() error {
	name := p.name()
	if name == "" || strings.Contains(name, ":") || strings.EqualFold(name, "xml") {
		return p.malformed("XML declaration or processing instruction not allowed here")
	}
	if p.accept("?>") {
		return nil
	}
	if !p.space() {
		return p.malformed("bad processing instruction")
	}
	if _, ok := p.until("?>"); !ok {
		return p.malformed("processing instruction does not end")
	}
	return nil
}

// characters checks text up to the next markup. Its content matters to no
// section, so only its presence is kept.
func (p *parser) characters() error {
	end := strings.IndexByte(p.text[p.pos:], '<')
	if end < 0 {
		end = len(p.text) - p.pos
	}
	body := p.text[p.pos : p.pos+end]
	if len(p.open) == 0 && !blank(body) {
		return p.malformed("text outside the root element")
	}
	if strings.Contains(body, "]]>") {
		return p.malformed("]]> in text")
	}
	if strings.Contains(body, "&") {
		if _, err := p.expand(body); err != nil {
			return err
		}
	}
	p.noteText(body)
	p.pos += end
	return nil
}

func (p *parser) noteText(body string) {
	if !blank(body) {
		p.open[len(p.open)-1].element.HasText = true
	}
}

func blank(s string) bool { return strings.Trim(s, " \n\t\r") == "" }
