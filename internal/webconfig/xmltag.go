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
	if err := p.resolve(e, name, raw); err != nil {
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
// with their names as written.
func (p *parser) attributes(e *Element, element string) ([]Attr, error) {
	var raw []Attr
	for {
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
		if len(raw) == maxAttributes {
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

// resolve gives the element and its attributes their namespaces, once all
// declarations of the tag are in force, and refuses duplicates.
func (p *parser) resolve(e *Element, name string, raw []Attr) error {
	twice := func(a Attr, before []Attr) error {
		for _, b := range before {
			if a.Name == b.Name && a.Space == b.Space {
				return p.malformed("attribute %s twice in <%s>", showName(a.Name), showName(name))
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
	if e.Space, e.Name, ok = p.lookup(name, true); !ok {
		return p.malformed("undeclared prefix in <%s>", showName(name))
	}
	if e.Space == nsConfiguration {
		e.Space = ""
	}
	e.Attrs = raw[:0]
	for _, a := range raw {
		if _, ok := declares(a.Name); ok {
			continue
		}
		written := a.Name
		if a.Space, a.Name, ok = p.lookup(written, false); !ok {
			return p.malformed("undeclared prefix in attribute %s", showName(written))
		}
		if err := twice(a, e.Attrs); err != nil { // by another prefix
			return err
		}
		e.Attrs = append(e.Attrs, a)
	}
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
