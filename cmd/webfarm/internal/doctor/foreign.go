package doctor

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/payload"
	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/internal/site"
)

// foreigner is something in requests that is no credential of .NET Framework.
type foreigner struct {
	id    string                 // of its section in findings.txt
	names []string               // in the names of its cookies or form fields, in lower case
	value func(text string) bool // nil if only the name tells
}

var foreigners = []foreigner{
	{"foreign/handshake", []string{strings.ToLower(site.CorrelationPrefix),
		".aspnetcore.correlation.", "openidconnect.nonce."}, nil},
	{"foreign/anti_forgery", []string{"__requestverificationtoken", ".aspnetcore.antiforgery."}, nil},
	{"foreign/session_state", []string{"asp.net_sessionid"}, isSessionID},
	{"aspnet_core", nil, isCore},
	{"jwt", nil, isJWT},
	{"foreign/view_state", []string{"__viewstate"}, isViewState},
	{"foreign/sign_in_response", []string{"samlresponse", "wresult"}, isSignInResponse},
}

// foreign returns the section of what a text is, by the name beside it and its value, empty if
// unknown.
func foreign(name, text string) string {
	name, text = strings.ToLower(name), strings.TrimSpace(text)
	in := func(part string) bool { return strings.Contains(name, part) }
	for _, f := range foreigners {
		if slices.ContainsFunc(f.names, in) || f.value != nil && f.value(text) {
			return f.id
		}
	}
	return ""
}

// isCompanion reports whether a cookie of that name is set beside credentials.
func isCompanion(name string) bool {
	return slices.Contains([]string{"foreign/handshake", "foreign/anti_forgery",
		"foreign/session_state"}, foreign(name, ""))
}

// Foreign says what a text is that no machine key opens, empty if it may be a credential.
func Foreign(name, text string) string { return findings[foreign(name, text)].Text("is") }

func isCore(text string) bool { return payload.Begins(text) || strings.HasPrefix(text, "chunks-") }

// isJWT reports whether a text is a signed token in three parts or an encrypted one in five.
func isJWT(text string) bool {
	dots := strings.Count(text, ".")
	return strings.HasPrefix(text, "eyJ") && (dots == 2 || dots == 4) // base64url of {"
}

// isSessionID reports whether a text is an id of SessionIDManager: 120 bits in 24 characters.
func isSessionID(text string) bool {
	return len(text) == 24 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz012345") == ""
}

// isViewState reports whether a text is the output of LosFormatter, which begins with FF 01. An
// encrypted one shows it by its name only.
func isViewState(text string) bool {
	head := strings.Replace(text[:min(len(text), 8)], "%2F", "/", 1)
	return len(head) > 2 && head[:2] == "/w" && strings.Contains("EFGH", head[2:3]) ||
		strings.Contains(text, "__VIEWSTATE")
}

// isSignInResponse reports whether a text is a response of SAML or WS-Federation, as XML or in
// base64.
func isSignInResponse(text string) bool {
	if plain, err := url.QueryUnescape(text); err == nil && strings.Contains(text, "%") {
		text = plain
	}
	doc := []byte(text[:min(len(text), 4096)])
	if b, err := base64.StdEncoding.DecodeString(upTo(string(doc))); err == nil &&
		len(b) > 0 && b[0] == '<' {
		doc = b
	}
	return bytes.Contains(doc, []byte("RequestSecurityTokenResponse")) ||
		bytes.Contains(doc, []byte("urn:oasis:names:tc:SAML:")) &&
			bytes.Contains(doc, []byte("Response"))
}

// InURL is a part of a URL in which ASP.NET carries what has no cookie (CookielessHelperClass):
//
//	/shop/(X(1)S(session state)A(anonymous id)F(forms ticket))/default.aspx
type InURL struct {
	Kind Kind // Forms or Anonymous
	Text string
}

var (
	urlParts = regexp.MustCompile(`/\(((?:[A-Z]\([^()]*\))+)\)`)
	urlPart  = regexp.MustCompile(`([A-Z])\(([^()]*)\)`)
)

// Cookieless returns the part of a text that urlParts finds, empty for none.
func Cookieless(text string) string { return urlParts.FindString(text) }

// CredentialsInURL returns the cookieless credentials in the URL of a request.
func CredentialsInURL(r *http.Request) (list []InURL) {
	for _, part := range urlPart.FindAllStringSubmatch(Cookieless(r.RequestURI), 8) {
		switch part[1] {
		case "F":
			list = append(list, InURL{Forms, part[2]})
		case "A":
			list = append(list, InURL{Anonymous, part[2]})
		}
	}
	return list
}

// Others says what a request carries, for the case that it lacks what is looked for: names, and in
// parentheses what they are known for.
func Others(r *http.Request) []string {
	const enough = 20
	var list []string
	for _, name := range cookieNames(r) {
		if len(list) == enough {
			break
		}
		value, _ := chunks.Single.Join(r, name)
		if is := Foreign(name, value); is != "" {
			name = fmt.Sprintf("%s (%s)", name, is)
		}
		list = append(list, name)
	}
	if strings.Contains(Cookieless(r.RequestURI), "S(") {
		list = append(list, "S(…) in the URL ("+findings["foreign/session_state"].Text("is")+")")
	}
	for _, line := range r.Header["Authorization"] {
		if scheme, _, ok := strings.Cut(line, " "); ok && len(scheme) <= len("AWS4-HMAC-SHA256") { // no token
			list = append(list, "Authorization: "+scheme)
		}
	}
	return list
}

// dress is a session of WIF that is not written as .NET writes it: its text as .NET would write it,
// and how it is written.
type dress struct{ text, how string }

// undress returns what may be a session of WIF in another encoding. Bytes without an envelope get
// one, for their signature to be checked.
func undress(text string) (list []dress) {
	text = strings.TrimSpace(text)
	if readEnvelope([]byte(text)).cookie != nil {
		return []dress{{base64.StdEncoding.EncodeToString([]byte(text)), "XML without base64"}}
	}
	if strings.Contains(strings.TrimRight(text, "="), "=") { // two texts joined
		return nil
	}
	for _, c := range carriers(text) {
		inner, err := decodeBase64(string(c.data))
		switch {
		case c.shape == shapeSession: // and that alone
			return nil
		case readEnvelope(c.data).cookie != nil:
			list = append(list, dress{base64.StdEncoding.EncodeToString(c.data), string(c.shape)})
		case err == nil && readEnvelope(inner).cookie != nil:
			list = append(list, dress{string(c.data), string(c.shape) + " around its base64"})
		default:
			list = append(list, dress{wrap(c.data), string(c.shape) + withoutXML})
		}
	}
	return list
}

// Dress says in which encoding a text is a session of WIF, empty for none but .NET's.
func Dress(text string) string {
	for _, d := range undress(text) {
		if !strings.HasSuffix(d.how, withoutXML) {
			return d.how
		}
	}
	return ""
}

const withoutXML = " without its XML"

// wrap puts the envelope of a session around protected bytes.
func wrap(sealed []byte) string {
	return base64.StdEncoding.EncodeToString([]byte(`<SecurityContextToken p1:Id="_1" xmlns:p1="http://docs.oasis-open.org` +
		`/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd" xmlns="http://docs.oasis-open.org/ws-sx/` +
		`ws-secureconversation/200512"><Identifier>urn:uuid:1</Identifier><Cookie xmlns="http://schemas.` +
		`microsoft.com/ws/2006/05/security">` + base64.StdEncoding.EncodeToString(sealed) +
		`</Cookie></SecurityContextToken>`))
}
