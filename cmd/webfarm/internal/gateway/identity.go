package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	namefold "github.com/webfarm-go/webfarm/internal/fold"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// HeaderOptions name the headers that tell a service who the user is.
//
// Values are percent-encoded: letters, digits and - . _ ~ @ : / \ stand for themselves, every other
// byte of the UTF-8 text is % and two hex digits. Commas separate the values of a list; a comma
// within a value is %2C. Any function that decodes URLs decodes them.
//
// A signed-in user has all headers, some of them empty. A proxy replaces the client's headers with
// them.
type HeaderOptions struct {
	// User has the user's name; empty means X-Webfarm-User.
	User string
	// Roles has the list of roles; empty means X-Webfarm-Roles.
	Roles string
	// Claims are further headers, each with the values of one claim type. There are none by default.
	Claims []ClaimHeader
	// OnlyRoles, if not nil, are the only roles to list. Users of a large directory may have too
	// many for a header.
	OnlyRoles []string
}

// ClaimHeader is a header with the values of the claims of one type.
type ClaimHeader struct{ Name, Type string }

// Defaults of [HeaderOptions].
const (
	DefaultUserHeader  = "X-Webfarm-User"
	DefaultRolesHeader = "X-Webfarm-Roles"
)

// headerWriter writes the identity headers, and strips them.
type headerWriter struct {
	names  []string // of user, roles and claims
	types  []string // of the claims
	only   []string
	folded []string // the folded names
}

func newHeaderWriter(o HeaderOptions) (*headerWriter, error) {
	h := &headerWriter{only: o.OnlyRoles}
	names := []string{cmp.Or(o.User, DefaultUserHeader), cmp.Or(o.Roles, DefaultRolesHeader)}
	for _, c := range o.Claims {
		if c.Type == "" {
			return nil, fmt.Errorf("gateway: header %q needs a claim type", c.Name)
		}
		names, h.types = append(names, c.Name), append(h.types, c.Type)
	}
	for _, name := range names {
		if !isIdentityName(name) {
			return nil,
				fmt.Errorf("gateway: %q cannot be the name of an identity header: letters, digits and -, beginning with X-", name)
		}
		folded := fold(name)
		if slices.Contains(h.folded, folded) {
			return nil, fmt.Errorf("gateway: two identity headers are called %q", name)
		}
		h.folded = append(h.folded, folded)
		h.names = append(h.names, http.CanonicalHeaderKey(name))
	}
	return h, nil
}

// isIdentityName reports whether name may be an identity header. It must begin with X-, which rules
// out HTTP's own headers, and must not be a header of proxies.
func isIdentityName(name string) bool {
	folded := fold(name)
	if !strings.HasPrefix(folded, "x-") || len(name) < 3 || isForwarded(folded) ||
		strings.HasPrefix(folded, "x-original-") || folded == fold(headerRequireRole) ||
		folded == fold(headerRenew) || strings.HasPrefix(folded, fold(headerSetCookie)) {
		return false
	}
	return strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// fold returns the name of a header for services that read variables such as HTTP_X_WEBFARM_USER:
// in lower case, with - for all characters except letters and digits.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		}
		return '-'
	}, name)
}

// strip removes every header that a service could confuse with ours, now or in a later version.
func (h *headerWriter) strip(header http.Header) {
	for name := range header {
		if folded := fold(name); strings.HasPrefix(folded, ownPrefix) ||
			slices.Contains(h.folded, folded) {
			delete(header, name)
		}
	}
}

var errIdentityTooLong = errors.New("gateway: the identity headers are too long; tell about fewer roles or claims")

// write sets the headers of p. If they are too long it sets none and returns errIdentityTooLong.
func (h *headerWriter) write(header http.Header, p *sessiontoken.Principal, limit int) error {
	values := make([]string, 0, len(h.names))
	values = append(values, escape(p.Name()), list(h.rolesOf(p)))
	for _, t := range h.types {
		values = append(values, list(claimValues(p, t)))
	}
	size := 0
	for _, v := range values {
		size += len(v)
	}
	if size > limit {
		return errIdentityTooLong
	}
	for i, name := range h.names {
		header.Set(name, values[i])
	}
	return nil
}

// rolesOf returns the roles of p for the header. HasRole is true for each.
func (h *headerWriter) rolesOf(p *sessiontoken.Principal) (roles []string) {
	for i := range p.Identities {
		id := &p.Identities[i]
		t := cmp.Or(id.RoleClaimType, sessiontoken.ClaimTypeRole)
		for k := range id.Claims {
			role := id.Claims[k].Value
			if namefold.Equal(id.Claims[k].Type, t) && (h.only == nil || slices.Contains(h.only, role)) {
				roles = append(roles, role)
			}
		}
	}
	return roles
}

func claimValues(p *sessiontoken.Principal, claimType string) (values []string) {
	for c := range p.All(claimType) {
		values = append(values, c.Value)
	}
	return values
}

// list joins the values for a header, each once. It leaves out empty values.
func list(all []string) string {
	size := 0
	for _, v := range all {
		size += len(v) + 1
	}
	b := make([]byte, 0, size)
	var seen map[string]bool // of a long list
	if len(all) > 16 {
		seen = make(map[string]bool, len(all))
	}
	for i, v := range all {
		if v == "" || seen[v] || seen == nil && slices.Contains(all[:i], v) {
			continue
		}
		if seen != nil {
			seen[v] = true
		}
		if len(b) > 0 {
			b = append(b, ',')
		}
		b = appendEscaped(b, v)
	}
	return string(b)
}

// escape returns s as [HeaderOptions] says.
func escape(s string) string { return string(appendEscaped(nil, s)) }

func appendEscaped(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	plain := 0 // the start of the present run of plain bytes
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '-' <= c && c <= ':' || c == '_' ||
			c == '~' || c == '@' || c == '\\' {
			continue // - . / 0 to 9 : are adjacent
		}
		b = append(b, s[plain:i]...)
		b = append(b, '%', hex[c>>4], hex[c&15])
		plain = i + 1
	}
	return append(b, s[plain:]...)
}
