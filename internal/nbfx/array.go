package nbfx

// arrayState is the rest of an Array record (MC-NBFX 2.2.3.31): one element
// with one typed value, repeated with packed values.
//
//	03 | start element, attributes | 01 | code | MB32 count | values
//
// The code is the one with the end of the element. Like .NET, [Reader] reads a record of n
// values as n elements in a row, even where that gives several roots. Session tokens have none.
type arrayState struct {
	left  int // values still to come
	step  int // 0 start element, 1 value, 2 end element
	code  byte
	name  Name
	attrs int // attributes shared by all elements
}

// startArray reads the header of an Array record.
func (r *Reader) startArray() Kind {
	if r.pos >= r.doc {
		return r.fail(ErrTruncated)
	}
	c := r.buf[r.pos]
	if c < recShortElement || c >= Zero || r.depth == 0 && r.rooted {
		return r.fail(ErrSyntax)
	}
	r.pos++
	if r.startElement(c) == Invalid {
		return Invalid
	}
	if r.doc-r.pos < 2 {
		return r.fail(ErrTruncated)
	}
	if r.buf[r.pos] != recEndElement {
		return r.fail(ErrSyntax)
	}
	code := r.buf[r.pos+1] - 1
	switch code {
	case Int16, Int32, Int64, Float, Double, Decimal, DateTime, TimeSpan, GUID, Bool:
	default:
		return r.fail(ErrSyntax)
	}
	r.pos += 2
	switch n, ok := r.mb32(); {
	case !ok:
		return Invalid
	case n == 0:
		return r.fail(ErrSyntax)
	case n > (r.doc-r.pos)/int(fixedSize(code)):
		return r.fail(ErrTruncated)
	default:
		r.array = arrayState{left: n, step: 1, code: code, name: r.name, attrs: len(r.attrs)}
		return StartElement
	}
}

// nextInArray returns the next of the nodes that an Array record stands for.
func (r *Reader) nextInArray() Kind {
	a := &r.array
	switch a.step {
	case 0:
		if !r.count(1 + a.attrs) {
			return Invalid
		}
		r.depth++
		r.name, a.step = a.name, 1
		r.attrs = r.attrs[:a.attrs]
		return StartElement
	case 1:
		v, ok := r.readValue(a.code)
		if !ok || !r.count(1) {
			return Invalid
		}
		r.value, a.step = v, 2
		return Text
	}
	a.left--
	a.step = 0
	return r.endElement()
}
