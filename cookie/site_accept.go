package cookie

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/internal/webconfig"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// Each method decides on one credential: it accepts it or says why not.

// refused reports whether a credential is not accepted, and notes why.
func (b *siteBuilder) refused(what string, c *site.Credential) bool {
	switch {
	case c.Refused == site.NotAsked:
		b.decideOn(false, what, 0, "%s", c.Refused)
	case c.Refused != "":
		b.decideOn(false, what, c.RefusedLine, "not accepted: %s", c.Refused)
	}
	return c.Refused != ""
}

// keysOf returns what protects a kind of credential.
func (b *siteBuilder) keysOf(k Kind) sessiontoken.Keys {
	if b.of.OnRing(k) {
		return b.site.keys
	}
	return b.site.ring
}

// fedAuth decides on the session cookie (SessionAuthenticationModule).
func (b *siteBuilder) fedAuth() error {
	c := b.of.Session
	if b.refused("FedAuth", c) {
		return nil
	}
	codec, err := sessiontoken.NewSessionCodec(b.keysOf(c.Kind),
		&sessiontoken.SessionOptions{WIF10: c.Kind == KindWIF10, Endpoint: c.Path,
			ClockSkew: c.ClockSkew, Lifetime: c.Lifetime, Store: b.o.Sessions.Store, Now: b.o.Now})
	if err != nil {
		return err
	}
	endpoint := fmt.Sprintf("endpoint %q", c.Path)
	switch {
	case c.From("Path").Options:
		endpoint += " by the options"
	case c.Path == "":
		endpoint = "any endpoint"
	}
	format := "WIF 4.5"
	if c.Kind == KindWIF10 {
		format = "WIF 1.0"
	}
	b.accept("FedAuth", c.Line, "cookie %q, %s, %s, clock skew %s, lifetime %s",
		c.Name, format, endpoint, site.Span(c.ClockSkew), site.Span(c.Lifetime))
	return b.sessions("FedAuth cookie", c, codec, nil)
}

// forms decides on the forms ticket (FormsAuthenticationModule).
func (b *siteBuilder) forms() error {
	c := b.of.Forms
	if b.refused("Forms", c) {
		return nil
	}
	o := &sessiontoken.FormsOptions{Lifetime: c.Lifetime, Path: c.Path,
		InsecureUnsigned: c.Unsigned.On, InsecureOldLayout: c.OldLayout.On,
		Roles: b.o.Roles, Now: b.o.Now}
	onRing := b.of.OnRing(KindForms)
	if c.Protection != "None" && !onRing { // which is refused unless it has no effect
		o.Protection = machinekey.Protection(c.Protection)
	}
	weak := ""
	for _, s := range []webconfig.Switch{c.Unsigned, c.OldLayout} {
		if !s.On {
			continue
		}
		if !b.allowInsecure {
			return &machinekey.ConfigError{Code: "insecure_setting", Section: "appSettings",
				Attribute: s.Key, Line: s.Line, Found: "true",
				Want: "the switch removed, or AllowInsecure of SiteOptions.Config"}
		}
		weak += fmt.Sprintf(", insecure by %s of line %d", s.Key, s.Line)
	}
	codec, err := sessiontoken.NewFormsCodec(b.keysOf(KindForms), o)
	if err != nil {
		return err
	}
	protection := "protection " + c.Protection
	if onRing {
		protection = "on the key ring"
	}
	b.accept("Forms", c.Line, "cookie %q, timeout %s, %s%s", c.Name, site.Span(c.Lifetime),
		protection, weak)
	var never error
	if weak != "" {
		never = errors.New("anybody could change it")
	}
	return b.sessions("Forms cookie", c, codec, never)
}

// katana adds the cookies of Katana that the options ask for
// (CookieAuthenticationMiddleware).
func (b *siteBuilder) katana() error {
	if len(b.of.Katana) == 0 {
		b.decideOn(false, "Katana", 0,
			"not asked for: Katana's cookies are set up in code, see SiteOptions.Credentials")
	}
	for _, c := range b.of.Katana {
		codec, err := sessiontoken.NewKatanaCodec(b.site.keys,
			sessiontoken.Cookie(c.AuthenticationType),
			&sessiontoken.KatanaOptions{Lifetime: c.Lifetime, Now: b.o.Now})
		if err != nil {
			return err
		}
		of := ""
		if c.From("Name").Options {
			of = fmt.Sprintf(" of %q", c.AuthenticationType)
		}
		b.accept("Katana", 0, "cookie %q%s, by the options", c.Name, of)
		if err := b.sessions("Katana cookie", c, codec, nil); err != nil {
			return err
		}
	}
	return nil
}

// core adds the cookies and tokens of ASP.NET Core that the options ask for
// (CookieAuthenticationHandler, BearerTokenHandler).
func (b *siteBuilder) core() error {
	if len(b.of.Core) == 0 && b.o.DataProtection != nil {
		b.decideOn(false, "Core", 0,
			"not asked for: name the scheme in SiteOptions.Credentials")
	}
	for _, c := range b.of.Core {
		purpose := sessiontoken.Cookie
		if c.Kind == KindBearer {
			purpose = sessiontoken.AccessToken
		}
		codec, err := sessiontoken.NewCoreCodec(b.o.DataProtection, purpose(c.AuthenticationType),
			&sessiontoken.CoreOptions{Lifetime: c.Lifetime, Now: b.o.Now})
		if err != nil {
			return err
		}
		if c.Kind == KindBearer {
			b.site.Accept(From(KindBearer, ""), codec)
			b.accept("Core", 0, "header Authorization, scheme %q, by the options",
				c.AuthenticationType)
			continue
		}
		b.accept("Core", 0, "cookie %q, scheme %q, lifetime %s, by the options", c.Name,
			c.AuthenticationType, site.Span(c.Lifetime))
		if err := b.sessions("Core cookie", c, codec, nil); err != nil {
			return err
		}
	}
	return nil
}

// bearer adds the access tokens of Katana if the options ask for them
// (OAuthBearerAuthenticationMiddleware).
func (b *siteBuilder) bearer() error {
	if b.of.Bearer == nil {
		b.decideOn(false, "Bearer", 0,
			"not asked for: Katana's access tokens are set up in code, see SiteOptions.Credentials")
		return nil
	}
	codec, err := sessiontoken.NewKatanaCodec(b.site.keys, sessiontoken.AccessToken("Bearer"),
		&sessiontoken.KatanaOptions{Lifetime: b.of.Bearer.Lifetime, Now: b.o.Now})
	if err != nil {
		return err
	}
	b.site.Accept(From(KindBearer, ""), codec)
	b.accept("Bearer", 0, "header Authorization, by the options")
	return nil
}

// cora decides on the session of Cora SeQuence.
func (b *siteBuilder) cora() error {
	c := b.of.SQSession
	if c == nil {
		return nil
	}
	if c.Name != "" {
		sq, err := newSQSession(b.site.keys, c, b.o)
		if err != nil {
			return &machinekey.ConfigError{Code: "invalid_sequence_session",
				Section: "sequence.engine/web/session", Line: c.Line, Err: err}
		}
		b.site.sq = sq
		if s := sq.sessions; s != nil {
			b.site.AcceptSessions(s)
			b.site.sessions = append(b.site.sessions, s)
			b.accept("SQSession", c.Line, "cookie %q of Go nodes, lifetime %s, at most %s", c.Name,
				site.Span(c.Lifetime), site.Span(c.MaxLifetime))
		}
	}
	b.refused("SQSession", c)
	for _, part := range b.of.Locations {
		if part.Enabled != c.On {
			b.decide("SQSession", part.Line,
				"in location %q enabled is %t: keep Handler away from there, or put it there",
				part.Path, part.Enabled)
		}
	}
	return nil
}

// sessions makes the sessions of one cookie, with what the options add, and has
// the guard accept them. A cookie that is never issued, for the reason given or
// as browsers would drop it, is read all the same: the store may know that its
// session was ended.
func (b *siteBuilder) sessions(what string, c *site.Credential, codec sessiontoken.Reader,
	never error) error {
	o := b.o.Sessions
	o.Cookie, o.ChunkSize, o.PersistentLifetime = templateOf(c), c.ChunkSize, c.PersistentLifetime
	o.Sliding, o.MaxLifetime = c.Sliding, c.MaxLifetime
	f, k := frameworkOf(codec)
	s, err := makeSessions(f, k, &o)
	if err != nil {
		return err
	}
	if err := s.probe(); errors.Is(err, ErrInvalidCookie) && c.Kind != KindCore { // .NET writes it, and browsers drop it
		never = cmp.Or(never, err)
	} else if err != nil {
		return err
	}
	b.site.AcceptSessions(s)
	b.site.sessions = append(b.site.sessions, s)
	if s.never = never; never != nil {
		b.decide(what, c.CookieLine, "never issued: %v", never)
		return nil
	}
	secure := fmt.Sprint(o.Cookie.Secure)
	if c.Secure == 0 {
		s.secureAsRequest, secure = true, "as the request"
	}
	sameSite := c.SameSite
	if s.template.SameSite == 0 {
		sameSite = "not set"
	}
	slides := "not renewed"
	if s.slides {
		slides = "renewed in use"
	}
	if o.MaxLifetime > 0 {
		slides += fmt.Sprintf(", at most %s", site.Span(o.MaxLifetime))
	}
	if c.Kind.IsSession() || c.From("ChunkSize").Options {
		slides += fmt.Sprintf(", chunks of %d", o.ChunkSize)
	}
	b.decide(what, c.CookieLine,
		"path %q, domain %q, secure %s, hidden from scripts %t, SameSite %s, %s",
		s.template.Path, s.template.Domain, secure, s.template.HttpOnly, sameSite, slides)
	return nil
}

// templateOf is the cookie of a credential without its value. A SameSite that is
// Unspecified is no attribute.
func templateOf(c *site.Credential) *http.Cookie {
	modes := map[string]http.SameSite{"None": http.SameSiteNoneMode, "Lax": http.SameSiteLaxMode,
		"Strict": http.SameSiteStrictMode}
	return &http.Cookie{Name: c.Name, Path: c.Path, Domain: c.Domain, Secure: c.Secure == On,
		MaxAge: int(c.MaxAge / time.Second), HttpOnly: !c.ScriptAccess,
		SameSite: modes[c.SameSite]}
}

// notes adds what decides on no credential of this package.
func (b *siteBuilder) notes() {
	if c := b.of.HTTPCookies; c.Line != 0 {
		b.decide("httpCookies", c.Line,
			"defaults of other cookies: domain %q, secure %t, hidden from scripts %t, SameSite %s",
			c.Domain, c.RequireSSL, c.HTTPOnly, c.SameSite)
	}
	for _, w := range b.of.Warnings {
		switch w.Code {
		case "no_session_handler", "session_tokens_use_dpapi", "custom_session_handler",
			"custom_cookie_handler",
			"cora_cookie_payload_unknown", "cora_cookie_name_unknown":
			continue // said already
		}
		b.decide("warning", w.Line, "%s", w.Text)
	}
}
