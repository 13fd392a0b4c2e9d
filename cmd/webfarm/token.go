package main

import (
	"fmt"
	"strings"

	"github.com/webfarm-go/webfarm/sessiontoken"
)

// identityReport is an identity without its bootstrap token.
type identityReport struct {
	Name               string          `json:"name"`
	AuthenticationType string          `json:"authenticationType"`
	Authenticated      bool            `json:"authenticated"`
	NameClaimType      string          `json:"nameClaimType"`
	RoleClaimType      string          `json:"roleClaimType"`
	Label              string          `json:"label,omitempty"`
	Bootstrap          string          `json:"bootstrap,omitempty"` // its size, not its content
	Claims             []claimReport   `json:"claims"`
	Actor              *identityReport `json:"actor,omitempty"`
}

type claimReport struct {
	Type           string           `json:"type"`
	Value          string           `json:"value"`            // empty if hidden
	Hidden         bool             `json:"hidden,omitempty"` // a secret of its own
	ValueType      string           `json:"valueType"`
	Issuer         string           `json:"issuer"`
	OriginalIssuer string           `json:"originalIssuer"`
	Properties     []propertyReport `json:"properties,omitempty"`
}

type propertyReport struct {
	Name   string `json:"name"`
	Value  string `json:"value"`            // empty if hidden
	Hidden bool   `json:"hidden,omitempty"` // a secret of its own
}

func newPropertyReports(list sessiontoken.Properties) []propertyReport {
	reports := []propertyReport{}
	for _, p := range list {
		r := propertyReport{p[0], p[1], isSecret(p[0])}
		if r.Hidden {
			r.Value = ""
		}
		reports = append(reports, r)
	}
	return reports
}

// shownValue is the value of a claim or property for people.
func shownValue(value string, isHidden bool) string {
	switch {
	case isHidden:
		return hidden
	case value == "":
		return `""`
	}
	return abridged(value)
}

// hidden stands for the value of a secret.
const hidden = "(not shown: a secret of its own)"

// isSecret reports whether a claim or property of this name holds another credential: a token of
// some service, or the stamp from which ASP.NET Identity computes the codes of a second factor.
func isSecret(name string) bool {
	return name == "AspNet.Identity.SecurityStamp" ||
		strings.HasSuffix(strings.ToLower(name), "_token")
}

// appendIdentities adds what there is to show of the identities of p.
func appendIdentities(list []identityReport, p *sessiontoken.Principal) []identityReport {
	for i := range p.Identities {
		list = append(list, newIdentityReport(&p.Identities[i]))
	}
	return list
}

func newIdentityReport(id *sessiontoken.Identity) identityReport {
	r := identityReport{
		Name:               (&sessiontoken.Principal{Identities: []sessiontoken.Identity{*id}}).Name(),
		AuthenticationType: id.AuthenticationType,
		Authenticated:      id.AuthenticationType != "",
		NameClaimType:      id.NameClaimType,
		RoleClaimType:      id.RoleClaimType,
		Label:              id.Label,
		Claims:             []claimReport{},
	}
	if id.BootstrapKind != "" {
		r.Bootstrap = bootstrapText(id)
	}
	for _, c := range id.Claims {
		claim := claimReport{Type: c.Type, Value: c.Value, Hidden: isSecret(c.Type),
			ValueType: c.ValueType, Issuer: c.Issuer, OriginalIssuer: c.OriginalIssuer,
			Properties: newPropertyReports(c.Properties)}
		if claim.Hidden {
			claim.Value = ""
		}
		r.Claims = append(r.Claims, claim)
	}
	if id.Actor != nil { // the codec bounds their depth
		actor := newIdentityReport(id.Actor)
		r.Actor = &actor
	}
	return r
}

// bootstrapText gives the kind and size of a bootstrap token, not its contents.
func bootstrapText(id *sessiontoken.Identity) string {
	switch id.BootstrapKind {
	case "string":
		return fmt.Sprintf("string of %d bytes", id.Bootstrap.Len())
	case "bytes":
		return fmt.Sprintf("%d bytes", id.Bootstrap.Len())
	case "windows":
		return "Windows token stub"
	}
	return fmt.Sprintf("token of %d bytes", id.Bootstrap.Len())
}
