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

// headerRenew with the value no is for pages that sign in or out: a proxy puts
// renewed cookies behind the service's own, which would undo what it did.
const headerRenew = "X-Webfarm-Renew"

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

// demand is what a proxy asks for with a request.
type demand struct {
	roles []string // requirements, as they are written
	keep  bool     // the session is not to be renewed
	bad   bool     // it cannot be read, and nobody meets it
}

// demandOf reads the headers of a request, and its query unless that is the
// client's.
func demandOf(r *http.Request, as asker) demand {
	d := demand{roles: r.Header.Values(headerRequireRole), keep: strings.EqualFold(r.Header.Get(headerRenew), "no")}
	if as == asEnvoy || r.URL.RawQuery == "" {
		return d
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	d.bad = err != nil
	for name, list := range values {
		switch name {
		case "role":
			d.roles = append(d.roles[:len(d.roles):len(d.roles)], list...)
		case "renew":
			for _, text := range list {
				d.keep = true
				d.bad = d.bad || text != "no"
			}
		default: // a misspelt requirement must not be none
			d.bad = true
		}
	}
	return d
}

// permits reports whether p has the roles that the gateway and the request
// require. Each requirement must be met, so that what a client manages to add
// takes rights away and gives none. What cannot be read nobody meets.
func (g *Gateway) permits(p *sessiontoken.Principal, d demand) bool {
	for _, need := range g.require {
		if !need.met(p) {
			return false
		}
	}
	if d.bad || len(d.roles) > maxRequirements {
		return false
	}
	for _, text := range d.roles {
		need, err := ParseRequirement(text)
		if err != nil || !need.met(p) {
			return false
		}
	}
	return true
}
