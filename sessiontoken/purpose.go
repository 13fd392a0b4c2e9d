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
type Purpose struct{ katana, core ticketRules }

// ticketRules are what a purpose stands for in one framework, if it has it.
type ticketRules struct {
	purposes []string
	scheme   string // of an identity that has none (Katana), or of the ticket (ASP.NET Core)
	lifetime time.Duration
	cookie   bool
	restart  bool // new tickets start now: Katana's servers of tokens set the times themselves
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

// cookieLifetime is the ExpireTimeSpan of both frameworks (CookieAuthenticationOptions).
const cookieLifetime = 14 * 24 * time.Hour

var errNoPurpose = errors.New("sessiontoken: a codec needs a purpose, such as Cookie")

// Cookie is for the cookies of the cookie middleware or handler with the given
// AuthenticationType or scheme, whose case and spaces count. The name of the
// cookie plays no part.
//
// For Katana it is "ApplicationCookie" with ASP.NET Identity (there are also "ExternalCookie",
// "TwoFactorCookie" and "TwoFactorRememberBrowser"), for ASP.NET Core "Identity.Application"
// with ASP.NET Core Identity. It is "Cookies" where the site names none.
func Cookie(scheme string) Purpose {
	return Purpose{
		ticketRules{[]string{katanaCookieClass, scheme, "v1"}, scheme, cookieLifetime, true, false},
		ticketRules{[]string{coreCookieClass, scheme, "v2"}, scheme, cookieLifetime, true, false},
	}
}

// AccessToken is for the bearer tokens that the OAuth server of Katana issues, whose
// scheme is "Bearer", or AddBearerToken of ASP.NET Core: "BearerToken" where the site
// names none and "Identity.Bearer" with the endpoints of ASP.NET Core Identity.
//
// For Katana the scheme is only the type of an identity that has none. Claims without an
// issuer get "LOCAL AUTHORITY" there: the "Bearer" reader of ASP.NET Identity's
// UseOAuthBearerTokens refuses a token with a claim of any other issuer.
func AccessToken(scheme string) Purpose {
	return Purpose{
		ticketRules{[]string{katanaOAuth, "Access_Token", "v1"}, scheme, 20 * time.Minute, false, true},
		ticketRules{[]string{coreBearerClass, scheme, "BearerToken"}, scheme + ":AccessToken",
			time.Hour, false, false},
	}
}

// RefreshToken is for refresh tokens; for the scheme see [AccessToken]. Sites
// with Katana often set another lifetime, or hand out a random name instead and
// keep the protected text in a database.
func RefreshToken(scheme string) Purpose {
	return Purpose{
		ticketRules{[]string{katanaOAuth, "Refresh_Token", "v1"}, scheme, 20 * time.Minute, false, true},
		ticketRules{[]string{coreBearerClass, scheme, "RefreshToken"}, scheme + ":RefreshToken",
			cookieLifetime, false, false},
	}
}

// AuthorizationCode is for the authorization codes of Katana, with the same reservation as for
// refresh tokens. The caller must see to it that a code is used only once.
func AuthorizationCode() Purpose {
	return Purpose{katana: ticketRules{[]string{katanaOAuthServer, "Authentication_Code", "v1"},
		"Bearer", 5 * time.Minute, false, true}}
}

// Purposes is for a site that made its own TicketDataFormat with these purposes.
func Purposes(purposes ...string) Purpose {
	l := slices.Clone(purposes)
	schemeOf := func(class, version string) string { // if they are those of Cookie
		if len(l) == 3 && l[0] == class && l[2] == version {
			return l[1]
		}
		return ""
	}
	return Purpose{
		ticketRules{l, schemeOf(katanaCookieClass, "v1"), cookieLifetime, false, false},
		ticketRules{l, schemeOf(coreCookieClass, "v2"), cookieLifetime, true, false},
	}
}

// start returns the properties of a new ticket: those given, and the times that
// are missing. .issued is left out unless say asks for it.
func (r *ticketRules) start(p Properties, now time.Time, life time.Duration, say bool) Properties {
	p = slices.Clone(p)
	issued, ok := p.Time(PropertyIssued)
	if !ok || r.restart {
		issued = now
		if say {
			p.SetTime(PropertyIssued, now)
		}
	}
	if _, ok := p.Time(PropertyExpires); !ok || r.restart {
		p.SetTime(PropertyExpires, issued.Add(life))
	}
	return p
}
