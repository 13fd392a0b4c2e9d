package main

import (
	"strings"

	"github.com/webfarm-go/webfarm/sessiontoken"
)

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
