package site

import (
	"net/url"
	"strings"
)

// Beginnings of cookie names that tell whose they are.
const (
	// A Katana middleware without a CookieName of its own adds its
	// AuthenticationType (CookieAuthenticationMiddleware).
	KatanaPrefix = ".AspNet."
	CorePrefix   = ".AspNetCore."
	// Cookies that begin so hold a number against forged answers and no ticket.
	CorrelationPrefix = ".AspNet.Correlation."
)

// DefaultScheme is the authentication scheme of ASP.NET Core's cookies where an
// application says none (CookieAuthenticationDefaults).
const DefaultScheme = "Cookies"

// DefaultAuthType is that of ASP.NET Identity
// (DefaultAuthenticationTypes.ApplicationCookie).
const DefaultAuthType = "ApplicationCookie"

// ValidName reports whether a cookie of this name can stand in a header.
func ValidName(name string) bool {
	for i := 0; i < len(name); i++ {
		if c := name[i]; c <= ' ' || c >= 0x7f || c == '=' || c == ';' {
			return false
		}
	}
	return name != ""
}

// CoreName returns the name of the cookie of an authentication scheme of ASP.NET
// Core that says no name of its own (PostConfigureCookieAuthenticationOptions).
func CoreName(scheme string) string {
	return CorePrefix + strings.ReplaceAll(url.QueryEscape(scheme), "+", "%20")
}

// KatanaBase returns the name of the cookie of Katana that a cookie is or is a
// chunk of, and false if it is none that holds a ticket.
func KatanaBase(name string) (string, bool) {
	if !strings.HasPrefix(name, KatanaPrefix) || strings.HasPrefix(name, CorrelationPrefix) {
		return "", false
	}
	if base := strings.TrimRight(name, "0123456789"); len(base) < len(name) &&
		strings.HasSuffix(base, "C") {
		name = strings.TrimSuffix(base, "C")
	}
	return name, len(name) > len(KatanaPrefix)
}

// Names are the names of the site's cookies, without names that begin as Katana's
// do.
func (s *Site) Names() []string {
	var names []string
	for _, c := range s.Credentials() {
		if c.Name != "" && !(c.Kind == Katana && strings.HasPrefix(c.Name, KatanaPrefix)) {
			names = append(names, c.Name)
		}
	}
	return names
}

// Accepted are the names of the cookies that the site accepts.
func (s *Site) Accepted() []string {
	var names []string
	for _, c := range s.Credentials() {
		if c.On && c.Refused == "" && c.Name != "" {
			names = append(names, c.Name)
		}
	}
	return names
}

// Named returns the credential in the cookie of that name. The kind of a cookie
// follows from its name, never from trying keys. A cookie that only looks like
// Katana's has a credential with its defaults; of any other name there is none.
// Only Katana minds the case.
func (s *Site) Named(name string) *Credential {
	for _, c := range s.Credentials() {
		if c.Name != "" && (c.Name == name || c.Kind != Katana && strings.EqualFold(c.Name, name)) {
			return c
		}
	}
	if strings.HasPrefix(name, KatanaPrefix) {
		return s.middleware(Settings{Kind: Katana, Name: name, AuthenticationType: s.AuthTypeOf(name, "")})
	}
	return nil
}

// KindOf returns the kind of the cookie of that name, empty if the name does not
// tell, and for SQSession, whose value is not known.
func (s *Site) KindOf(name string) Kind {
	if c := s.Named(name); c != nil && c.Kind != SQSession {
		return c.Kind
	}
	return ""
}

// Of returns the credential of a kind, as the site has it or with its defaults.
// With Katana it is the one of the AuthenticationType; see [Site.AuthTypeOf].
// With Core it is the one of the scheme, or the first.
// FedAuth and WIF10 are one credential, in the site's generation.
func (s *Site) Of(k Kind, authType string) *Credential {
	if k == Katana {
		authType = s.AuthTypeOf("", authType)
	}
	middleware := k == Katana || k == Core
	for _, c := range s.Credentials() {
		if (c.Kind == k || c.Kind.IsSession() && k.IsSession()) &&
			(!middleware || authType == "" || c.AuthenticationType == authType) {
			return c
		}
	}
	if middleware {
		return s.middleware(Settings{Kind: k, AuthenticationType: authType})
	}
	return newCredential(k)
}

// AuthTypeOf returns the AuthenticationType of a cookie of Katana: the given
// one, or what the site or the name tells, or that of the site's first cookie of
// Katana, or that of ASP.NET Identity.
func (s *Site) AuthTypeOf(name, given string) string {
	if given != "" {
		return given
	}
	for _, c := range s.Katana {
		if c.Name == name {
			return c.AuthenticationType
		}
	}
	if rest, ok := strings.CutPrefix(name, KatanaPrefix); ok && strings.TrimSpace(rest) != "" {
		return rest
	}
	if len(s.Katana) > 0 {
		return s.Katana[0].AuthenticationType
	}
	return DefaultAuthType
}

// SignIn returns the kind of a value without a name: that of the site's
// sign-in.
func (s *Site) SignIn() Kind {
	if s.Forms.On && !s.Session.On {
		return Forms
	}
	return s.Session.Kind
}
