package gateway

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/webfarm-go/webfarm/sessiontoken"
)

// headerRequireRole is the header in which a proxy requires roles.
const headerRequireRole = "X-Webfarm-Require-Role"

// headerRenew with the value no is for pages that sign in or out. A proxy adds renewed cookies after
// the service's own, and they would undo its change.
const headerRenew = "X-Webfarm-Renew"

// maxRequirements bounds the requirements of one request.
const maxRequirements = 32

// Requirement is a list of roles. A user needs one of them.
type Requirement []string

// ParseRequirement reads a list of roles, separated by commas. A comma or a percent sign in a role is
// percent-encoded, as in the headers of [HeaderOptions]. An empty list is an error.
func ParseRequirement(text string) (Requirement, error) {
	var r Requirement
	for item := range strings.SplitSeq(text, ",") {
		role, err := url.PathUnescape(strings.TrimSpace(item))
		if err != nil || role == "" {
			return nil,
				fmt.Errorf("gateway: %q is not a list of roles: NAME or NAME,NAME with %%2C for a comma", text)
		}
		r = append(r, role)
	}
	return r, nil
}

// met reports whether p has one of the roles.
func (r Requirement) met(p *sessiontoken.Principal) bool {
	return slices.ContainsFunc(r, p.HasRole)
}

// demand is a proxy's question about a request.
type demand struct {
	roles []string // requirements, not yet parsed
	keep  bool     // do not renew the session
	bad   bool     // unreadable: no user meets it
}

// demandOf reads the headers of a request, and its query. Envoy's query is the client's, and is not
// read. A request that the gateway passes on is the client's altogether.
func demandOf(r *http.Request, as asker) demand {
	if as == asItself {
		return demand{}
	}
	d := demand{roles: r.Header.Values(headerRequireRole),
		keep: strings.EqualFold(r.Header.Get(headerRenew), "no")}
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
		default: // perhaps a misspelt requirement
			d.bad = true
		}
	}
	return d
}

// permits reports whether p has the roles that the gateway and the request require. All requirements
// must be met: one that a client adds can only take rights away. No user meets unreadable ones.
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
