package site

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/webfarm-go/webfarm/internal/webconfig"
)

// Credential is what a site says about one credential, with .NET's defaults
// filled in.
type Credential struct {
	Settings
	On    bool // the site has it: by the file, or by Options
	Asked bool // Options name it
	// Refused is why other machines cannot read it or should not, empty if they
	// can. RefusedLine is the line of that.
	Refused     string
	RefusedLine int
	// Protection is how it is sealed: for sessions a Protection constant of
	// package webconfig, for cookies of System.Web All, None, Encryption or
	// Validation; empty for others.
	Protection string
	Handler    string // the class that seals sessions
	Custom     bool   // a class of the site's own writes the cookie
	// Unsigned is the switch that leaves signatures out, and OldLayout the one
	// for forms tickets of before 2011, both off where they have no effect.
	Unsigned, OldLayout webconfig.Switch
	Line                int                 // of the element that decides about the credential
	CookieLine          int                 // of the one that decides about its cookie
	Warnings            []webconfig.Warning // of the file about it

	from map[string]Source // by property, for what is not the default
}

// newCredential returns .NET's defaults.
func newCredential(k Kind) *Credential {
	c := &Credential{Settings: Settings{Kind: k, Name: k.info().name}, from: map[string]Source{}}
	if k.Scheme() != SchemeNone {
		c.SameSite = "Unspecified"
		if !k.IsSession() { // they have the path of the application, which is not known
			c.Path = "/"
		}
	}
	switch k {
	case FedAuth, WIF10: // SessionSecurityTokenHandler, CookieHandler
		c.Protection = webconfig.ProtectionMachineKeyProtect
		if k == WIF10 {
			c.Protection = webconfig.ProtectionMachineKeyEncode
		}
		c.Secure, c.ChunkSize, c.Sliding = On, 2000, Off
		c.Lifetime, c.ClockSkew = 10*time.Hour, 5*time.Minute
	case Forms: // FormsAuthenticationConfiguration
		c.Protection, c.Secure, c.Sliding, c.SameSite, c.Lifetime = "All", Off, On, "Lax", 30*time.Minute
	case Roles: // RoleManagerSection
		c.Protection, c.Secure, c.Sliding, c.Lifetime = "All", Off, On, 30*time.Minute
	case Anonymous: // AnonymousIdentificationSection, with another protection than everywhere else
		c.Protection, c.Secure, c.Sliding, c.Lifetime = "Validation", Off, On, 100000*time.Minute
	case Katana: // CookieAuthenticationOptions, ChunkingCookieManager
		c.Sliding, c.ChunkSize, c.Lifetime = On, 4090, 14*24*time.Hour
	case Core: // CookieAuthenticationOptions, ChunkingCookieManager
		c.Sliding, c.SameSite, c.ChunkSize, c.Lifetime = On, "Lax", 4050, 14*24*time.Hour
	case Bearer: // OAuthAuthorizationServerOptions
		c.Lifetime = 20 * time.Minute
	case AuthCode:
		c.Lifetime = 5 * time.Minute
	case SQSession:
		c.Name, c.Secure, c.Opaque = "", Off, true
		c.Lifetime, c.MaxLifetime, c.CacheItemFade = 20*time.Minute, 1440*time.Minute, 10*time.Minute
	}
	return c
}

// From returns where a setting was said, by the name of its field.
func (c *Credential) From(property string) Source { return c.from[property] }

// apply takes the settings that are said in one place, as far as they count.
func (c *Credential) apply(from Source, said Settings) {
	for _, p := range properties {
		if p.counts(c.Kind) && p.said(&said) &&
			(from.Options || p.text(&said) != p.text(&c.Settings)) {
			p.copy(&c.Settings, &said)
			c.from[p.name] = from
		}
	}
}

// said marks what the file says, also if it is the default: pairs are an attribute and a setting.
func (c *Credential) said(line int, attributes []string, pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		if slices.Contains(attributes, pairs[i]) {
			c.from[pairs[i+1]] = Source{Line: line}
		}
	}
}

func (c *Credential) refuse(line int, format string, args ...any) {
	c.Refused, c.RefusedLine = fmt.Sprintf(format, args...), line
}

// Setting is one setting of a credential, for people and programs.
type Setting struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	Default bool   `json:"default,omitempty"`
	Line    int    `json:"line,omitempty"`
	Options bool   `json:"options,omitempty"`
}

// List returns the settings that count for the credential and have a value.
func (c *Credential) List() []Setting {
	var list []Setting
	for _, p := range properties {
		value := p.text(&c.Settings)
		if !p.counts(c.Kind) || value == "" {
			continue
		}
		from, said := c.from[p.name]
		list = append(list, Setting{p.name, value, !said, from.Line, from.Options})
	}
	return list
}

// inherit takes what System.Web gives every cookie that says nothing else
// (HttpCookie.SetDefaultsFromConfig). Forms authentication always says a
// SameSite.
func (c *Credential) inherit(h webconfig.HTTPCookies) {
	said := Settings{Domain: h.Domain, SameSite: h.SameSite}
	if c.Kind == Forms {
		said.SameSite = ""
	}
	if c.Kind == Katana && h.RequireSSL {
		said.Secure = On
	}
	c.apply(Source{Line: h.Line}, said)
	c.CookieLine = h.Line
}

// readSession reads the sections of Windows Identity Foundation
// (SessionAuthenticationModule).
func (s *Site) readSession(f *webconfig.File) {
	c := s.Session
	id, fed, warnings, err := f.IdentityAndFederation()
	if s.fault(err) != nil {
		return
	}
	if id == nil {
		c.refuse(0, "no <system.identityModel>, <system.identityModel.services> or <microsoft.identityModel>")
		return
	}
	if id.Schema == webconfig.SchemaWIF10 {
		c = newCredential(WIF10)
		c.inherit(s.HTTPCookies)
		s.Session = c
	}
	s.warn(c, warnings)
	c.On, c.Line = true, cmp.Or(id.Session.Line, id.Line)
	c.Protection, c.Handler = id.Session.Protection, id.Session.Type
	h := fed.CookieHandler
	c.CookieLine, c.Custom = h.Line, h.Mode == "Custom"
	skew := id.MaximumClockSkew
	if skew == 0 { // which was said
		skew = None
	}
	c.apply(Source{Line: id.Line}, Settings{ClockSkew: skew})
	c.apply(Source{Line: c.Line}, Settings{Lifetime: id.Session.Lifetime})
	if id.SaysClockSkew {
		c.from["ClockSkew"] = Source{Line: id.Line}
	}
	if id.Session.SaysLifetime {
		c.from["Lifetime"] = Source{Line: c.Line}
	}
	said := Settings{Name: h.Name, Path: h.Path, Domain: h.Domain, ScriptAccess: !h.HideFromScript,
		ChunkSize: h.ChunkSize, PersistentLifetime: h.PersistentLifetime}
	if !h.RequireSSLUnset {
		said.Secure = toggle(h.RequireSSL)
	}
	c.apply(Source{Line: h.Line}, said)
	c.said(h.Line, h.Said, "name", "Name", "path", "Path", "domain", "Domain",
		"requireSsl", "Secure", "chunkSize", "ChunkSize", "persistentSessionLifetime", "PersistentLifetime")
	s.refuseSession(c, h.CustomType, h.Line)
	s.checkName(c, "cookieHandler")
}

// refuseSession says why no other machine can read the sessions. A class of the
// site's own that writes the cookie is named by writer, in a line.
func (s *Site) refuseSession(c *Credential, writer string, line int) {
	switch wif45 := c.Kind == FedAuth; {
	case c.Protection == "":
		c.refuse(c.Line, "%s", c.warning("no_session_handler"))
	case c.Protection == webconfig.ProtectionDPAPI:
		c.refuse(c.Line, "%s", c.warning("session_tokens_use_dpapi"))
	case c.Protection == webconfig.ProtectionCustom:
		c.refuse(c.Line, "%s; with certificates, see sessiontoken.CertificateTransforms",
			c.warning("custom_session_handler"))
	case wif45 != (c.Protection == webconfig.ProtectionMachineKeyProtect):
		c.refuse(c.Line, "%q belongs to another version of Windows Identity Foundation", c.Handler)
	case wif45 && !s.Key.OnRing && !s.Key.UsableForProtect():
		c.refuse(c.Line, "MachineKey.Protect does not know validation %q of <machineKey>",
			s.Key.Validation)
	case !wif45 && s.legacySwitch(webconfig.UseLegacyMachineKeyEncryption).On:
		c.Unsigned = s.legacySwitch(webconfig.UseLegacyMachineKeyEncryption)
		c.refuse(c.Line, "%s of <appSettings>, line %d, leaves the tokens unsigned", c.Unsigned.Key,
			c.Unsigned.Line)
	case c.Custom:
		c.refuse(line, "the cookie is written by %q, a class of the site's own", writer)
	default:
		c.Refused = ""
	}
}

func (c *Credential) warning(code string) string {
	for _, w := range c.Warnings {
		if w.Code == code {
			return w.Text
		}
	}
	return code
}

// legacySwitch returns a switch that has no effect in mode Framework45.
func (s *Site) legacySwitch(key string) webconfig.Switch {
	if !s.Key.IsLegacy() {
		return webconfig.Switch{Key: key}
	}
	return s.AppSettings.Switch(key)
}

// checkName refuses a name that no cookie can have, and takes the default.
func (s *Site) checkName(c *Credential, section string) {
	if c.Refused != "" || ValidName(c.Name) {
		return
	}
	s.fault(&webconfig.Error{Code: CodeInvalidCookieName, Section: section, Attribute: "name",
		Line: c.from["Name"].Line, Found: fmt.Sprintf("%q", c.Name),
		Want: "a name without blanks, = and ;"})
	c.Name = c.Kind.info().name
	delete(c.from, "Name")
}

// CodeInvalidCookieName is the code of a fault: a name that no cookie can have.
const CodeInvalidCookieName = "invalid_cookie_name"

// readForms takes <authentication> (FormsAuthenticationModule).
func (s *Site) readForms(a webconfig.Authentication) {
	c, f := s.Forms, a.Forms
	s.warn(c, slices.Concat(a.Warnings, a.ProtectionWarnings(s.Key.Mode)))
	c.Line, c.CookieLine = a.Line, a.Line
	if f == nil {
		c.refuse(a.Line, "authentication mode is %q", a.Mode)
		return
	}
	c.On, c.Refused, c.Line, c.CookieLine, c.Protection = true, "", f.Line, f.Line, f.Protection
	said := Settings{Name: f.Name, Path: f.Path, Domain: f.Domain, SameSite: f.CookieSameSite,
		Lifetime: minutes(f.TimeoutMinutes), Sliding: toggle(f.SlidingExpiration)}
	c.apply(Source{Line: f.Line}, said)
	c.said(f.Line, f.Said, "name", "Name", "path", "Path", "domain", "Domain", "timeout", "Lifetime",
		"slidingExpiration", "Sliding", "cookieSameSite", "SameSite")
	if !f.RequireSSLUnset {
		c.Secure, c.from["Secure"] = toggle(f.RequireSSL), Source{Line: f.Line}
	}
	if f.Cookieless == "UseUri" {
		c.refuse(f.Line, "the ticket is in the URL, cookieless %q", f.Cookieless)
	}
	if c.Refused == "" && s.Key.IsLegacy() &&
		(f.Protection == "None" || f.Protection == "Encryption" && c.Unsigned.On) {
		c.refuse(f.Line, "with protection %q, anybody can write a ticket", f.Protection)
	}
	s.checkName(c, "system.web/authentication/forms")
}

// minutes is a number of the file, which may be more than a time.Duration
// holds: that ends at 292 years.
func minutes(n int) time.Duration {
	const most = 100 * 365 * 24 * 60
	return time.Duration(min(n, most)) * time.Minute
}

func (s *Site) readCookie(f *webconfig.File, c *Credential, section string) {
	e := f.Section("system.web", section)
	if s.fault(e.Err()) != nil || e.RefLine == 0 {
		return
	}
	on := e.Bool("enabled", false)
	if c.Kind == Roles {
		on = e.Bool("cacheRolesInCookie", false) && on
	}
	_, saysSecure := e.Attr("cookieRequireSSL")
	secure := toggle(e.Bool("cookieRequireSSL", false))
	said := Settings{
		Name:     e.NonEmpty("cookieName", c.Name),
		Path:     e.NonEmpty("cookiePath", c.Path),
		Domain:   e.Text("domain", ""),
		Lifetime: minutes(e.Int("cookieTimeout", int(c.Lifetime/time.Minute), 1, webconfig.CodeInvalidTimeout)),
		Sliding:  toggle(e.Bool("cookieSlidingExpiration", true)),
	}
	protection := e.Enum("cookieProtection", c.Protection, "None", "Validation", "Encryption", "All")
	if e.DonePartly(); s.fault(e.Err()) != nil {
		return
	}
	line := e.RefLine
	c.On, c.Refused, c.Protection, c.Line, c.CookieLine = on, "", protection, line, line
	c.apply(Source{Line: line}, said)
	c.said(line, e.Said(), "cookieName", "Name", "cookiePath", "Path", "domain", "Domain",
		"cookieTimeout", "Lifetime", "cookieSlidingExpiration", "Sliding")
	if saysSecure {
		c.Secure, c.from["Secure"] = secure, Source{Line: line}
	}
}

func (s *Site) readCora(f *webconfig.File) {
	cora, err := f.Cora()
	if s.fault(err) != nil || cora == nil {
		return
	}
	c := newCredential(SQSession)
	s.SQSession, s.Locations = c, cora.Locations
	s.warn(c, cora.Warnings)
	c.On, c.Line, c.CookieLine = cora.Enabled, cora.Line, cora.Line
	c.apply(Source{Line: cora.Line}, Settings{Name: cora.CookieName(), Path: cora.Path,
		Domain: cora.Domain, Secure: toggle(cora.Secure), Lifetime: minutes(cora.LifetimeMinutes),
		MaxLifetime: minutes(cora.MaxLifetimeMinutes), NoReuse: !cora.ReuseSession,
		CacheMaxSize: cora.CacheMaxSize, CacheItemFade: minutes(cora.CacheItemFadeMinutes)})
	c.said(cora.Line, cora.Said, "sessionCookiePath", "Path", "sessionCookieDomain", "Domain",
		"sessionCookieSecure", "Secure", "lifetime", "Lifetime", "maxLifetime", "MaxLifetime",
		"cacheMaxSize", "CacheMaxSize", "cacheItemFade", "CacheItemFade")
	if c.Name == "" && c.On {
		c.refuse(c.Line, "%s", cmp.Or(c.warning("cora_cookie_name_unknown"),
			"the section stands only in <location>s, for parts of the site; say Credential.Name for the one that Go nodes serve"))
	}
}
