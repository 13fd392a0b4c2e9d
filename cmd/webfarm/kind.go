package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/webfarm-go/webfarm/internal/site"
)

// kind is one kind of credential, by the name that -kind takes.
type kind = site.Kind

// The kinds. A cookie's kind follows from its name and the web.config. Keys are never tried for it.
const (
	kindFedAuth   = site.FedAuth
	kindWIF10     = site.WIF10
	kindForms     = site.Forms
	kindKatana    = site.Katana
	kindBearer    = site.Bearer
	kindRefresh   = site.Refresh
	kindCode      = site.AuthCode
	kindState     = site.State
	kindRoles     = site.Roles
	kindAnonymous = site.Anonymous

	kindCore        = site.Core
	kindCoreBearer  = site.CoreBearer
	kindCoreRefresh = site.CoreRefresh
	kindCoreSession = site.CoreSession
	kindAntiforgery = site.Antiforgery
	kindProtected   = site.Protected
)

// carried reports whether a kind travels in cookies.
func carried(k kind) bool { return k.Scheme() != site.SchemeNone }

// kindFlag checks the value of -kind, which may be empty. The name owin also means Katana.
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
	inspectKinds = []kind{kindFedAuth, kindWIF10, kindForms, kindKatana, kindBearer, kindRefresh,
		kindCode, kindState, kindRoles, kindAnonymous, kindCore, kindCoreBearer, kindCoreRefresh,
		kindCoreSession, kindAntiforgery, kindProtected}
	doctorKinds = []kind{kindFedAuth, kindWIF10, kindForms, kindKatana, kindBearer, kindRefresh,
		kindCode, kindRoles, kindAnonymous, kindCore, kindCoreBearer, kindCoreRefresh,
		kindCoreSession, kindAntiforgery, kindProtected}
	issueKinds = []kind{kindFedAuth, kindWIF10, kindForms, kindKatana, kindBearer, kindRefresh,
		kindCode, kindAnonymous, kindCore, kindCoreBearer, kindCoreRefresh}
)
