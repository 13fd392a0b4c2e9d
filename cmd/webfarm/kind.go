package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/webfarm-go/webfarm/cookie"
)

// kind is one kind of credential, by the name that -kind takes.
type kind string

// The kinds. A cookie's kind follows from its name and the web.config, never
// from trying keys.
const (
	kindFedAuth   kind = "fedauth"
	kindWIF10     kind = "wif10"
	kindForms     kind = "forms"
	kindOWIN      kind = "owin"
	kindBearer    kind = "bearer"
	kindRefresh   kind = "refresh"
	kindCode      kind = "code"
	kindState     kind = "state"
	kindRoles     kind = "roles"
	kindAnonymous kind = "anonymous"
)

// kindText says what a kind is.
type kindText struct {
	kind kind
	what string
	// scheme is how cookies carry it; carried is false if none does.
	scheme  cookie.Chunking
	carried bool
}

var kindTexts = []kindText{
	{kindFedAuth, "session of WIF 4.5 (FedAuth)", cookie.WIF, true},
	{kindWIF10, "session of WIF 1.0 (FedAuth)", cookie.WIF, true},
	{kindForms, "forms authentication ticket (.ASPXAUTH)", cookie.Single, true},
	{kindOWIN, "cookie of OWIN or ASP.NET Identity (.AspNet.*)", cookie.Katana, true},
	{kindBearer, "OAuth access token (Authorization: Bearer)", 0, false},
	{kindRefresh, "OAuth refresh token", 0, false},
	{kindCode, "OAuth authorization code", 0, false},
	{kindState, "state of a remote sign-in of OWIN", 0, false},
	{kindRoles, "cached roles (.ASPXROLES), the envelope only", cookie.Single, true},
	{kindAnonymous, "anonymous id (.ASPXANONYMOUS)", cookie.Single, true},
}

// text returns what is known of a kind.
func (k kind) text() kindText {
	for _, t := range kindTexts {
		if t.kind == k {
			return t
		}
	}
	return kindText{kind: k, what: string(k)}
}

// isSession reports whether k is a session of WIF.
func (k kind) isSession() bool { return k == kindFedAuth || k == kindWIF10 }

// isOWIN reports whether k is a ticket of Katana.
func (k kind) isOWIN() bool {
	return k == kindOWIN || k == kindBearer || k == kindRefresh || k == kindCode
}

// kindFlag checks the value of -kind. Empty means to find it out.
func kindFlag(text string, known ...kind) (kind, error) {
	if text == "" || slices.Contains(known, kind(text)) {
		return kind(text), nil
	}
	return "", usageError(fmt.Sprintf("-kind %q: one of %s", text, kindNames(known)))
}

func kindNames(kinds []kind) string {
	var names []string
	for _, k := range kinds {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

// The kinds that each subcommand knows.
var (
	inspectKinds = []kind{kindFedAuth, kindWIF10, kindForms, kindOWIN, kindBearer, kindRefresh, kindCode, kindState, kindRoles, kindAnonymous}
	doctorKinds  = []kind{kindFedAuth, kindWIF10, kindForms, kindOWIN, kindBearer, kindRefresh, kindCode, kindRoles, kindAnonymous}
	issueKinds   = []kind{kindFedAuth, kindWIF10, kindForms, kindOWIN, kindBearer, kindRefresh, kindCode, kindAnonymous}
)

// katanaPrefix begins the names of Katana's cookies, and correlationPrefix
// those that hold no ticket but a number against forged answers.
const (
	katanaPrefix      = ".AspNet."
	correlationPrefix = ".AspNet.Correlation."
	defaultAuthType   = "ApplicationCookie"
)

// kindOfName returns the kind of the cookie of that name, by the settings of
// the site. A name that says nothing is that of a session.
func (s *site) kindOfName(name string) kind {
	switch {
	case strings.EqualFold(name, s.session.name):
		return s.session.kind
	case strings.EqualFold(name, s.forms.name):
		return kindForms
	case strings.EqualFold(name, s.roles.name):
		return kindRoles
	case strings.EqualFold(name, s.anonymous.name):
		return kindAnonymous
	case strings.HasPrefix(name, katanaPrefix):
		return kindOWIN
	}
	return s.session.kind
}

// nameOfKind returns the name of the cookie that carries a kind.
func (s *site) nameOfKind(k kind, authType string) string {
	switch k {
	case kindForms:
		return s.forms.name
	case kindRoles:
		return s.roles.name
	case kindAnonymous:
		return s.anonymous.name
	case kindOWIN:
		return cookie.KatanaCookieName(cmp.Or(authType, defaultAuthType))
	}
	return s.session.name
}

// defaultKind is the kind of a value without a name: that of the site's
// sign-in.
func (s *site) defaultKind() kind {
	if s.forms.on && !s.session.on {
		return kindForms
	}
	return s.session.kind
}

// cookieNames are the names of the site's cookies, Katana's apart.
func (s *site) cookieNames() []string {
	return []string{s.session.name, s.forms.name, s.roles.name, s.anonymous.name}
}
