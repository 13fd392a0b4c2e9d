package cookie

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/webfarm-go/webfarm/internal/webconfig"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// What decides on each credential, with the rules of the .NET class that reads
// it there. Each method accepts or says why not.

// fedAuth decides on the session cookie (SessionAuthenticationModule).
func (b *siteBuilder) fedAuth() error {
	id, fed := b.settings.Identity, b.settings.Federation
	if id == nil {
		b.decide("FedAuth", 0, "not accepted: no <system.identityModel>, <system.identityModel.services> or <microsoft.identityModel>")
		return nil
	}
	line := id.Session.Line
	if line == 0 {
		line = id.Line
	}
	h := fed.CookieHandler
	format, reason := b.sessionFormat(id)
	switch {
	case reason != "":
		b.decide("FedAuth", line, "not accepted: %s", reason)
		return nil
	case h.Mode == "Custom":
		b.decide("FedAuth", h.Line, "not accepted: the cookie is written by %q, a class of the site's own", h.CustomType)
		return nil
	}
	if err := checkName(WIF, h.Name, "cookieHandler", h.Line); err != nil {
		return err
	}
	opts := &sessiontoken.SessionOptions{Format: format, Endpoint: h.Path, ClockSkew: id.MaximumClockSkew,
		Lifetime: id.Session.Lifetime, Store: b.o.Store, Now: b.o.Now}
	if opts.ClockSkew == 0 {
		opts.ClockSkew = -1 // the file says none, not the default
	}
	endpoint := fmt.Sprintf("endpoint %q", h.Path)
	switch {
	case b.o.Endpoint != "":
		opts.Endpoint = b.o.Endpoint
		endpoint = fmt.Sprintf("endpoint %q by the options", b.o.Endpoint)
	case h.Path == "":
		endpoint = "any endpoint"
	}
	codec, err := sessiontoken.NewSessionCodec(b.site.ring, opts)
	if err != nil {
		return err
	}
	b.accept("FedAuth", line, "cookie %q, %v, %s, clock skew %s, lifetime %s",
		h.Name, format, endpoint, span(id.MaximumClockSkew), span(id.Session.Lifetime))
	c := &http.Cookie{Name: h.Name, Path: opts.Endpoint, Domain: h.Domain,
		Secure: h.RequireSSL || h.RequireSSLUnset, HttpOnly: h.HideFromScript}
	so := SessionsOptions{ChunkSize: h.ChunkSize, PersistentLifetime: h.PersistentLifetime, Sliding: b.o.Sessions.Sliding}
	return b.sessions("FedAuth cookie", h.Line, newTokenKind(codec), c, so)
}

// sessions makes the sessions of one cookie, with what the options add, and
// has the guard accept them. The template c is that of the element in line.
func (b *siteBuilder) sessions(what string, line int, k kind, c *http.Cookie, o SessionsOptions) error {
	// What System.Web gives every cookie that says nothing else
	// (HttpCookie.SetDefaultsFromConfig).
	if c.Domain == "" {
		c.Domain = b.settings.HTTPCookies.Domain
	}
	if k.chunking() != Single { // forms authentication always says something
		c.SameSite = sameSiteMode(b.settings.HTTPCookies.SameSite)
	}
	file := o
	o = b.o.Sessions.forAnyCookie()
	o.Cookie, o.Store, o.Logger = c, b.o.Store, b.o.Logger
	o.ChunkSize, o.PersistentLifetime, o.Sliding = file.ChunkSize, file.PersistentLifetime, file.Sliding
	o.IsTLS, o.MaxLifetime, o.OnePerUser = b.o.Sessions.IsTLS, b.o.Sessions.MaxLifetime, b.o.Sessions.OnePerUser
	s, err := newSessions(k, &o)
	if errors.Is(err, ErrInvalidCookie) { // .NET writes it, and browsers drop it
		b.site.guard.Accept(FromCookie(c.Name, k.chunking()), k.reader())
		b.decide(what, line, "never issued: %v", err)
		return nil
	}
	if err != nil {
		return err
	}
	secure := fmt.Sprint(c.Secure)
	if _, katana := k.(*owinKind); katana && !c.Secure {
		s.secureAsRequest, secure = true, "as the request"
	}
	b.site.guard.AcceptSessions(s)
	b.site.sessions = append(b.site.sessions, s)
	slides := "not renewed"
	if s.slides {
		slides = "renewed in use"
	}
	if o.MaxLifetime > 0 {
		slides += fmt.Sprintf(", at most %s", o.MaxLifetime)
	}
	if o.ChunkSize > 0 {
		slides += fmt.Sprintf(", chunks of %d", o.ChunkSize)
	}
	b.decide(what, line, "path %q, domain %q, secure %s, hidden from scripts %t, SameSite %s, %s",
		s.template.Path, s.template.Domain, secure, s.template.HttpOnly, sameSiteName(s.template.SameSite), slides)
	return nil
}

// sameSiteMode is the attribute for a value of the file.
func sameSiteMode(name string) http.SameSite {
	switch name {
	case "None":
		return http.SameSiteNoneMode
	case "Lax":
		return http.SameSiteLaxMode
	case "Strict":
		return http.SameSiteStrictMode
	}
	return 0 // no attribute
}

func sameSiteName(mode http.SameSite) string {
	switch mode {
	case http.SameSiteNoneMode:
		return "None"
	case http.SameSiteLaxMode:
		return "Lax"
	case http.SameSiteStrictMode:
		return "Strict"
	}
	return "not set"
}

// sessionFormat returns the format of session tokens, or why no other machine
// can read them.
func (b *siteBuilder) sessionFormat(id *webconfig.Identity) (format sessiontoken.Format, reason string) {
	wif45 := id.Schema == webconfig.SchemaWIF45
	switch id.Session.Protection {
	case "":
		return 0, b.warning("no_session_handler")
	case webconfig.ProtectionDPAPI:
		return 0, b.warning("session_tokens_use_dpapi")
	case webconfig.ProtectionMachineKeyProtect:
		if !wif45 {
			break
		}
		if !b.settings.MachineKey.UsableForProtect {
			return 0, fmt.Sprintf("MachineKey.Protect does not know validation %q of <machineKey>", b.settings.MachineKey.Validation)
		}
		return sessiontoken.WIF45, ""
	case webconfig.ProtectionMachineKeyEncode:
		if wif45 {
			break
		}
		if s := b.legacySwitch(webconfig.UseLegacyMachineKeyEncryption); s.On {
			return 0, fmt.Sprintf("%s of <appSettings>, line %d, leaves the tokens unsigned", s.Key, s.Line)
		}
		return sessiontoken.WIF10, ""
	default:
		return 0, b.warning("custom_session_handler") + "; with certificates, see sessiontoken.CertificateTransforms"
	}
	return 0, fmt.Sprintf("%q belongs to another version of Windows Identity Foundation", id.Session.Type)
}

// forms decides on the forms ticket (FormsAuthenticationModule).
func (b *siteBuilder) forms() error {
	auth := b.settings.Authentication
	f := auth.Forms
	if f == nil {
		b.decide("Forms", auth.Line, "not accepted: authentication mode is %q", auth.Mode)
		return nil
	}
	if f.Cookieless == "UseUri" {
		b.decide("Forms", f.Line, "not accepted: the ticket is in the URL, cookieless %q", f.Cookieless)
		return nil
	}
	if err := checkName(Single, f.Name, "system.web/authentication/forms", f.Line); err != nil {
		return err
	}
	unsigned := b.legacySwitch(webconfig.UseLegacyEncryption)
	old := b.settings.AppSettings.Switch(webconfig.UseLegacyFormsTicket) // in every mode
	protection := machinekey.ProtectionAll
	switch f.Protection {
	case "Validation":
		protection = machinekey.ProtectionValidation
	case "Encryption":
		protection = machinekey.ProtectionEncryption
	}
	if b.mode != machinekey.Framework45 && (f.Protection == "None" || f.Protection == "Encryption" && unsigned.On) {
		b.decide("Forms", f.Line, "not accepted: with protection %q, anybody can write a ticket", f.Protection)
		return nil
	}
	weak := ""
	for _, s := range []webconfig.Switch{unsigned, old} {
		if !s.On {
			continue
		}
		if !b.o.AllowInsecure {
			return &machinekey.ConfigError{Code: "insecure_setting", Section: "appSettings", Attribute: s.Key,
				Line: s.Line, Found: "true", Want: "the switch removed, or SiteOptions.AllowInsecure"}
		}
		weak += fmt.Sprintf(", insecure by %s of line %d", s.Key, s.Line)
	}
	timeout := minutes(f.TimeoutMinutes)
	codec, err := sessiontoken.NewFormsCodec(b.site.ring, &sessiontoken.FormsOptions{Timeout: timeout, Path: f.Path,
		Protection: protection, InsecureUnsigned: unsigned.On, InsecureOldLayout: old.On, Roles: b.o.Roles, Now: b.o.Now})
	if err != nil {
		return err
	}
	b.accept("Forms", f.Line, "cookie %q, timeout %s, protection %s%s", f.Name, span(timeout), f.Protection, weak)
	if unsigned.On || old.On {
		b.site.guard.Accept(FromForms(f.Name), codec)
		b.decide("Forms cookie", f.Line, "never issued: anybody could change it")
		return nil
	}
	o := SessionsOptions{Sliding: SlidingOff}
	if f.SlidingExpiration {
		o.Sliding = SlidingOn
	}
	if b.o.Sessions.Sliding != SlidingDefault {
		o.Sliding = b.o.Sessions.Sliding
	}
	c := &http.Cookie{Name: f.Name, Path: f.Path, Domain: f.Domain, Secure: f.RequireSSL, HttpOnly: true, SameSite: sameSiteMode(f.CookieSameSite)}
	return b.sessions("Forms cookie", f.Line, newFormsKind(codec), c, o)
}

// owin adds the cookies of Katana that the options ask for
// (CookieAuthenticationMiddleware).
func (b *siteBuilder) owin() error {
	if len(b.o.AuthenticationTypes) == 0 {
		b.decide("OWIN", 0, "not asked for: Katana's cookies are set up in code, see SiteOptions.AuthenticationTypes")
	}
	for _, t := range b.o.AuthenticationTypes {
		name := KatanaCookieName(t)
		if _, err := Katana.wireName(name); t == "" || err != nil {
			return fmt.Errorf("SiteOptions.AuthenticationTypes has %q", t)
		}
		codec, err := sessiontoken.NewOWINCookieCodec(b.site.ring, t, &sessiontoken.OWINOptions{Now: b.o.Now})
		if err != nil {
			return err
		}
		b.accept("OWIN", 0, "cookie %q, by the options", name)
		h := b.settings.HTTPCookies
		c := &http.Cookie{Name: name, Secure: h.RequireSSL, HttpOnly: true}
		if err := b.sessions("OWIN cookie", h.Line, newOWINKind(codec), c, SessionsOptions{Sliding: b.o.Sessions.Sliding}); err != nil {
			return err
		}
	}
	return nil
}

// bearer adds the access tokens of Katana if the options ask for them
// (OAuthBearerAuthenticationMiddleware).
func (b *siteBuilder) bearer() error {
	if !b.o.Bearer {
		b.decide("Bearer", 0, "not asked for: Katana's access tokens are set up in code, see SiteOptions.Bearer")
		return nil
	}
	codec, err := sessiontoken.NewOWINAccessTokenCodec(b.site.ring, &sessiontoken.OWINOptions{Now: b.o.Now})
	if err != nil {
		return err
	}
	b.site.guard.Accept(Bearer, codec)
	b.accept("Bearer", 0, "header Authorization, by the options")
	return nil
}

// cora decides on the session of Cora SeQuence.
func (b *siteBuilder) cora() error {
	c := b.settings.Cora
	if c == nil {
		return nil
	}
	o := SQSessionOptions{Opaque: true}
	if b.o.SQSession != nil {
		o = *b.o.SQSession
	}
	o.Disabled, o.Application = !c.Enabled, c.Application
	o.Lifetime, o.MaxLifetime = minutes(c.LifetimeMinutes), minutes(c.MaxLifetimeMinutes)
	o.CookieName, o.CookiePath, o.CookieDomain, o.CookieSecure = c.CookieNamePrefix, c.Path, c.Domain, c.Secure
	o.CacheMaxSize, o.CacheItemFade = c.CacheMaxSize, minutes(c.CacheItemFadeMinutes)
	o.NoReuse = !c.ReuseSession
	o.Now = b.o.Now
	if o.Store == nil {
		o.Store = b.o.Store
	}
	o.Sessions = b.o.Sessions
	o.Sessions.Logger = b.o.Logger
	if o.Application == "" && o.CookieSuffix == "" {
		reason := "enabled is false"
		if c.Enabled {
			reason = b.warning("cora_cookie_name_unknown")
		}
		b.decide("SQSession", c.Line, "not accepted: %s", reason)
		return nil
	}
	sq, err := NewSQSession(b.site.ring, &o)
	if err != nil {
		return &machinekey.ConfigError{Code: "invalid_sequence_session", Section: "sequence.engine/web/session", Line: c.Line, Err: err}
	}
	b.site.sq = sq
	s, ok := sq.Sessions()
	switch {
	case o.Disabled:
		b.decide("SQSession", c.Line, "not accepted: enabled is false")
	case !ok:
		b.decide("SQSession", c.Line, "not accepted: cookie %q can be passed on but not read", sq.CookieName())
	default:
		b.site.guard.AcceptSessions(s)
		b.site.sessions = append(b.site.sessions, s)
		b.accept("SQSession", c.Line, "cookie %q of Go nodes, lifetime %s, at most %s", sq.CookieName(), span(sq.o.Lifetime), span(sq.o.MaxLifetime))
	}
	for _, part := range c.Locations {
		if part.Enabled != c.Enabled {
			b.decide("SQSession", part.Line, "in location %q enabled is %t: keep Handler away from there, or put it there", part.Path, part.Enabled)
		}
	}
	return nil
}

// notes adds what decides on no credential of this package.
func (b *siteBuilder) notes() {
	if c := b.settings.HTTPCookies; c.Line != 0 {
		b.decide("httpCookies", c.Line, "defaults of other cookies: domain %q, secure %t, hidden from scripts %t, SameSite %s",
			c.Domain, c.RequireSSL, c.HTTPOnly, c.SameSite)
	}
	for _, w := range b.settings.Warnings {
		switch w.Code {
		case "no_session_handler", "session_tokens_use_dpapi", "custom_session_handler", "custom_cookie_handler",
			"cora_cookie_payload_unknown", "cora_cookie_name_unknown":
			continue // said already
		}
		b.decide("warning", w.Line, "%s", w.Text)
	}
}

// legacySwitch returns a switch that has no effect in mode Framework45.
func (b *siteBuilder) legacySwitch(key string) webconfig.Switch {
	if b.mode == machinekey.Framework45 {
		return webconfig.Switch{Key: key}
	}
	return b.settings.AppSettings.Switch(key)
}

// warning returns the text of a warning of the file.
func (b *siteBuilder) warning(code string) string {
	for _, w := range b.settings.Warnings {
		if w.Code == code {
			return w.Text
		}
	}
	return code
}

// checkName refuses a name that no cookie can have, which would otherwise
// show with the first request.
func checkName(k Chunking, name, section string, line int) error {
	if _, err := k.wireName(name); err != nil {
		return &machinekey.ConfigError{Code: "invalid_cookie_name", Section: section, Attribute: "name", Line: line, Err: err}
	}
	return nil
}

// minutes is a number of the file, which may be more than a time.Duration
// holds: that ends at 292 years.
func minutes(n int) time.Duration {
	const most = 100 * 365 * 24 * 60
	return time.Duration(min(n, most)) * time.Minute
}

// span shows a time span of the file.
func span(d time.Duration) string {
	if d == webconfig.Infinite {
		return "Infinite"
	}
	return d.String()
}
