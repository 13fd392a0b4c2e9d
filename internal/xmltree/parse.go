package xmltree

import (
	"fmt"
	"strings"

	"github.com/webfarm-go/webfarm/internal/secret"
)

// The grammar of a document:
//
//	document ::= declaration? misc* element misc*
//	misc     ::= comment | processing instruction | white space
//	element  ::= '<' name attribute* '/>' | '<' name attribute* '>' content '</' name '>'
//	content  ::= (text | element | comment | CDATA | processing instruction)*

// Parse reads a document and returns its root. Errors are of type [*Error].
func Parse(data []byte, limits Limits) (*Element, error) {
	if len(data) > limits.Bytes {
		return nil, &Error{Line: 1, Err: ErrLimit, Want: fmt.Sprintf("at most %d bytes", limits.Bytes)}
	}
	text, err := decode(data, limits.Strict)
	if err != nil {
		return nil, err
	}
	p := &parser{text: text, limits: limits, lines: 1}
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
		return nil, p.malformed("the file ends inside <%s> of line %d",
			secret.Name(top.name), top.element.Line)
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
	limits   Limits
	pos      int // next byte
	lines    int // line of counted
	counted  int // bytes whose line ends are in lines
	root     *Element
	open     []frame
	bindings []binding // namespace declarations in force, innermost last
	attrs    []Attr    // of the tag at hand, as written; its room is used again
	texts    []string  // inside the open elements
	elements int
}

// frame is an element whose end tag has not come.
type frame struct {
	element  *Element
	name     string // as written, with prefix: the end tag must repeat it
	start    int    // parser.pos of its first byte
	bindings int    // len(parser.bindings) outside
	texts    int    // len(parser.texts) outside
}

// binding is one xmlns="uri" (empty prefix) or xmlns:prefix="uri".
type binding struct{ prefix, uri string }

func (p *parser) line() int {
	p.lines += strings.Count(p.text[p.counted:p.pos], "\n")
	p.counted = p.pos
	return p.lines
}

func (p *parser) malformed(format string, args ...any) error {
	return &Error{Line: p.line(), Err: ErrSyntax, Found: fmt.Sprintf(format, args...)}
}

func (p *parser) overLimit(format string, args ...any) error {
	return &Error{Line: p.line(), Err: ErrLimit, Want: fmt.Sprintf(format, args...)}
}

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

func (p *parser) node() error {
	switch {
	case p.accept("</"):
		return p.endTag()
	case p.accept("<!--"):
		return p.comment()
	case p.accept("<![CDATA["):
		return p.cdata()
	case strings.HasPrefix(p.text[p.pos:], "<!DOCTYPE"):
		return &Error{Line: p.line(), Err: ErrDTD, Want: "a file without DOCTYPE"}
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
	p.keep(CommentNode, body)
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
	p.keep(TextNode, body)
	return nil
}

func (p *parser) keep(node, body string) {
	switch {
	case len(p.open) == 0:
	case p.limits.Whole:
		parent := p.open[len(p.open)-1].element
		parent.Children = append(parent.Children, &Element{Name: node, Text: body})
	case node == TextNode:
		p.texts = append(p.texts, body)
	}
}

func (p *parser) instruction() error {
	name := p.name()
	if name == "" || strings.Contains(name, ":") || strings.EqualFold(name, "xml") ||
		p.limits.Strict {
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

func (p *parser) characters() error {
	body := p.text[p.pos:]
	if end := strings.IndexByte(body, '<'); end >= 0 {
		body = body[:end]
	}
	next := p.pos + len(body)
	if len(p.open) == 0 && strings.Trim(body, " \n\t\r") != "" {
		return p.malformed("text outside the root element")
	}
	if strings.Contains(body, "]]>") {
		return p.malformed("]]> in text")
	}
	body, err := p.expand(body)
	if err != nil {
		return err
	}
	p.keep(TextNode, body)
	p.pos = next
	return nil
}
