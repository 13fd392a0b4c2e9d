package sessiontoken

import (
	"errors"
	"slices"
	"time"
)

// Purpose says which credential a [KatanaCodec] or a [CoreCodec] reads and
// writes. It binds the purposes of the keys, so that no other credential can be
// opened, and decides the lifetime of new tickets:
//
//	                     Katana        ASP.NET Core
//	Cookie               14 days       14 days
//	AccessToken          20 minutes    1 hour
//	RefreshToken         20 minutes    14 days
//	AuthorizationCode    5 minutes     –
//	Purposes             14 days       14 days
type Purpose struct {
	use      use
	scheme   string
	purposes []string // of Purposes
}

type use uint8

const (
	useCookie use = iota + 1
	useAccessToken
	useRefreshToken
	useAuthorizationCode
	usePurposes
)

// Cookie is for the cookies of the cookie middleware or handler with the given
// AuthenticationType or scheme, whose case and spaces count. The name of the
// cookie plays no part.
//
// For Katana it is "ApplicationCookie" with ASP.NET Identity (there are also
// "ExternalCookie", "TwoFactorCookie" and "TwoFactorRememberBrowser"), for
// ASP.NET Core "Identity.Application" with ASP.NET Core Identity. It is
// "Cookies" where the site names none.
func Cookie(scheme string) Purpose { return Purpose{use: useCookie, scheme: scheme} }

// AccessToken is for the bearer tokens that the OAuth server of Katana issues,
// whose scheme is "Bearer", or AddBearerToken of ASP.NET Core: "BearerToken"
// where the site names none and "Identity.Bearer" with the endpoints of ASP.NET
// Core Identity.
//
// For Katana the scheme is only the type of an identity that has none. Claims
// without an issuer get "LOCAL AUTHORITY" there. That is what ASP.NET Identity's
// UseOAuthBearerTokens wants: its "Bearer" reader refuses a token with a claim
// of any other issuer.
func AccessToken(scheme string) Purpose { return Purpose{use: useAccessToken, scheme: scheme} }

// RefreshToken is for refresh tokens; for the scheme see [AccessToken]. Sites
// with Katana often set another lifetime, or hand out a random name instead and
// keep the protected text in a database.
func RefreshToken(scheme string) Purpose { return Purpose{use: useRefreshToken, scheme: scheme} }

// AuthorizationCode is for the authorization codes of Katana, with the same
// reservation as for refresh tokens. The caller must see to it that a code is
// used only once.
func AuthorizationCode() Purpose { return Purpose{use: useAuthorizationCode, scheme: "Bearer"} }

// Purposes is for a site that made its own TicketDataFormat with these
// purposes.
func Purposes(purposes ...string) Purpose {
	return Purpose{use: usePurposes, purposes: slices.Clone(purposes)}
}

// ticketRules are what a purpose stands for in one framework.
type ticketRules struct {
	purposes []string
	scheme   string // of an identity that has none (Katana), or of the ticket (ASP.NET Core)
	lifetime time.Duration
	cookie   bool
	restart  bool // new tickets start now, whatever their properties say
}

// First purposes. They are the names of classes, or of the constants in
// PostConfigureCookieAuthenticationOptions and BearerTokenConfigureOptions.
const (
	katanaCookieClass = "Microsoft.Owin.Security.Cookies.CookieAuthenticationMiddleware"
	katanaOAuth       = "Microsoft.Owin.Security.OAuth"
	katanaOAuthServer = "Microsoft.Owin.Security.OAuth.OAuthAuthorizationServerMiddleware"
	coreCookieClass   = "Microsoft.AspNetCore.Authentication.Cookies.CookieAuthenticationMiddleware"
	coreBearerClass   = "Microsoft.AspNetCore.Authentication.BearerToken"
)

// cookieLifetime is the ExpireTimeSpan of both frameworks
// (CookieAuthenticationOptions).
const cookieLifetime = 14 * 24 * time.Hour

var errNoPurpose = errors.New("sessiontoken: a codec needs a purpose, such as Cookie")

// katana returns the rules of Katana. The servers of tokens set the times over
// those that the application gave (OAuthAuthorizationServerOptions).
func (p Purpose) katana() (r ticketRules, err error) {
	switch s := p.scheme; p.use {
	case useCookie:
		r = ticketRules{[]string{katanaCookieClass, s, "v1"}, s, cookieLifetime, true, false}
	case useAccessToken:
		r = ticketRules{[]string{katanaOAuth, "Access_Token", "v1"}, s, 20 * time.Minute, false, true}
	case useRefreshToken:
		r = ticketRules{[]string{katanaOAuth, "Refresh_Token", "v1"}, s, 20 * time.Minute, false, true}
	case useAuthorizationCode:
		r = ticketRules{[]string{katanaOAuthServer, "Authentication_Code", "v1"}, s, 5 * time.Minute,
			false, true}
	case usePurposes:
		r = ticketRules{p.purposes, p.schemeOf(katanaCookieClass, "v1"), cookieLifetime, false, false}
	default:
		err = errNoPurpose
	}
	return r, err
}

// core returns the rules of ASP.NET Core.
func (p Purpose) core() (r ticketRules, err error) {
	switch s := p.scheme; p.use {
	case useCookie:
		r = ticketRules{[]string{coreCookieClass, s, "v2"}, s, cookieLifetime, true, false}
	case useAccessToken:
		r = ticketRules{[]string{coreBearerClass, s, "BearerToken"}, s + ":AccessToken", time.Hour,
			false, false}
	case useRefreshToken:
		r = ticketRules{[]string{coreBearerClass, s, "RefreshToken"}, s + ":RefreshToken",
			cookieLifetime, false, false}
	case useAuthorizationCode:
		err = errors.New("sessiontoken: AuthorizationCode is for Katana; ASP.NET Core has none")
	case usePurposes:
		r = ticketRules{p.purposes, p.schemeOf(coreCookieClass, "v2"), cookieLifetime, true, false}
	default:
		err = errNoPurpose
	}
	return r, err
}

// start returns the properties of a new ticket: those given, and the times that
// are missing. .issued is written where written says so.
func (r *ticketRules) start(given Properties, now time.Time, lifetime time.Duration, written bool) Properties {
	p := slices.Clone(given)
	issued, ok := p.Time(PropertyIssued)
	if !ok || r.restart {
		issued = now
		if written {
			p.SetTime(PropertyIssued, now)
		}
	}
	if _, ok := p.Time(PropertyExpires); !ok || r.restart {
		p.SetTime(PropertyExpires, issued.Add(lifetime))
	}
	return p
}

// schemeOf returns the scheme if the purposes are those of Cookie.
func (p Purpose) schemeOf(class, version string) string {
	if l := p.purposes; len(l) == 3 && l[0] == class && l[2] == version {
		return l[1]
	}
	return ""
}
