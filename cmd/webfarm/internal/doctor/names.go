package doctor

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/webfarm-go/webfarm/cookie"
)

// Names are the names of a site's cookies, by its web.config. The kind of a
// cookie follows from its name, never from trying keys.
type Names struct {
	SessionKind                      Kind // FedAuth or WIF10
	Session, Forms, Roles, Anonymous string
}

// All returns the names, those of Katana apart.
func (n Names) All() []string { return []string{n.Session, n.Forms, n.Roles, n.Anonymous} }

// KindOf returns the kind of the cookie of that name, empty if the name does
// not tell. Only Katana minds the case.
func (n Names) KindOf(name string) Kind {
	switch {
	case strings.EqualFold(name, n.Session):
		return n.SessionKind
	case strings.EqualFold(name, n.Forms):
		return Forms
	case strings.EqualFold(name, n.Roles):
		return Roles
	case strings.EqualFold(name, n.Anonymous):
		return Anonymous
	case strings.HasPrefix(name, KatanaPrefix):
		return Katana
	}
	return ""
}

// Of returns the name of the cookie that carries k: with Katana it follows
// from the AuthenticationType, that of ASP.NET Identity if empty.
func (n Names) Of(k Kind, authType string) string {
	switch k {
	case Forms:
		return n.Forms
	case Roles:
		return n.Roles
	case Anonymous:
		return n.Anonymous
	case Katana:
		return cookie.KatanaCookieName(cmp.Or(authType, defaultAuthType))
	}
	return n.Session
}

// Names of Katana's cookies begin with KatanaPrefix; those with
// correlationPrefix hold a number against forged answers and no ticket.
const (
	KatanaPrefix      = ".AspNet."
	correlationPrefix = ".AspNet.Correlation."
	defaultAuthType   = "ApplicationCookie"
)

// KatanaName returns the name of the cookie of Katana that a cookie is or is a
// chunk of, and false if it is none that holds a ticket.
func KatanaName(name string) (string, bool) {
	if !strings.HasPrefix(name, KatanaPrefix) || strings.HasPrefix(name, correlationPrefix) {
		return "", false
	}
	if base := strings.TrimRight(name, "0123456789"); len(base) < len(name) && strings.HasSuffix(base, "C") {
		name = strings.TrimSuffix(base, "C")
	}
	return name, len(name) > len(KatanaPrefix)
}

// AuthTypeOf returns the AuthenticationType of a cookie of Katana: the given
// one, or what the name tells, or that of ASP.NET Identity.
func AuthTypeOf(name, given string) string {
	if given != "" {
		return given
	}
	if rest, ok := strings.CutPrefix(name, KatanaPrefix); ok && strings.TrimSpace(rest) != "" {
		return rest
	}
	return defaultAuthType
}

// Pairs yields the pairs of the Cookie lines of a request as they stand.
func Pairs(r *http.Request) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, line := range r.Header["Cookie"] {
			for pair := range strings.SplitSeq(line, ";") {
				if !yield(strings.TrimSpace(pair)) {
					return
				}
			}
		}
	}
}
