package nbfx

import "github.com/webfarm-go/webfarm/internal/limits"

// Kind says what [Reader.Next] found.
type Kind uint8

// The kinds of node. The zero value is an error.
const (
	Invalid      Kind = iota // malformed input; see Reader.Err
	StartElement             // Name, Namespace and Attrs are set
	EndElement               // closes the innermost open element
	Text                     // Value is set
	Comment                  // Value is set
	EndDocument              // nothing is left
)

// Span is a piece of the document, or of the texts behind it; see [Reader.Bytes].
type Span struct{ Off, Len int32 }

// Name is the name of an element or attribute.
type Name struct {
	// ID is the index in the dictionary, also for a name that was written
	// out although the dictionary has it; -1 for any other name.
	ID int
	// Local is the text of a name that is not in the dictionary.
	Local Span
	// Prefix and Namespace are empty for nearly every name of a token.
	Prefix, Namespace Span
}

// Attr is one attribute of the current element.
type Attr struct {
	Name
	Value Value
}

// Reader is a pull parser over one document. It checks everything that .NET's
// XmlDictionaryReader checks (record syntax, UTF-8 and UTF-16, nesting, duplicate attributes,
// prefixes) and allocates only to grow the buffer that it was given and its own reused tables.
type Reader struct {
	buf     []byte // the document, then texts converted from other records
	doc     int    // length of the document within buf
	pos     int
	dict    []string
	records int
	depth   int
	rooted  bool // the root element has been seen

	pendingEnd bool // the last value record ends its element too
	array      arrayState
	name       Name
	attrs      []Attr
	bindings   []binding
	value      Value
	err        error
}

// binding is one namespace declaration in scope.
type binding struct {
	depth       int
	prefix, uri Span
}

// Reset makes r read the document doc, which it may append to. The dictionary
// is indexed by wire id divided by two.
func (r *Reader) Reset(doc []byte, dict []string) {
	*r = Reader{buf: doc, doc: len(doc), dict: dict, attrs: r.attrs[:0], bindings: r.bindings[:0]}
}

// Err returns the error after Next has returned Invalid, an [*Error].
func (r *Reader) Err() error { return r.err }

// Offset returns the position of the next record in the document.
func (r *Reader) Offset() int { return r.pos }

// Name returns the name of the element that Next has just started.
func (r *Reader) Name() Name { return r.name }

// Attrs returns the attributes of the element that Next has just started, in
// document order and without namespace declarations. Valid until Next.
func (r *Reader) Attrs() []Attr { return r.attrs }

// Value returns the text or comment that Next has just read.
func (r *Reader) Value() Value { return r.value }

// Bytes returns the bytes of s, valid until the next call of Next.
func (r *Reader) Bytes(s Span) []byte { return r.buf[s.Off : s.Off+s.Len] }

// Next reads the next node.
func (r *Reader) Next() Kind {
	if r.err != nil {
		return Invalid
	}
	if r.pendingEnd {
		r.pendingEnd = false
		return r.endElement()
	}
	if r.array.left > 0 {
		return r.nextInArray()
	}
	if r.pos >= r.doc {
		if r.depth > 0 {
			return r.fail(ErrTruncated)
		}
		return EndDocument
	}
	c := r.buf[r.pos]
	r.pos++
	switch {
	case c >= recShortElement && c < Zero:
		return r.startElement(c)
	case c >= Zero:
		return r.text(c)
	case c == recEndElement:
		return r.endElement()
	case c == recComment:
		s, ok := r.string()
		if !ok || !r.count(1) {
			return Invalid
		}
		r.value = Value{Code: Chars32, Span: s}
		return Comment
	case c == recArray:
		return r.startArray()
	}
	r.pos--
	return r.fail(ErrSyntax) // an attribute outside a start tag, or an unknown record
}

// endElement closes the innermost element and its namespace declarations.
func (r *Reader) endElement() Kind {
	if r.depth == 0 {
		return r.fail(ErrSyntax)
	}
	for n := len(r.bindings); n > 0 && r.bindings[n-1].depth == r.depth; n-- {
		r.bindings = r.bindings[:n-1]
	}
	r.depth--
	return EndElement
}

// text reads the value record c as element content.
func (r *Reader) text(c byte) Kind {
	v, ok := r.readValue(c &^ 1)
	if !ok || !r.count(1) {
		return Invalid
	}
	if r.depth == 0 {
		switch {
		case c&1 != 0 || !isSpace(r.Bytes(r.Text(v))):
			return r.fail(ErrSyntax)
		case !r.rooted: // .NET takes white space after the root; before it is not established
			return r.fail(ErrUnsupported)
		}
	}
	r.pendingEnd = c&1 != 0
	r.value = v
	return Text
}

// startElement reads the name, attributes and namespace declarations of the element record c.
func (r *Reader) startElement(c byte) Kind {
	if r.depth == 0 && r.rooted {
		return r.fail(ErrSyntax) // a second root
	}
	if r.depth >= limits.Depth {
		return r.fail(ErrLimit)
	}
	var ok bool
	if c == recShortDictElement { // what .NET writes for every element of a token
		r.name = Name{}
		r.name.ID, ok = r.dictID()
	} else {
		r.name, ok = r.readName(c - recShortElement)
	}
	if !ok {
		return Invalid
	}
	r.rooted = true
	r.depth++
	if !r.attributes() || !r.count(1+len(r.attrs)) {
		return Invalid
	}
	return StartElement
}

// attributes reads all attributes and namespace declarations of a start tag
// and resolves its prefixes.
func (r *Reader) attributes() bool {
	r.attrs = r.attrs[:0]
	var seen uint64 // dictionary ids below 64 of attributes without prefix
	plain := true   // nothing but such attributes, no duplicate possible
	for r.pos < r.doc {
		c := r.buf[r.pos]
		if c < recShortAttribute || c >= recShortElement {
			break
		}
		if c == recShortDictAttribute && r.plainAttribute(&seen) {
			continue
		}
		r.pos++
		if c >= recShortXmlns && c <= recDictXmlns {
			if !r.xmlns(c) {
				return false
			}
			continue
		}
		form := c - recShortAttribute
		if c >= recPrefixDictAttributeA { // behind the declarations
			form -= recPrefixDictAttributeA - recShortXmlns
		}
		a := Attr{}
		var ok bool
		if a.Name, ok = r.readName(form); !ok {
			return false
		}
		if c == recShortDictAttribute && a.ID < 64 { // what .NET writes
			bit := uint64(1) << a.ID
			plain = plain && seen&bit == 0
			seen |= bit
		} else {
			plain = false
		}
		if r.pos >= r.doc {
			return r.bad(ErrTruncated)
		}
		v := r.buf[r.pos]
		if v < Zero || v&1 != 0 { // a value that ends an element has no place here
			return r.bad(ErrSyntax)
		}
		r.pos++
		if a.Value, ok = r.readValue(v); !ok {
			return false
		}
		if len(r.attrs) >= limits.Records-r.records {
			return r.bad(ErrLimit)
		}
		r.attrs = append(r.attrs, a)
	}
	if len(r.bindings) > 0 || r.name.Prefix.Len > 0 || !plain {
		return r.resolve(plain)
	}
	return true
}

// count adds n records to the total.
func (r *Reader) count(n int) bool {
	r.records += n
	return r.records <= limits.Records || r.bad(ErrLimit)
}

func (r *Reader) fail(err error) Kind {
	if r.err == nil {
		r.err = &Error{Offset: min(r.pos, r.doc), Err: err}
	}
	return Invalid
}

// bad is fail for what reports success; it is false.
func (r *Reader) bad(err error) bool {
	r.fail(err)
	return false
}

// isSpace reports whether b is XML white space only.
func isSpace(b []byte) bool {
	for _, c := range b {
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return false
		}
	}
	return true
}
