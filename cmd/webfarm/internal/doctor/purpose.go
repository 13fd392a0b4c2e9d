package doctor

import (
	"slices"
	"strings"

	"github.com/webfarm-go/webfarm/internal/katana"
)

// purpose is one use of the machine key by .NET or a widespread library, under the rules of
// Framework45.
type purpose struct {
	kind     Kind   // empty for formats that nothing here reads
	authType string // for Katana
	primary  string
	specific []string
	what     string // for an empty kind
}

const userPurpose = "User.MachineKey.Protect"

// fixedPurposes are the purposes without an AuthenticationType.
var fixedPurposes = []purpose{
	{kind: FedAuth, primary: userPurpose,
		specific: []string{"System.IdentityModel.Services.MachineKeyTransform"}},
	{kind: Forms, primary: "FormsAuthentication.Ticket"},
	{kind: Roles, primary: "RolePrincipal.Ticket"},
	{kind: Anonymous, primary: "AnonymousIdentificationModule.Ticket"},
	{kind: Bearer, primary: userPurpose, specific: []string{"Microsoft.Owin.Security.OAuth",
		"Access_Token", "v1"}},
	{kind: Refresh, primary: userPurpose, specific: []string{"Microsoft.Owin.Security.OAuth",
		"Refresh_Token", "v1"}},
	{kind: AuthCode, primary: userPurpose,
		specific: []string{"Microsoft.Owin.Security.OAuth.OAuthAuthorizationServerMiddleware",
			"Authentication_Code", "v1"}},
	{kind: State, primary: userPurpose, specific: []string{katana.StateGoogle, "Google", "v1"},
		what: "the state of a sign-in with Google"},
	{kind: State, primary: userPurpose, specific: []string{katana.StateFacebook, "Facebook", "v1"},
		what: "the state of a sign-in with Facebook"},
	{kind: State, primary: userPurpose, specific: []string{katana.StateMicrosoft, "Microsoft",
		"v1"}, what: "the state of a sign-in with Microsoft"},
	{kind: State, primary: userPurpose, specific: []string{katana.StateOpenIDConnect,
		"OpenIdConnect", "v1"}, what: "the state of a sign-in with OpenID Connect"},
	{kind: State, primary: userPurpose, specific: []string{katana.StateWSFederation, "Federation",
		"v1"}, what: "the state of a sign-in with WS-Federation"},
	{primary: userPurpose, what: "MachineKey.Protect without purposes"},
	{primary: userPurpose, specific: []string{"PassiveSessionTokenCache"},
		what: "an entry of Thinktecture's session cache"},
	{primary: userPurpose, specific: []string{"System.Web.Helpers.AntiXsrf.AntiForgeryToken.v1"},
		what: "an anti-forgery token of MVC"},
	{primary: "WebForms.HiddenFieldPageStatePersister.ClientState", what: "view state"},
}

// oldSignature stands for data in a legacy format, without purposes, that is no credential.
var oldSignature = purpose{what: "data that the same key signs in the legacy way, as MachineKey.Encode and view state do"}

// commonAuthTypes are the default AuthenticationTypes, and a few frequent ones.
var commonAuthTypes = []string{
	"ApplicationCookie", "Cookies", "ExternalCookie", "TwoFactorCookie", "TwoFactorRememberBrowser",
	"External", "Application", "Cookie", "Federation", "WsFederation", "WS-Federation", "OpenIdConnect",
	"Identity.Application", "Bearer",
}

// purposes returns the purposes to try, each once. The given AuthenticationTypes come before common
// ones.
func purposes(authTypes ...string) []purpose {
	list := slices.Clone(fixedPurposes)
	seen := map[string]bool{}
	for _, t := range append(authTypes, commonAuthTypes...) {
		if seen[t] || strings.TrimSpace(t) == "" || len(seen) == maxAuthTypes {
			continue
		}
		seen[t] = true
		list = append(list, purpose{kind: Katana, authType: t, primary: userPurpose,
			specific: []string{"Microsoft.Owin.Security.Cookies.CookieAuthenticationMiddleware", t,
				"v1"}})
	}
	return list
}
