package cookie

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/site"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// From returns what takes the text of one kind of credential from a request, for
// [Guard.Accept]: of the cookie of that name, or of the name that .NET gives it if
// name is empty.
//
//	              name if empty    what counts as no cookie
//	KindFedAuth   FedAuth          none
//	KindWIF10     FedAuth          none
//	KindForms     .ASPXAUTH        less than two characters
//	KindKatana    –                blanks
//	KindCore      –                an empty one
//	KindSQSession –                none
//	KindRoles     .ASPXROLES       an empty one
//	KindAnonymous .ASPXANONYMOUS   an empty one
//
// A Katana middleware without a CookieName of its own calls its cookie
// ".AspNet." and the authentication type, such as .AspNet.ApplicationCookie.
// Roles and the ids of visitors are no sign-ins, and neither are
// .AspNet.ExternalCookie and .AspNet.TwoFactorCookie of ASP.NET Identity. Forms
// tickets are read from the cookie only, not from the URL of a cookieless site.
//
// KindBearer is an OAuth access token, of Katana or of AddBearerToken, in the header Authorization
// (OAuthBearerAuthenticationHandler), and has no name. The word Bearer may be in
// any case, one blank must follow it, and blanks around the token do not count.
// Another kind of authorization is none. A second line of the header makes a
// token malformed ([sessiontoken.ErrInvalid]), as .NET joins the lines. Shared
// caches do not keep responses to requests with this header (RFC 9111, section
// 3.5), so Vary: Cookie of a [Guard] is enough.
//
// From panics without a name where one is needed, with one for KindBearer, and
// for any other kind.
func From(kind Kind, name string) func(*http.Request) (string, error) {
	scheme, least, byDefault := chunks.Single, 1, ""
	switch kind {
	case KindFedAuth, KindWIF10:
		scheme, least, byDefault = chunks.WIF, 0, "FedAuth"
	case KindSQSession:
		scheme, least = chunks.WIF, 0
	case KindForms:
		least, byDefault = 2, ".ASPXAUTH"
	case KindKatana:
		scheme = chunks.Katana
	case KindCore:
		if scheme = chunks.Core; !strings.HasPrefix(name, site.CorePrefix) {
			scheme = chunks.CoreShared
		}
	case KindRoles:
		byDefault = ".ASPXROLES"
	case KindAnonymous:
		byDefault = ".ASPXANONYMOUS"
	case KindBearer:
		if name == "" {
			return bearer
		}
		panic("cookie: From: a bearer token has no name")
	default:
		panic(fmt.Sprintf("cookie: From: unknown kind %q", kind))
	}
	if name = cmp.Or(name, byDefault); name == "" {
		panic(fmt.Sprintf("cookie: From: %s needs the name of the cookie", kind))
	}
	return func(r *http.Request) (string, error) {
		text, err := scheme.Join(r, name)
		if err == nil && (len(text) < least ||
			kind == KindKatana && strings.TrimSpace(text) == "") {
			return "", chunks.ErrNoCookie
		}
		return text, err
	}
}

// bearer is the source of an access token.
func bearer(r *http.Request) (string, error) {
	const prefix = "Bearer "
	lines := r.Header["Authorization"]
	if len(lines) == 0 || len(lines[0]) < len(prefix) ||
		!strings.EqualFold(lines[0][:len(prefix)], prefix) {
		return "", ErrNoCredential
	}
	if len(lines) > 1 {
		return "", sessiontoken.ErrInvalid
	}
	if len(lines[0]) > chunks.MaxHeader {
		return "", ErrTooLong
	}
	token := strings.TrimSpace(lines[0][len(prefix):])
	switch {
	case token == "":
		return "", ErrNoCredential
	case len(token) > chunks.MaxLength:
		return "", ErrTooLong
	}
	return token, nil
}
