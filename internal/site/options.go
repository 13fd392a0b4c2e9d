package site

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/webfarm-go/webfarm/internal/webconfig"
)

// finish applies what is said in Go.
func (s *Site) finish(o *Options) error {
	if o == nil {
		o = new(Options)
	}
	for _, said := range o.Credentials {
		if err := said.check(); err != nil {
			return err
		}
		if said.Kind == "" {
			s.every = append(s.every, said)
		}
	}
	s.Session.applyAll(s.every)
	s.Forms.applyAll(s.every)
	for _, said := range o.Credentials {
		if said.Kind != "" {
			if err := s.ask(said); err != nil {
				return err
			}
		}
	}
	for _, c := range []*Credential{s.Session, s.Forms} {
		if c.Refused == "" && s.Key.Fault != nil && s.Key.OnRing && !s.OnRing(c.Kind) {
			c.refuse(s.Key.Fault.Line, "it needs the keys of <machineKey>: %v", s.Key.Fault)
		}
	}
	s.refuseRemoved(s.Forms, webconfig.FormsModule, s.formsRemoved)
	s.refuseRemoved(s.Session, webconfig.SessionModule, s.sessionRemoved)
	s.suppressSameSite()
	if c := s.SQSession; c != nil && c.Refused == "" {
		switch {
		case !c.On:
			c.refuse(c.Line, "enabled is false")
		case c.Opaque:
			c.refuse(c.Line, "cookie %q can be passed on but not read", c.Name)
		}
	}
	return nil
}

// refuseRemoved refuses a credential whose module is removed on that line,
// unless Options ask for it.
func (s *Site) refuseRemoved(c *Credential, module string, line int) {
	if line > 0 && c.On && !c.Asked && c.Refused == "" {
		c.refuse(line, "<modules> removes %s, so that .NET reads no such cookie", module)
	}
}

// suppressSameSite leaves out the SameSite=None of the file where <appSettings>
// says so (HttpCookie.GetSetCookieHeader).
func (s *Site) suppressSameSite() {
	suppress := s.AppSettings.Switch(webconfig.SuppressSameSiteNone)
	line := suppress.Line
	if suppress.File != "" {
		line = s.AppSettings.Line
	}
	for _, c := range s.Credentials() {
		if suppress.On && c.SameSite == "None" && !c.from["SameSite"].Options {
			c.apply(Source{Line: line}, Settings{SameSite: "Unspecified"})
		}
	}
}

func (c *Credential) applyAll(list []Settings) {
	for _, said := range list {
		c.apply(Source{Options: true}, said)
	}
}

// ask has the site accept the credential of one kind, with what is said of it.
func (s *Site) ask(said Settings) error {
	bad := func(option, text string) error { return &OptionError{said.Kind, option, text} }
	var c *Credential
	switch k := said.Kind; k {
	case FedAuth, WIF10:
		if c = s.Session; c.Kind != k && c.On {
			return bad("", "the web.config has "+c.Kind.String())
		}
		if c.Kind != k || !c.On {
			c = newCredential(k)
			c.inherit(s.HTTPCookies)
			c.applyAll(s.every)
			s.refuseSession(c, "", 0)
			s.Session = c
		}
	case Forms, Roles, Anonymous:
		if c = s.Of(k, ""); k == Forms && !c.On {
			c.Refused = ""
		}
	case Katana:
		c = s.middleware(said)
		if slices.ContainsFunc(s.Katana,
			func(other *Credential) bool { return other.Name == c.Name }) {
			return bad("Name", "two cookies are called "+c.Name)
		}
		s.Katana = append(s.Katana, c)
	case Core:
		c = s.middleware(said)
		if slices.ContainsFunc(slices.Concat(s.Katana, s.Core),
			func(other *Credential) bool { return strings.EqualFold(other.Name, c.Name) }) {
			return bad("Name", "two cookies are called "+c.Name)
		}
		s.Core = append(s.Core, c)
	case Bearer:
		if said.AuthenticationType != "" { // of ASP.NET Core
			c = newCredential(k)
			c.Lifetime = time.Hour
			s.Core = append(s.Core, c)
			break
		}
		c = cmp.Or(s.Bearer, newCredential(k))
		s.Bearer = c
	case SQSession:
		if c = s.SQSession; c == nil {
			c = newCredential(k)
			s.SQSession = c
		}
		if said.Name != "" {
			c.Refused = ""
		} else if c.Name == "" && c.Line == 0 {
			return bad("Name",
				"it is missing: SQSession and the name of the application, such as SQSessionFlowtime")
		}
		c.Opaque = said.Opaque
		c.On = c.On || c.Line == 0
	default:
		return noSignIn(k)
	}
	if c.Asked && c.Kind != Katana && c.Kind != Core {
		return bad("", "it is there twice")
	}
	c.On, c.Asked = c.On || c.Kind != SQSession, true
	c.apply(Source{Options: true}, said)
	return nil
}

// middleware returns the credential of a cookie middleware of Katana
// (CookieAuthenticationMiddleware), or of ASP.NET Core
// (CookieAuthenticationHandler), for which nothing of a web.config counts.
func (s *Site) middleware(said Settings) *Credential {
	c := newCredential(said.Kind)
	if said.Kind == Core {
		c.AuthenticationType = DefaultScheme
		c.Name = CoreName(cmp.Or(said.AuthenticationType, DefaultScheme))
	} else {
		c.Name = KatanaPrefix + said.AuthenticationType
		c.inherit(s.HTTPCookies)
	}
	c.applyAll(s.every)
	c.apply(Source{Options: true}, said)
	return c
}
