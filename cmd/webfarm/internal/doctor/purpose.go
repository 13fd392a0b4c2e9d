package doctor

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/webfarm-go/webfarm/internal/katana"
	"github.com/webfarm-go/webfarm/machinekey"
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

// deriver returns a function that derives the validation key of a purpose as
// System.Web's SP800_108 does: NIST SP 800-108 in counter mode with HMAC-SHA512,
//
//	K(i) = HMAC(master, BE32(i) || primary || 00 || V7(len) specific … || BE32(bits))
//
// Package machinekey has its own derivation. This one checks the signature without the cipher, to
// show which of the two keys differs.
func deriver(master []byte) func(p purpose) []byte {
	mac := hasher(machinekey.HMACSHA512, master)
	if mac == nil {
		return nil
	}
	return func(p purpose) []byte {
		input := append(make([]byte, 4, 128), p.primary...)
		input = append(input, 0)
		for _, s := range p.specific {
			input = append(binary.AppendUvarint(input, uint64(len(s))), s...)
		}
		input = binary.BigEndian.AppendUint32(input, uint32(8*len(master)))
		var derived []byte
		for i := uint32(1); len(derived) < len(master); i++ {
			binary.BigEndian.PutUint32(input, i)
			block := mac(input)
			if block == nil {
				return nil
			}
			derived = append(derived, block...)
		}
		return derived[:len(master)]
	}
}
