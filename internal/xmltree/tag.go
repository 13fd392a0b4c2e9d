package xmltree

import (
	"strings"

	"github.com/webfarm-go/webfarm/internal/secret"
)

// Tags and namespaces:
//
//	start     ::= '<' name (space attribute)* space? ('>' | '/>')
//	attribute ::= name space? '=' space? value
//	end       ::= '</' name space? '>'

func (p *parser) startTag() error {
	if len(p.open) == 0 && p.root != nil {
		return p.malformed("a second root element")
	}
	if len(p.open) == p.limits.Depth {
		return p.overLimit("at most %d levels of elements", p.limits.Depth)
	}
	if p.elements++; p.elements > p.limits.Elements {
		return p.overLimit("at most %d elements", p.limits.Elements)
	}
	e, start := &Element{Line: p.line()}, p.pos
	p.pos++ // '<'
	name := p.name()
	if name == "" {
		return p.malformed("< that starts no tag")
	}
	outside := len(p.bindings)
	raw, err := p.attributes(e, name)
	if err != nil {
		return err
	}
	if err := p.resolve(e, name, raw); err != nil {
		return err
	}

	if len(p.open) == 0 {
		p.root = e
	} else {
		parent := p.open[len(p.open)-1].element
		parent.Children = append(parent.Children, e)
	}
	p.open = append(p.open, frame{e, name, start, outside, len(p.texts)})
	if p.accept("/>") {
		p.close()
		return nil
	}
	p.pos++ // '>'
	return nil
}

// attributes reads up to the end of the start tag, and returns the attributes
// with their names as written.
func (p *parser) attributes(e *Element, element string) ([]Attr, error) {
	raw := p.attrs[:0]
	for {
		spaced := p.space()
		rest := p.text[p.pos:]
		if strings.HasPrefix(rest, ">") || strings.HasPrefix(rest, "/>") {
			p.attrs = raw
			return raw, nil
		}
		if rest == "" {
			return nil, p.malformed("the file ends inside the tag <%s> of line %d",
				secret.Name(element), e.Line)
		}
		name := p.name()
		if name == "" || !spaced {
			return nil, p.malformed("bad character in the tag <%s>", secret.Name(element))
		}
		if len(raw) == maxAttributes {
			return nil, p.overLimit("at most %d attributes in one element", maxAttributes)
		}
		p.space()
		if !p.accept("=") {
			return nil, p.malformed("attribute without = in the tag <%s>", secret.Name(element))
		}
		p.space()
		value, err := p.quoted()
		if err != nil {
			return nil, err
		}
		raw = append(raw, Attr{Name: name, Value: value})
	}
}

// declares reports whether an attribute declares the namespace of a prefix,
// which is "" for the default.
func declares(name string) (prefix string, ok bool) {
	if name == "xmlns" {
		return "", true
	}
	return strings.CutPrefix(name, "xmlns:")
}

// The two prefixes that need no declaration.
const (
	nsXML          = "http://www.w3.org/XML/1998/namespace"
	NamespaceXMLNS = "http://www.w3.org/2000/xmlns/"
)

func (p *parser) bind(prefix, uri string) error {
	switch {
	case prefix == "xmlns", uri == NamespaceXMLNS, (prefix == "xml") != (uri == nsXML),
		prefix != "" && uri == "":
		return p.malformed("illegal namespace declaration")
	case len(p.bindings) == maxNamespaces:
		return p.overLimit("at most %d namespace declarations", maxNamespaces)
	}
	p.bindings = append(p.bindings, binding{prefix, uri})
	return nil
}

// resolve gives the element and its attributes their namespaces, once all
// declarations of the tag are in force, and refuses duplicates.
func (p *parser) resolve(e *Element, name string, raw []Attr) error {
	twice := func(a Attr, before []Attr) error {
		for _, b := range before {
			if a.Name == b.Name && a.Space == b.Space {
				return p.malformed("attribute %s twice in <%s>", secret.Name(a.Name), secret.Name(name))
			}
		}
		return nil
	}
	for i, a := range raw {
		if err := twice(a, raw[:i]); err != nil {
			return err
		}
		if prefix, ok := declares(a.Name); ok {
			if err := p.bind(prefix, a.Value); err != nil {
				return err
			}
		}
	}
	var ok bool
	if e.Prefix, e.Name, e.Space, ok = p.lookup(name, true); !ok {
		return p.malformed("undeclared prefix in <%s>", secret.Name(name))
	}
	attrs := raw[:0]
	for _, a := range raw {
		written := a.Name
		_, declaration := declares(written)
		if declaration && !p.limits.Whole {
			continue
		}
		a.Prefix, a.Name, a.Space, ok = p.lookup(written, false)
		if declaration {
			a.Space = NamespaceXMLNS
		} else if !ok {
			return p.malformed("undeclared prefix in attribute %s", secret.Name(written))
		}
		if err := twice(a, attrs); err != nil { // by another prefix
			return err
		}
		attrs = append(attrs, a)
	}
	e.Attrs = append(e.Attrs, attrs...) // exactly as large as it is
	return nil
}

// lookup splits a name into prefix and local part, and finds the namespace. The
// default namespace counts for elements only.
func (p *parser) lookup(name string, element bool) (prefix, local, space string, ok bool) {
	prefix, local, prefixed := strings.Cut(name, ":")
	switch {
	case !prefixed && !element:
		return "", name, "", true
	case !prefixed:
		prefix, local = "", name
	case prefix == "xml":
		return prefix, local, nsXML, true
	}
	for i := len(p.bindings) - 1; i >= 0; i-- {
		if p.bindings[i].prefix == prefix {
			return prefix, local, p.bindings[i].uri, true
		}
	}
	return prefix, local, "", !prefixed
}

func (p *parser) endTag() error {
	name := p.name()
	p.space()
	if name == "" || !p.accept(">") {
		return p.malformed("bad end tag")
	}
	if len(p.open) == 0 {
		return p.malformed("</%s> without start", secret.Name(name))
	}
	top := p.open[len(p.open)-1]
	if top.name != name {
		return p.malformed("</%s> where </%s> of line %d is due",
			secret.Name(name), secret.Name(top.name), top.element.Line)
	}
	p.close()
	return nil
}

func (p *parser) close() {
	top := p.open[len(p.open)-1]
	top.element.Size = p.pos - top.start
	top.element.Text = strings.Join(p.texts[top.texts:], "")
	p.open, p.bindings = p.open[:len(p.open)-1], p.bindings[:top.bindings]
	p.texts = p.texts[:top.texts]
}
