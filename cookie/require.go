package cookie

import (
	"context"
	"log/slog"
	"net/http"
	"slices"

	"github.com/webfarm-go/webfarm/sessiontoken"
)

// RequireRole returns a middleware that calls the next handler for users in at
// least one of the roles, as [Authorize(Roles = "a,b")] does. Wrap it twice for
// users who need two roles. A role is looked for as ClaimsPrincipal.IsInRole does;
// see [sessiontoken.Principal.HasRole].
//
// It belongs behind [Guard.Handler] or [Guard.Optional]. A user without the role
// gets the guard's answer to [ErrForbidden], and a stranger its answer to the
// error of [Guard.Check]: 403 and 401 unless [Guard.SetDeny] says differently.
// Without a guard before it, it answers 500 and logs that with
// [slog.Default]. RequireRole panics without a role, or with an empty one.
func RequireRole(roles ...string) func(http.Handler) http.Handler {
	if len(roles) == 0 || slices.Contains(roles, "") {
		panic("cookie: RequireRole needs the names of roles")
	}
	roles = slices.Clone(roles)
	return require(func(p *sessiontoken.Principal) bool {
		return slices.ContainsFunc(roles, p.HasRole)
	})
}

// RequireClaim is [RequireRole] for a claim: a user needs one of the type with one
// of the values, or with any value if none is given, as AuthorizationPolicyBuilder.
// RequireClaim has it. Types compare without regard to case, values exactly.
// RequireClaim panics if the type is empty.
func RequireClaim(claimType string, values ...string) func(http.Handler) http.Handler {
	if claimType == "" {
		panic("cookie: RequireClaim needs the type of a claim")
	}
	values = slices.Clone(values)
	return require(func(p *sessiontoken.Principal) bool {
		for c := range p.All(claimType) {
			if len(values) == 0 || slices.Contains(values, c.Value) {
				return true
			}
		}
		return false
	})
}

// require is a middleware that calls the next handler for users whom allow wants.
func require(allow func(*sessiontoken.Principal) bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			v := visitOf(r.Context())
			switch {
			case v == nil:
				slog.ErrorContext(r.Context(), "cookie: a role or claim is required where no guard ran "+
					"before; wrap the handler in Guard.Handler", "path", r.URL.Path)
				status := http.StatusInternalServerError
				http.Error(w, http.StatusText(status), status)
			case v.user == nil:
				v.guard.refuse(w, r, v.err)
			case !allow(v.user):
				v.guard.refuse(w, r, ErrForbidden)
			default:
				next.ServeHTTP(w, r)
			}
		})
	}
}

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
