package gateway

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/webfarm-go/webfarm/sessiontoken"
)

// headerRequireRole is the header in which a proxy requires roles.
const headerRequireRole = "X-Webfarm-Require-Role"

// maxRequirements bounds what one request may require.
const maxRequirements = 32

// Requirement is a list of roles of which a user needs one.
type Requirement []string

// ParseRequirement reads a list of roles, separated by commas. A role with
// a comma or a percent sign in its name is percent-encoded, as in the headers
// of [HeaderOptions]. An empty list is an error, as nobody could mean it.
func ParseRequirement(text string) (Requirement, error) {
	var r Requirement
	for item := range strings.SplitSeq(text, ",") {
		role, err := url.PathUnescape(strings.TrimSpace(item))
		if err != nil || role == "" {
			return nil, fmt.Errorf("gateway: %q is not a list of roles: NAME or NAME,NAME with %%2C for a comma", text)
		}
		r = append(r, role)
	}
	return r, nil
}

// met reports whether p has one of the roles.
func (r Requirement) met(p *sessiontoken.Principal) bool {
	for _, role := range r {
		if p.HasRole(role) {
			return true
		}
	}
	return false
}

// permits reports whether p has the roles that the gateway, the query and the
// header of the request require. Each requirement must be met, so that what a
// client manages to add takes rights away and gives none. What cannot be read
// nobody meets.
func (g *Gateway) permits(p *sessiontoken.Principal, r *http.Request, query string) bool {
	for _, need := range g.require {
		if !need.met(p) {
			return false
		}
	}
	texts := r.Header.Values(headerRequireRole)
	if query != "" {
		values, err := url.ParseQuery(query)
		if err != nil {
			return false
		}
		for name := range values {
			if name != "role" { // a misspelt requirement must not be none
				return false
			}
		}
		texts = append(texts[:len(texts):len(texts)], values["role"]...)
	}
	if len(texts) > maxRequirements {
		return false
	}
	for _, text := range texts {
		need, err := ParseRequirement(text)
		if err != nil || !need.met(p) {
			return false
		}
	}
	return true
}
