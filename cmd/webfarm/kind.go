package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/cookie"
)

// kind is one kind of credential, by the name that -kind takes.
type kind string

// The kinds. A cookie's kind follows from its name and the web.config, never
// from trying keys.
const (
	kindFedAuth   = kind(doctor.FedAuth)
	kindWIF10     = kind(doctor.WIF10)
	kindForms     = kind(doctor.Forms)
	kindKatana    = kind(doctor.Katana)
	kindBearer    = kind(doctor.Bearer)
	kindRefresh   = kind(doctor.Refresh)
	kindCode      = kind(doctor.AuthCode)
	kindState     = kind(doctor.State)
	kindRoles     = kind(doctor.Roles)
	kindAnonymous = kind(doctor.Anonymous)
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
	{kindKatana, "cookie of Katana or ASP.NET Identity (.AspNet.*)", cookie.Katana, true},
	{kindBearer, "OAuth access token (Authorization: Bearer)", 0, false},
	{kindRefresh, "OAuth refresh token", 0, false},
	{kindCode, "OAuth authorization code", 0, false},
	{kindState, "state of a remote sign-in of Katana", 0, false},
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

// isKatana reports whether k is a ticket of Katana.
func (k kind) isKatana() bool {
	return k == kindKatana || k == kindBearer || k == kindRefresh || k == kindCode
}

// kindFlag checks the value of -kind. Empty means to find it out.
// Katana has the name of its interface too, owin.
func kindFlag(text string, known ...kind) (kind, error) {
	if text == "owin" {
		text = string(kindKatana)
	}
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
	inspectKinds = []kind{kindFedAuth, kindWIF10, kindForms, kindKatana, kindBearer, kindRefresh, kindCode, kindState, kindRoles, kindAnonymous}
	doctorKinds  = []kind{kindFedAuth, kindWIF10, kindForms, kindKatana, kindBearer, kindRefresh, kindCode, kindRoles, kindAnonymous}
	issueKinds   = []kind{kindFedAuth, kindWIF10, kindForms, kindKatana, kindBearer, kindRefresh, kindCode, kindAnonymous}
)

// names are the names of the site's cookies.
func (s *site) names() doctor.Names {
	return doctor.Names{SessionKind: doctor.Kind(s.session.kind),
		Session: s.session.name, Forms: s.forms.name, Roles: s.roles.name, Anonymous: s.anonymous.name}
}

// kindOfName returns the kind of the cookie of that name. A name that says
// nothing is that of a session.
func (s *site) kindOfName(name string) kind {
	return cmp.Or(kind(s.names().KindOf(name)), s.session.kind)
}

// nameOfKind returns the name of the cookie that carries a kind.
func (s *site) nameOfKind(k kind, authType string) string {
	return s.names().Of(doctor.Kind(k), authType)
}

// defaultKind is the kind of a value without a name: that of the site's
// sign-in.
func (s *site) defaultKind() kind {
	if s.forms.on && !s.session.on {
		return kindForms
	}
	return s.session.kind
}
