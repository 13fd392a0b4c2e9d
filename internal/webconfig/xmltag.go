package webconfig

import "strings"

// Tags and namespaces:
//
//	start     ::= '<' name (space attribute)* space? ('>' | '/>')
//	attribute ::= name space? '=' space? value
//	end       ::= '</' name space? '>'

func (p *parser) startTag() error {
	if len(p.open) == 0 && p.root != nil {
		return p.malformed("a second root element")
	}
	if len(p.open) == maxDepth {
		return p.tooComplex("at most %d levels of elements", maxDepth)
	}
	if p.elements++; p.elements > maxElements {
		return p.tooComplex("at most %d elements", maxElements)
	}
	e := &Element{Line: p.line()}
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
	if err := p.resolve(e, name, raw, outside); err != nil {
		return err
	}

	if len(p.open) == 0 {
		p.root = e
	} else {
		parent := p.open[len(p.open)-1].element
		parent.Children = append(parent.Children, e)
	}
	if p.accept("/>") {
		p.bindings = p.bindings[:outside]
		return nil
	}
	p.pos++ // '>'
	p.open = append(p.open, frame{e, name, outside})
	return nil
}

// attributes reads up to the end of the start tag, and returns the attributes
// with their names as written. Namespace declarations go to p.bindings.
func (p *parser) attributes(e *Element, element string) ([]Attr, error) {
	var raw []Attr
	for n := 0; ; n++ {
		spaced := p.space()
		rest := p.text[p.pos:]
		if strings.HasPrefix(rest, ">") || strings.HasPrefix(rest, "/>") {
			return raw, nil
		}
		if rest == "" {
			return nil, p.malformed("the file ends inside the tag <%s> of line %d", showName(element), e.Line)
		}
		name := p.name()
		if name == "" || !spaced {
			return nil, p.malformed("bad character in the tag <%s>", showName(element))
		}
		if n == maxAttributes {
			return nil, p.tooComplex("at most %d attributes in one element", maxAttributes)
		}
		p.space()
		if !p.accept("=") {
			return nil, p.malformed("attribute without = in the tag <%s>", showName(element))
		}
		p.space()
		value, err := p.quoted()
		if err != nil {
			return nil, err
		}
		prefix, declares := strings.CutPrefix(name, "xmlns:")
		if name == "xmlns" {
			prefix, declares = "", true
		}
		if !declares {
			raw = append(raw, Attr{Name: name, Value: value})
			continue
		}
		if err := p.bind(prefix, value); err != nil {
			return nil, err
		}
	}
}

// The two prefixes that need no declaration.
const (
	nsXML   = "http://www.w3.org/XML/1998/namespace"
	nsXMLNS = "http://www.w3.org/2000/xmlns/"
)

func (p *parser) bind(prefix, uri string) error {
	switch {
	case prefix == "xmlns", uri == nsXMLNS, (prefix == "xml") != (uri == nsXML), prefix != "" && uri == "":
		return p.malformed("illegal namespace declaration")
	case len(p.bindings) == maxNamespaces:
		return p.tooComplex("at most %d namespace declarations", maxNamespaces)
	}
	p.bindings = append(p.bindings, binding{prefix, uri})
	return nil
}

// resolve gives the element and its attributes their namespaces, now that all
// declarations of the tag (from outside on) are known, and refuses duplicates.
func (p *parser) resolve(e *Element, name string, raw []Attr, outside int) error {
	for i := outside; i < len(p.bindings); i++ {
		for j := outside; j < i; j++ {
			if p.bindings[i].prefix == p.bindings[j].prefix {
				return p.malformed("namespace declared twice in <%s>", showName(name))
			}
		}
	}
	var ok bool
	if e.Space, e.Name, ok = p.lookup(name, true); !ok {
		return p.malformed("undeclared prefix in <%s>", showName(name))
	}
	if e.Space == nsConfiguration {
		e.Space = ""
	}
	for i, a := range raw {
		if a.Space, a.Name, ok = p.lookup(a.Name, false); !ok {
			return p.malformed("undeclared prefix in attribute %s", showName(raw[i].Name))
		}
		for _, b := range raw[:i] {
			if a.Name == b.Name && a.Space == b.Space {
				return p.malformed("attribute %s twice in <%s>", showName(a.Name), showName(name))
			}
		}
		raw[i] = a
	}
	e.Attrs = raw
	return nil
}

// lookup splits a name into namespace and local part. The default namespace
// counts for elements only.
func (p *parser) lookup(name string, element bool) (space, local string, ok bool) {
	prefix, local, prefixed := strings.Cut(name, ":")
	if !prefixed {
		prefix, local = "", name
		if !element {
			return "", local, true
		}
	}
	if prefix == "xml" {
		return nsXML, local, true
	}
	for i := len(p.bindings) - 1; i >= 0; i-- {
		if p.bindings[i].prefix == prefix {
			return p.bindings[i].uri, local, true
		}
	}
	return "", local, !prefixed
}

func (p *parser) endTag() error {
	name := p.name()
	p.space()
	if name == "" || !p.accept(">") {
		return p.malformed("bad end tag")
	}
	if len(p.open) == 0 {
		return p.malformed("</%s> without start", showName(name))
	}
	top := p.open[len(p.open)-1]
	if top.name != name {
		return p.malformed("</%s> where </%s> of line %d is due", showName(name), showName(top.name), top.element.Line)
	}
	p.open = p.open[:len(p.open)-1]
	p.bindings = p.bindings[:top.bindings]
	return nil
}
