// Package xmltree reads an XML document into a tree, within bounds: a
// web.config, or an element of a key ring. Comments and processing
// instructions are dropped, and a DTD is refused. Names are resolved to
// namespaces.
//
//	bytes ── decode ──► text ── parser ──► *Element
//	         BOM, UTF-16          limits, no DTD
//
// The part of XML 1.0 and of Namespaces in XML 1.0 that this needs is read by
// hand. Package encoding/xml bounds neither attributes nor depth, takes
// attributes without a blank between them, several roots and CDATA outside of
// them, does not tell a line break in an attribute, which is a space, from
// &#10;, and quotes the document in its errors.
//
// A tree may hold secrets. It prints without its values, and no error of this
// package quotes one.
package xmltree

import (
	"errors"
	"fmt"
	"io"
)

// Element is one element of a document.
type Element struct {
	Prefix   string // as written, empty for none
	Name     string // without prefix
	Space    string // the namespace, empty for none
	Line     int    // 1-based, where the element starts
	Attrs    []Attr // in file order, namespace declarations apart
	Children []*Element
	Text     string // all the text directly inside, in one piece
	Size     int    // bytes from the start tag to the end tag, as UTF-8
}

// Attr is one attribute.
type Attr struct {
	Prefix string // as written, usually empty
	Name   string // without prefix
	Space  string // the namespace of the prefix
	Value  string // references resolved, white space as spaces
}

// Is reports whether e has that name in that namespace.
func (e *Element) Is(space, name string) bool { return e.Name == name && e.Space == space }

// Attr returns the value of the attribute of this name in no namespace.
func (e *Element) Attr(name string) (value string, ok bool) {
	for _, a := range e.Attrs {
		if a.Space == "" && a.Name == name {
			return a.Value, true
		}
	}
	return "", false
}

// Child returns the first child of this name, or nil.
func (e *Element) Child(space, name string) *Element {
	for _, c := range e.Children {
		if c.Is(space, name) {
			return c
		}
	}
	return nil
}

// Format prints the name and line for every verb.
func (e *Element) Format(s fmt.State, _ rune) {
	if e == nil {
		io.WriteString(s, "<nil>")
		return
	}
	fmt.Fprintf(s, "<%s> on line %d", e.Name, e.Line)
}

// Format hides the value for every verb.
func (a Attr) Format(s fmt.State, _ rune) { io.WriteString(s, a.Name+`="…"`) }

// Limits bound a document.
type Limits struct {
	Bytes    int // of the whole document
	Elements int // in the whole document
	Depth    int // of nested elements
	// Strict refuses processing instructions and encodings other than UTF-8 and
	// UTF-16, as System.Xml.XmlDictionaryReader does.
	Strict bool
	// Whole keeps all that is inside the root: texts and comments are children
	// called TextNode and CommentNode, declarations are attributes in
	// NamespaceXMLNS, and white space in values stays as it is.
	Whole bool
}

// The nodes that are no elements, see [Limits].
const (
	TextNode    = "#text"
	CommentNode = "#comment"
)

const (
	// maxAttributes bounds the attributes of one element, which are compared
	// with each other to find duplicates.
	maxAttributes = 256
	// maxNamespaces bounds the namespace declarations in force at one point,
	// which every prefixed name searches.
	maxNamespaces = 64
)

// Causes of an [Error].
var (
	ErrSyntax  = errors.New("not well-formed XML in UTF-8")
	ErrCharset = fmt.Errorf("%w", ErrSyntax) // no encoding that is read, or not the declared one
	ErrDTD     = errors.New("a document type declaration, which is not read: " +
		"it could name other files or grow without end")
	ErrLimit = errors.New("over a limit")
)

// Error says why a document is refused.
type Error struct {
	Line int   // in the document, from 1; 0 for the encoding as a whole
	Err  error // ErrSyntax, ErrCharset, ErrDTD or ErrLimit
	// Found says what is wrong, and Want what would be right. Both may be
	// empty. They name elements and attributes, so Error leaves them out,
	// except for the limit.
	Found, Want string
}

// Error describes the fault in one line.
func (e *Error) Error() string {
	text := e.Err.Error()
	if e.Err == ErrLimit {
		text += ": " + e.Want
	}
	if e.Line == 0 {
		return text
	}
	return fmt.Sprintf("line %d: %s", e.Line, text)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
