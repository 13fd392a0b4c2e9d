package cookie

import (
	"context"

	"github.com/webfarm-go/webfarm/sessiontoken"
)

// visit is what a guard says of a request that it let through. It lies in the
// context by context.WithValue, which is the only context that fiber's adaptor
// looks into.
type visit struct {
	user  *sessiontoken.Principal // nil for a stranger
	guard *Guard
	err   error // why the user is a stranger
}

type contextKey struct{}

// visitOf returns what the last guard before said of a request, or nil.
func visitOf(ctx context.Context) *visit {
	v, _ := ctx.Value(contextKey{}).(*visit)
	return v
}

// FromContext returns the user that a [Guard] recognised, or nil and false if
// nobody is signed in. Requests handled in parallel may share the principal:
// do not change it.
func FromContext(ctx context.Context) (*sessiontoken.Principal, bool) {
	if v := visitOf(ctx); v != nil {
		return v.user, v.user != nil
	}
	return nil, false
}
