package nbfx

// Declaration is a namespace declaration. An empty Prefix is the default
// namespace.
type Declaration struct{ Prefix, URI Span }

// Declarations appends to dst the namespace declarations of the element that
// Next has just started, in document order, for a caller that writes the
// element as XML text. Those of elements around it are not among them; see
// [Reader.Declared].
func (r *Reader) Declarations(dst []Declaration) []Declaration {
	n := len(r.bindings)
	for n > 0 && r.bindings[n-1].depth == r.depth {
		n--
	}
	for _, b := range r.bindings[n:] {
		dst = append(dst, Declaration{b.prefix, b.uri})
	}
	return dst
}

// Declared reports whether any namespace declaration is in scope.
func (r *Reader) Declared() bool { return len(r.bindings) > 0 }
