package cookie

import (
	"net/http"
	"strings"

	"github.com/webfarm-go/webfarm/sessiontoken"
)

// The sources of a .NET site that changed no name. For one that did, there are
// [FromCookie], [FromForms] and [FromKatana].

// FedAuth is the [Source] of the session cookie under its default name
// (SessionAuthenticationModule).
func FedAuth(r *http.Request) (string, error) { return WIF.Join(r, "FedAuth") }

// Forms is the [Source] of the forms authentication ticket under its default
// name (FormsAuthentication.FormsCookieName). It reads the cookie only, not
// the URL of a cookieless site.
func Forms(r *http.Request) (string, error) { return joinForms(r, ".ASPXAUTH") }

// ApplicationCookie is the [Source] of the sign-in of ASP.NET Identity
// (DefaultAuthenticationTypes.ApplicationCookie).
func ApplicationCookie(r *http.Request) (string, error) {
	return joinKatana(r, ".AspNet.ApplicationCookie")
}

// ExternalCookie is the [Source] of what an external provider said of a user
// who is about to sign in (DefaultAuthenticationTypes.ExternalCookie). It is
// no sign-in.
func ExternalCookie(r *http.Request) (string, error) { return joinKatana(r, ".AspNet.ExternalCookie") }

// TwoFactorCookie is the [Source] of a user who gave the first of two factors
// (DefaultAuthenticationTypes.TwoFactorCookie). It is no sign-in.
func TwoFactorCookie(r *http.Request) (string, error) {
	return joinKatana(r, ".AspNet.TwoFactorCookie")
}

// Roles is the [Source] of the cached roles of a user under its default name
// (Roles.CookieName). It is no sign-in.
func Roles(r *http.Request) (string, error) { return joinPresent(r, ".ASPXROLES") }

// AnonymousID is the [Source] of the id of a visitor under its default name
// (AnonymousIdentificationModule). It is no sign-in.
func AnonymousID(r *http.Request) (string, error) { return joinPresent(r, ".ASPXANONYMOUS") }

// KatanaCookie returns the source of the cookie of a Katana middleware with that
// AuthenticationType and no CookieName of its own; see [KatanaCookieName].
func KatanaCookie(authenticationType string) Source {
	return FromKatana(KatanaCookieName(authenticationType))
}

// KatanaCookieName returns the name of the cookie that a Katana middleware
// uses unless its CookieName is set: ".AspNet." and the authentication type
// (CookieAuthenticationOptions). Katana's own default type is "Cookies".
func KatanaCookieName(authenticationType string) string { return ".AspNet." + authenticationType }

// FromKatana returns the source of the cookie of a Katana middleware whose
// CookieName is set. A blank cookie is an absent one.
func FromKatana(name string) Source {
	return func(r *http.Request) (string, error) { return joinKatana(r, name) }
}

// FromForms returns the source of a forms authentication ticket in a cookie of
// another name (<forms name>). As in .NET, a value of less than two characters
// is an absent one.
func FromForms(name string) Source {
	return func(r *http.Request) (string, error) { return joinForms(r, name) }
}

// Bearer is the [Source] of an OAuth access token in the header Authorization
// (OAuthBearerAuthenticationHandler). The word Bearer may be in any case, one
// blank must follow it, and blanks around the token do not count. Another kind
// of authorization is none. A second line of the header makes a token
// malformed ([sessiontoken.ErrInvalid]), as .NET joins the lines.
//
// Shared caches do not keep responses to requests with this header (RFC 9111,
// section 3.5), so Vary: Cookie of a [Guard] is enough.
func Bearer(r *http.Request) (string, error) {
	const prefix = "Bearer "
	lines := r.Header["Authorization"]
	if len(lines) == 0 || !hasPrefixFold(lines[0], prefix) {
		return "", ErrNoCredential
	}
	if len(lines) > 1 {
		return "", sessiontoken.ErrInvalid
	}
	if len(lines[0]) > maxHeader {
		return "", ErrTooLong
	}
	token := strings.TrimSpace(lines[0][len(prefix):])
	switch {
	case token == "":
		return "", ErrNoCredential
	case len(token) > MaxLength:
		return "", ErrTooLong
	}
	return token, nil
}

func joinForms(r *http.Request, name string) (string, error) {
	text, err := Single.Join(r, name)
	if err == nil && len(text) < 2 {
		return "", ErrNoCookie
	}
	return text, err
}

func joinKatana(r *http.Request, name string) (string, error) {
	text, err := Katana.Join(r, name)
	if err == nil && strings.TrimSpace(text) == "" {
		return "", ErrNoCookie
	}
	return text, err
}

// joinPresent is Single.Join that takes an empty cookie for an absent one.
func joinPresent(r *http.Request, name string) (string, error) {
	text, err := Single.Join(r, name)
	if err == nil && text == "" {
		return "", ErrNoCookie
	}
	return text, err
}
