// Package xmltree reads a small XML document into a tree, within bounds.
//
// It is for documents of machines, such as the elements of a key ring: text
// and child elements are kept apart, comments and processing instructions are
// dropped, and a DTD is refused. Names are resolved to namespaces.
//
// A tree may hold secrets. No error of this package quotes the document.
package xmltree

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Element is one element of a document.
type Element struct {
	// Name is the local name and the namespace, empty for none.
	Name xml.Name
	// Attrs are the attributes without the declarations of namespaces.
	Attrs []xml.Attr
	// Children are the child elements in order.
	Children []*Element
	// Text is all the text directly inside, in one piece.
	Text string
	// Size is the length in bytes of the element in the document.
	Size int
}

// Attr returns the value of the attribute of this name in no namespace.
func (e *Element) Attr(local string) (string, bool) {
	for _, a := range e.Attrs {
		if a.Name.Space == "" && a.Name.Local == local {
			return a.Value, true
		}
	}
	return "", false
}

// Child returns the first child of this name, or nil.
func (e *Element) Child(space, local string) *Element {
	for _, c := range e.Children {
		if c.Name.Space == space && c.Name.Local == local {
			return c
		}
	}
	return nil
}

// Limits bound a document.
type Limits struct {
	Bytes    int // of the whole document
	Element  int // bytes of one tag or text
	Elements int // in the whole document
	Depth    int // of nested elements
}

const (
	// maxAttributes bounds the attributes of one element, which are compared
	// with each other. An element of a key ring has four at most.
	maxAttributes = 64
	// maxNamespaces bounds the declarations in force at one place, which every
	// name searches.
	maxNamespaces = 64
)

// Causes of an [Error].
var (
	ErrSyntax = errors.New("not well-formed XML in UTF-8")
	ErrDTD    = errors.New("a document type declaration, which is not read: " +
		"it could name other files or grow without end")
	ErrLimit = errors.New("over a limit")
)

// Error says why a document is refused.
type Error struct {
	Line int   // in the document, from 1
	Err  error // wraps ErrSyntax, ErrDTD or ErrLimit
}

// Error describes the fault in one line.
func (e *Error) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Parse reads a document in UTF-8, with or without byte order mark.
func Parse(data []byte, limits Limits) (*Element, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if err := checkSizes(data, limits); err != nil {
		return nil, err
	}
	p := parser{d: xml.NewDecoder(bytes.NewReader(data)), limits: limits}
	for {
		token, err := p.d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			// The text of the error may quote the document.
			return nil, p.fail(ErrSyntax)
		}
		if err := p.token(token); err != nil {
			return nil, p.fail(err)
		}
		p.before = p.d.InputOffset()
	}
	if p.root == nil || len(p.open) > 0 {
		return nil, p.fail(ErrSyntax)
	}
	return p.root, nil
}

// checkSizes refuses a document that is too long, or has a tag or text that
// is, before the decoder takes memory for it. A tag holds no second "<".
func checkSizes(data []byte, limits Limits) error {
	if len(data) > limits.Bytes {
		return &Error{1, fmt.Errorf("%w: %d bytes, at most %d", ErrLimit, len(data), limits.Bytes)}
	}
	for rest := data; len(rest) > limits.Element; {
		next := bytes.IndexByte(rest[1:limits.Element+1], '<')
		if next < 0 {
			line := 1 + bytes.Count(data[:len(data)-len(rest)], []byte("\n"))
			return &Error{line, fmt.Errorf("%w: a tag or text of more than %d bytes",
				ErrLimit, limits.Element)}
		}
		rest = rest[1+next:]
	}
	return nil
}

// parser is the state of Parse. The decoder only cuts the document into
// tokens; names, nesting and bounds are looked after here.
type parser struct {
	d      *xml.Decoder
	limits Limits
	before int64 // where the current token begins

	root   *Element
	open   []openElement
	spaces []declaration // in force, innermost last
	count  int           // of elements
}

type openElement struct {
	e      *Element
	raw    xml.Name // as written: prefix and local name
	start  int64
	spaces int // declarations in force outside
	text   []byte
}

type declaration struct{ prefix, space string }

func (p *parser) fail(cause error) error {
	line, _ := p.d.InputPos()
	return &Error{line, cause}
}

func (p *parser) token(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		return p.start(t)
	case xml.EndElement:
		return p.end(t)
	case xml.CharData:
		if len(p.open) > 0 {
			o := &p.open[len(p.open)-1]
			o.text = append(o.text, t...)
		} else if len(bytes.TrimSpace(t)) > 0 {
			return ErrSyntax
		}
	case xml.Directive:
		return ErrDTD
	}
	return nil
}

func (p *parser) start(t xml.StartElement) error {
	switch {
	case p.root != nil && len(p.open) == 0:
		return ErrSyntax // a second root
	case len(p.open) == p.limits.Depth:
		return fmt.Errorf("%w: elements nested deeper than %d", ErrLimit, p.limits.Depth)
	case p.count == p.limits.Elements:
		return fmt.Errorf("%w: more than %d elements", ErrLimit, p.limits.Elements)
	case len(t.Attr) > maxAttributes:
		return fmt.Errorf("%w: more than %d attributes of one element", ErrLimit, maxAttributes)
	}
	p.count++
	outside := len(p.spaces)
	for _, a := range t.Attr {
		switch {
		case a.Name.Space == "xmlns" && a.Value == "":
			return ErrSyntax // only the default can be taken back
		case a.Name.Space == "xmlns":
			p.spaces = append(p.spaces, declaration{a.Name.Local, a.Value})
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			p.spaces = append(p.spaces, declaration{"", a.Value})
		}
	}
	if len(p.spaces) > maxNamespaces {
		return fmt.Errorf("%w: more than %d namespaces", ErrLimit, maxNamespaces)
	}
	e := &Element{}
	var err error
	if e.Name, err = p.resolve(t.Name, true); err != nil {
		return err
	}
	for i, a := range t.Attr {
		if slices.ContainsFunc(t.Attr[:i], func(b xml.Attr) bool { return a.Name == b.Name }) {
			return ErrSyntax
		}
		if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
			continue
		}
		name, err := p.resolve(a.Name, false)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(e.Attrs, func(b xml.Attr) bool { return name == b.Name }) {
			return ErrSyntax // one name under two prefixes
		}
		e.Attrs = append(e.Attrs, xml.Attr{Name: name, Value: a.Value})
	}
	if len(p.open) == 0 {
		p.root = e
	} else {
		parent := p.open[len(p.open)-1].e
		parent.Children = append(parent.Children, e)
	}
	p.open = append(p.open, openElement{e: e, raw: t.Name, start: p.before, spaces: outside})
	return nil
}

func (p *parser) end(t xml.EndElement) error {
	if len(p.open) == 0 || p.open[len(p.open)-1].raw != t.Name {
		return ErrSyntax
	}
	o := &p.open[len(p.open)-1]
	o.e.Text = string(o.text)
	o.e.Size = int(p.d.InputOffset() - o.start)
	p.spaces = p.spaces[:o.spaces]
	p.open = p.open[:len(p.open)-1]
	return nil
}

// resolve puts the namespace in the place of the prefix. The default namespace
// is for elements only.
func (p *parser) resolve(raw xml.Name, element bool) (xml.Name, error) {
	if strings.Contains(raw.Local, ":") {
		return xml.Name{}, ErrSyntax
	}
	if raw.Space == "xml" {
		return xml.Name{Space: "http://www.w3.org/XML/1998/namespace", Local: raw.Local}, nil
	}
	if raw.Space == "" && !element {
		return raw, nil
	}
	for i := len(p.spaces) - 1; i >= 0; i-- {
		if p.spaces[i].prefix == raw.Space {
			return xml.Name{Space: p.spaces[i].space, Local: raw.Local}, nil
		}
	}
	if raw.Space != "" {
		return xml.Name{}, ErrSyntax // a prefix that nothing declares
	}
	return raw, nil
}
