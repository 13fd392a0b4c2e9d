// Package anatomy records what a codec finds in a credential, layer by layer.
// It serves the operator's tools, and sign-out with a cookie that has expired.
// As only this module can import it, no program that uses the codecs can tell
// the sender of a cookie which layer refused it.
package anatomy

import "context"

// Report is what a codec found.
type Report struct {
	// Layers are the layers that were looked at, outermost first. If one
	// refused the value, it is the last.
	Layers []Layer
	// Content is what the innermost layer holds, such as a
	// *sessiontoken.Token, also if a later check refused it. It is nil if
	// that layer was not read.
	Content any
	// Err is why the codec refuses the value, nil if it does not.
	Err error
}

// Layer is one layer of a credential.
type Layer struct {
	// Name is a short name such as "envelope (XML)" or "machine key".
	Name string
	// Size is the length of the layer's data in bytes.
	Size int
	// Facts are what the layer shows, in order.
	Facts []Fact
	// Err is why this layer refused the value.
	Err error
}

// Fact is one named value of a [Layer].
type Fact struct{ Name, Value string }

// Of has decode open a value, and reports on every layer down to the one that
// refuses. A store is left as it is.
func Of[T any](ctx context.Context, decode func(context.Context, string) (T, error), value string) *Report {
	r := new(Report)
	_, r.Err = decode(context.WithValue(ctx, contextKey{}, r), value)
	return r
}

type contextKey struct{}

// From returns the report that a codec is to fill, nil where nobody asked for
// one: in the request path.
func From(ctx context.Context) *Report {
	r, _ := ctx.Value(contextKey{}).(*Report)
	return r
}

// Add notes a layer. A nil report notes nothing.
func (r *Report) Add(name string, size int, facts ...Fact) {
	if r != nil {
		r.Layers = append(r.Layers, Layer{Name: name, Size: size, Facts: facts})
	}
}

// Refuse notes why a layer refuses the value, and returns err. The layer may
// have been added before, by an earlier step of it.
func (r *Report) Refuse(name string, size int, err error) error {
	if r == nil {
		return err
	}
	if n := len(r.Layers); n == 0 || r.Layers[n-1].Name != name {
		r.Add(name, size)
	}
	r.Layers[len(r.Layers)-1].Err = err
	return err
}
