package cookie

import (
	"context"

	"github.com/webfarm-go/webfarm/sessiontoken"
)

// contextKey is the key of the principal in a context.
type contextKey struct{}

// withUser returns a context in which [FromContext] finds p. A nil p hides the
// user of ctx.
func withUser(ctx context.Context, p *sessiontoken.Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// FromContext returns the user that a [Guard] recognised, or nil and false if
// nobody is signed in. Requests handled in parallel may share the principal:
// do not change it.
func FromContext(ctx context.Context) (*sessiontoken.Principal, bool) {
	p, _ := ctx.Value(contextKey{}).(*sessiontoken.Principal)
	return p, p != nil
}
