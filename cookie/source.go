package cookie

import (
	"net/http"
	"strings"

	"github.com/webfarm-go/webfarm/sessiontoken"
)

// Source takes the text of a credential from a request. It must be safe for
// concurrent use and not change the request.
//
// The error matches [ErrNoCredential] or [http.ErrNoCookie] if the request
// carries none, and [sessiontoken.ErrInvalid] if what it carries is malformed.
// A guard takes any other error for an outage; see [ErrUnavailable]. It refuses
// a text of more than [MaxLength] bytes.
type Source func(*http.Request) (string, error)

// FromCookie returns the source that joins the chunks of the named cookie. As in
// .NET, a blank cookie of Katana and a forms ticket of a single character are
// absent; no ticket is so short. The names and schemes of .NET, unless a site says others, are
//
//	"FedAuth", WIF                      session of WIF (SessionAuthenticationModule)
//	".ASPXAUTH", Single                 forms ticket (FormsAuthentication)
//	".AspNet.TYPE", Katana              Katana middleware of that AuthenticationType:
//	".AspNet.ApplicationCookie"           sign-in of ASP.NET Identity
//	".AspNet.ExternalCookie"              what an external provider said: no sign-in
//	".AspNet.TwoFactorCookie"             the first of two factors: no sign-in
//	".ASPXROLES", Single                cached roles: no sign-in
//	".ASPXANONYMOUS", Single            id of a visitor: no sign-in
func FromCookie(name string, k Chunking) Source {
	return func(r *http.Request) (string, error) {
		text, err := k.Join(r, name)
		if err == nil && k != WIF && isAbsent(text) {
			return "", ErrNoCookie
		}
		return text, err
	}
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
