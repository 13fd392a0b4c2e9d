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

// claims2008 begins many claim types of System.Security.Claims.ClaimTypes.
const claims2008 = "http://schemas.microsoft.com/ws/2008/06/identity/claims/"

// claimTypeGroups is the claim type of the groups of Microsoft Entra ID.
const claimTypeGroups = claims2008 + "groups"

// shortClaims are the short names of claim types, for input and output. A name is the last part
// of the URI, or a common word for it.
var shortClaims = []struct{ short, uri string }{
	{"name", sessiontoken.ClaimTypeName},
	{"role", sessiontoken.ClaimTypeRole},
	{"nameidentifier", sessiontoken.ClaimTypeNameIdentifier},
	{"email", sessiontoken.ClaimTypeEmail},
	{"upn", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"},
	{"givenname", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname"},
	{"surname", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname"},
	{"groups", claimTypeGroups},
	{"sid", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/sid"},
	{"primarysid", claims2008 + "primarysid"},
	{"groupsid", claims2008 + "groupsid"},
	{"windowsaccountname", claims2008 + "windowsaccountname"},
	{"authenticationmethod", claims2008 + "authenticationmethod"},
	{"authenticationinstant", claims2008 + "authenticationinstant"},
	{"identityprovider", "http://schemas.microsoft.com/accesscontrolservice/2010/07/claims/identityprovider"},
}

// claimURI returns the claim type that name stands for. It reports whether name is a short name
// or looks like a URI.
func claimURI(name string) (uri string, known bool) {
	for _, c := range shortClaims {
		if strings.EqualFold(c.short, name) {
			return c.uri, true
		}
	}
	return name, strings.Contains(name, ":")
}

// claimName returns the short name of a claim type, or the type itself.
func claimName(uri string) string {
	for _, c := range shortClaims {
		if c.uri == uri {
			return c.short
		}
	}
	return uri
}

// claimNames lists the short names for a usage text.
func claimNames() string {
	var names []string
	for _, c := range shortClaims {
		names = append(names, c.short)
	}
	return strings.Join(names, ", ")
}
