package webconfig

import (
	"fmt"
	"io"
	"iter"
)

// nsConfiguration is the default namespace of old configuration files. It
// means nothing and is read as no namespace at all.
const nsConfiguration = "http://schemas.microsoft.com/.NetConfiguration/v2.0"

// nsTransform is the namespace of web.Release.config and the like, which are
// build-time transforms and no configuration.
const nsTransform = "http://schemas.microsoft.com/XML-Document-Transform"

// Element is one element of the file.
type Element struct {
	Name     string // without prefix
	Space    string // the namespace, empty for configuration elements
	Line     int    // 1-based, where the element starts
	Attrs    []Attr // in file order, namespace declarations apart
	Children []*Element
	HasText  bool // there is more than white space directly inside
}

// Attr is one attribute.
type Attr struct {
	Name  string // as written, without prefix
	Space string // the namespace of the prefix, usually empty
	Value string // references resolved, white space as spaces
}

// Attr returns the value of the attribute without prefix of that exact name.
func (e *Element) Attr(name string) (value string, ok bool) {
	for _, a := range e.Attrs {
		if a.Space == "" && a.Name == name {
			return a.Value, true
		}
	}
	return "", false
}

// ChildrenNamed returns the child configuration elements of that exact name
// in file order.
func (e *Element) ChildrenNamed(name string) iter.Seq[*Element] {
	return func(yield func(*Element) bool) {
		for _, c := range e.Children {
			if c.Space == "" && c.Name == name && !yield(c) {
				return
			}
		}
	}
}

// Format prints the name and line for every verb: the attributes may hold
// keys.
func (e *Element) Format(s fmt.State, _ rune) {
	if e == nil {
		io.WriteString(s, "<nil>")
		return
	}
	fmt.Fprintf(s, "<%s> on line %d", e.Name, e.Line)
}

// Format hides the value, which may be a key, for every verb.
func (a Attr) Format(s fmt.State, _ rune) { io.WriteString(s, a.Name+`="…"`) }
