package main

import (
	"fmt"
	"time"

	"github.com/webfarm-go/webfarm/internal/webconfig"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// site is what the first web.config says about the site's cookies, .NET's
// defaults filled in.
type site struct {
	session   sessionSite
	forms     formsSite
	roles     cookieSite
	anonymous cookieSite
	cookies   webconfig.HTTPCookies // what other cookies have
	// legacySigning is false under aspnet:UseLegacyEncryption.
	legacySigning bool
}

// sessionSite is the session of Windows Identity Foundation.
type sessionSite struct {
	on         bool // the file has a section of WIF
	kind       kind // kindFedAuth or kindWIF10
	protection string
	name       string
	path       string // empty where the file does not say
	domain     string
	chunkSize  int
	plain      bool // over http too: the file says requireSsl="false"
	scripts    bool // hideFromScript="false"
	lifetime   time.Duration
	skew       time.Duration
}

// formsSite is forms authentication.
type formsSite struct {
	on bool // <authentication mode="Forms">
	cookieSite
	path, domain string
	plain        bool   // over http too: the file says requireSSL="false"
	sameSite     string // as webconfig has it
	timeout      time.Duration
	oldLayout    bool // UseLegacyFormsTicket
}

// cookieSite is a cookie of System.Web.
type cookieSite struct {
	name       string
	protection machinekey.Protection
	timeout    time.Duration // of anonymous ids
}

// newSite returns a site that says nothing, with the defaults of .NET.
func newSite() *site {
	return &site{
		session: sessionSite{kind: kindFedAuth, protection: webconfig.ProtectionMachineKeyProtect, name: "FedAuth",
			lifetime: sessiontoken.DefaultLifetime, skew: sessiontoken.DefaultClockSkew},
		forms: formsSite{cookieSite: cookieSite{name: ".ASPXAUTH"}, path: sessiontoken.DefaultFormsPath, timeout: sessiontoken.DefaultFormsTimeout},
		roles: cookieSite{name: ".ASPXROLES"},
		// .NET's default here is another than everywhere else
		anonymous:     cookieSite{name: ".ASPXANONYMOUS", protection: machinekey.ProtectionValidation, timeout: sessiontoken.DefaultAnonymousTimeout},
		legacySigning: true,
	}
}

// loadSite reads the settings. A section with a fault, with which .NET would
// not start, leaves its defaults and a warning.
func loadSite(path string) (*site, []keyFileWarning, error) {
	s := newSite()
	f, err := webconfig.Load(path)
	if err != nil {
		return nil, nil, err
	}
	var warnings []keyFileWarning
	fault := func(err error) {
		if err != nil {
			warnings = append(warnings, keyFileWarning{Code: "settings_not_read", Text: err.Error() + "; the defaults were taken"})
		}
	}
	identity, federation, wif, err := f.IdentityAndFederation()
	fault(err)
	if err == nil && identity != nil {
		s.session.read(identity, federation)
		for _, w := range wif {
			warnings = append(warnings, keyFileWarning{w.Code, w.Line, w.Text})
		}
	}
	authentication, err := f.Authentication()
	fault(err)
	if err == nil && authentication.Forms != nil {
		s.forms.read(authentication.Forms)
	}
	settings, err := f.AppSettings()
	fault(err)
	if err == nil {
		s.legacySigning = !settings.Switch(webconfig.UseLegacyEncryption).On
		s.forms.oldLayout = settings.Switch(webconfig.UseLegacyFormsTicket).On
	}
	s.cookies, err = f.HTTPCookies()
	fault(err)
	fault(s.roles.read(f, "roleManager"))
	fault(s.anonymous.read(f, "anonymousIdentification"))
	return s, warnings, nil
}

// read takes the settings of WIF.
func (s *sessionSite) read(id *webconfig.Identity, f *webconfig.Federation) {
	s.on = true
	if id.Schema == webconfig.SchemaWIF10 {
		s.kind = kindWIF10
	}
	s.protection = id.Session.Protection
	if id.Session.Lifetime > 0 {
		s.lifetime = id.Session.Lifetime
	}
	s.skew = id.MaximumClockSkew
	h := f.CookieHandler
	s.name, s.path, s.domain, s.chunkSize = h.Name, h.Path, h.Domain, h.ChunkSize
	s.plain, s.scripts = !h.RequireSSL && !h.RequireSSLUnset, !h.HideFromScript
}

// read takes the settings of <forms>.
func (s *formsSite) read(f *webconfig.Forms) {
	s.on = true
	s.name, s.path, s.domain = f.Name, f.Path, f.Domain
	s.plain, s.sameSite = !f.RequireSSL && !f.RequireSSLUnset, f.CookieSameSite
	s.timeout = time.Duration(f.TimeoutMinutes) * time.Minute
	s.protection = protectionOf(f.Protection)
}

// read takes cookieName and cookieProtection of a section of system.web, and
// cookieTimeout, which only matters for anonymous ids.
func (s *cookieSite) read(f *webconfig.File, section string) error {
	element, err := f.Section("system.web", section)
	if err != nil || element == nil {
		return err
	}
	a := element.Attributes()
	name := a.NonEmpty("cookieName", s.name)
	protection := a.Enum("cookieProtection", s.protection.String(), "None", "Validation", "Encryption", "All")
	minutes := s.timeout
	if section == "anonymousIdentification" {
		minutes = time.Duration(a.Int("cookieTimeout", int(s.timeout/time.Minute), 1, webconfig.CodeInvalidTimeout)) * time.Minute
	}
	if err := a.DonePartly(); err != nil {
		return err
	}
	s.name, s.protection, s.timeout = name, protectionOf(protection), minutes
	return nil
}

// protectionOf returns the value that web.config spells so.
func protectionOf(name string) machinekey.Protection {
	for _, p := range []machinekey.Protection{machinekey.ProtectionEncryption, machinekey.ProtectionValidation, machinekey.InsecureProtectionNone} {
		if p.String() == name {
			return p
		}
	}
	return machinekey.ProtectionAll
}

// insecure says what the site does that is not used without -allow-insecure.
func (s *site) insecure(mode machinekey.Mode) []keyFileWarning {
	var list []keyFileWarning
	add := func(what string) {
		list = append(list, keyFileWarning{Code: "insecure_not_used", Text: what + "; -allow-insecure reads its cookies nevertheless"})
	}
	legacy := mode != machinekey.Framework45
	if !s.legacySigning && legacy {
		add(fmt.Sprintf("%s is on: cookies are encrypted without a signature", webconfig.UseLegacyEncryption))
	}
	if s.forms.oldLayout && s.forms.on {
		add(fmt.Sprintf("%s is on: forms tickets have the layout of before 2011", webconfig.UseLegacyFormsTicket))
	}
	if s.forms.on && s.forms.protection == machinekey.InsecureProtectionNone && legacy {
		add(`<forms protection="None">: anybody can write a ticket`)
	}
	return list
}
