package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/webfarm-go/webfarm/internal/site"
)

// kind is one kind of credential, by the name that -kind takes. A cookie's kind follows from its name
// and the web.config. Keys are never tried for it.
type kind = site.Kind

// carried reports whether a kind travels in cookies.
func carried(k kind) bool { return k.Scheme() != site.SchemeNone }

// kindFlag checks the value of -kind, which may be empty. The name owin also means Katana.
func kindFlag(text string, known ...kind) (kind, error) {
	if text == "owin" {
		text = string(site.Katana)
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
	inspectKinds = []kind{site.FedAuth, site.WIF10, site.Forms, site.Katana, site.Bearer,
		site.Refresh, site.AuthCode, site.State, site.Roles, site.Anonymous, site.Core,
		site.CoreBearer, site.CoreRefresh, site.CoreSession, site.Antiforgery, site.Protected}
	doctorKinds = without(inspectKinds, site.State)
	issueKinds  = without(doctorKinds, site.Roles, site.CoreSession, site.Antiforgery, site.Protected)
)

func without(kinds []kind, some ...kind) []kind {
	return slices.DeleteFunc(slices.Clone(kinds),
		func(k kind) bool { return slices.Contains(some, k) })
}
