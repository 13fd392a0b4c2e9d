package doctor_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/machinekey"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

const (
	jwt     = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl"
	jwe     = "eyJhbGciOiJSU0EtT0FFUCJ9.a2V5.aXY.Y2lwaGVydGV4dA.dGFn"
	samlXML = `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1" Version="2.0"></samlp:Response>`
	wsFed   = `<t:RequestSecurityTokenResponse xmlns:t="http://schemas.xmlsoap.org/ws/2005/02/trust"></t:RequestSecurityTokenResponse>`
)

// TestForeign pastes what is no credential of .NET Framework, bare and under the name that it has.
func TestForeign(t *testing.T) {
	saml := base64.StdEncoding.EncodeToString([]byte(samlXML))
	state := base64.StdEncoding.EncodeToString(append([]byte("\xff\x01\x0f\x0f"),
		make([]byte, 90)...))
	core := "CfDJ8" + strings.Repeat("Ab3_", 60)
	tests := []struct {
		name, text string // of a cookie or form field; bare without a name
		code, says string
	}{
		{"", jwt, "jwt", "a JSON Web Token"},
		{"token", jwt, "jwt", "The cookie token is a JSON Web Token"},
		{"FedAuth", jwt, "jwt", "a JSON Web Token"},
		{"", jwe, "jwt", "a JSON Web Token"},
		{"", core, "aspnet_core", "ASP.NET Core Data Protection"},
		{".ASPXAUTH", core, "aspnet_core", "ASP.NET Core Data Protection"},
		{"session", core, "aspnet_core", "ASP.NET Core Data Protection"},
		{"", "vhtvd0kn0xmoakntpkyzv2q1", "foreign", "is the id of session state"},
		{"", state, "foreign", "is a view state of Web Forms"},
		{"", url.QueryEscape(state), "foreign", "is a view state of Web Forms"},
		{"__VIEWSTATE", state, "foreign", "The cookie __VIEWSTATE is a view state"},
		{"__VIEWSTATE", base64.StdEncoding.EncodeToString(make([]byte, 96)), "foreign", "is a view state"}, // encrypted
		{"", `<input type="hidden" name="__VIEWSTATE" value="` + state + `" />`, "foreign", "is a view state"},
		{"", saml, "foreign", "the response of an identity provider"},
		{"", url.QueryEscape(saml), "foreign", "the response of an identity provider"},
		{"SAMLResponse", saml, "foreign", "the response of an identity provider"},
		{"", samlXML, "foreign", "the response of an identity provider"},
		{"", wsFed, "foreign", "the response of an identity provider"},
		{"wa", "wsignin1.0&wresult=" + url.QueryEscape(wsFed), "foreign",
			"the response of an identity provider"},
		{"Bearer", "opaque", "foreign", "The bearer token is a token of another kind"},
		{"Bearer", "7c9e6679-7425-40de-944b-e07fc1f90ae7", "foreign", "a token of another kind"},
		{"Bearer", jwt, "jwt", "The bearer token is a JSON Web Token"},
		{"Bearer", core, "aspnet_core", "ASP.NET Core Data Protection"},
	}
	a := fresh(t)
	for _, test := range tests {
		in := doctor.Input{Text: test.text}
		switch test.name {
		case "":
		case "Bearer":
			in = doctor.Input{Request: &http.Request{Header: http.Header{"Authorization": {"Bearer " + test.text}}}}
		default:
			in = header("theme=dark; ASP.NET_SessionId=vhtvd0kn0xmoakntpkyzv2q1; " + test.name +
				"=" + test.text)
		}
		r := doctor.Examine(ctx, []*doctor.Node{a.node(t, "web.config")}, in,
			doctor.Options{Now: now})
		if r.OK || r.Code != test.code || !strings.Contains(r.Finding.Sentence, test.says) ||
			len(r.Credentials) != 1 {
			t.Errorf("%s=%.30s: %d credentials, %s: %s", test.name, test.text, len(r.Credentials),
				r.Code, r.Finding.Sentence)
		}
		if strings.ContainsAny(r.Finding.Sentence+r.Finding.Fix.Text, "{}") ||
			r.Finding.Fix.Text == "" {
			t.Errorf("%s: %+v", test.says, r.Finding)
		}
		if is := doctor.Foreign(test.name, test.text); test.text != "opaque" &&
			!strings.HasPrefix(test.text, "7c9e") &&
			(is == "" || test.code == "foreign" && !strings.Contains(r.Finding.Sentence, is)) {
			t.Errorf("%s=%.30s is %q", test.name, test.text, is)
		}
	}
	for _, text := range []string{a.forms(t), a.session(t, nil, 0), a.katana(t, "Cookies"),
		a.anonymousID(t, machinekey.Framework45, machinekey.ProtectionAll)} {
		if is := doctor.Foreign("", text); is != "" {
			t.Errorf("a credential is %q", is)
		}
	}
}

// TestNoneOfOurs names what a request has in place of a credential, and what keeps browsers from
// sending one under the settings of the file.
func TestNoneOfOurs(t *testing.T) {
	none := func(t *testing.T) site { return fresh(t) }
	tests := []struct {
		name, line string
		site       func(*testing.T) site
		o          doctor.Options
		says, fix  []string
	}{
		{"companions",
			"theme=dark; ASP.NET_SessionId=vhtvd0kn0xmoakntpkyzv2q1; __RequestVerificationToken=" +
				strings.Repeat("Ab3_", 30), none, doctor.Options{},
			[]string{"FedAuth",
				"theme, ASP.NET_SessionId (the id of session state) and __RequestVerificationToken (an anti-forgery token)"},
			[]string{"Login loops", "over plain HTTP"}},
		{"nothing", "", none, doctor.Options{}, []string{"it has no cookie"}, []string{"Login loops"}},
		{"a sign-in of Katana",
			".AspNet.Correlation.Google=abc; ASP.NET_SessionId=vhtvd0kn0xmoakntpkyzv2q1", none,
			doctor.Options{},
			[]string{".AspNet.Correlation.Google (a mark of a sign-in on its way)"},
			[]string{"SystemWebCookieManager"}},
		{"a nonce", "OpenIdConnect.nonce.abc=def", none, doctor.Options{},
			[]string{"OpenIdConnect.nonce.abc (a mark of a sign-in on its way)"},
			[]string{"SystemWebCookieManager"}},
		{"Katana", "a=b", none, doctor.Options{Kind: doctor.Katana},
			[]string{".AspNet.ApplicationCookie"},
			[]string{"SystemWebCookieManager", "over 4096 bytes"}},
		{"Secure", "a=b",
			func(t *testing.T) site { return fresh(t).with(func(s *site) { s.formsMore = ` requireSSL="true"` }) },
			doctor.Options{Kind: doctor.Forms}, nil,
			[]string{"web.config makes it Secure", "over 4096 bytes"}},
		{"SameSite", "a=b", func(t *testing.T) site {
			return fresh(t).with(func(s *site) { s.formsMore = ` cookieSameSite="None"` })
		},
			doctor.Options{Kind: doctor.Forms}, nil, []string{"SameSite=None without Secure"}},
		{"path and host", "a=b", func(t *testing.T) site {
			return fresh(t).with(func(s *site) { s.path, s.cookieMore = "/Shop/", ` domain="example.com"` })
		},
			doctor.Options{}, nil, []string{"its path is /Shop/", "as case counts",
				"only hosts of example.com"}},
	}
	for _, test := range tests {
		test.o.Now = now
		r := doctor.Examine(ctx, []*doctor.Node{test.site(t).node(t, "web.config")},
			header(test.line), test.o)
		for _, says := range test.says {
			if !strings.Contains(r.Finding.Sentence, says) {
				t.Errorf("%s: %q is not in %q", test.name, says, r.Finding.Sentence)
			}
		}
		for _, fix := range test.fix {
			if !strings.Contains(r.Finding.Fix.Text, fix) {
				t.Errorf("%s: %q is not in %q", test.name, fix, r.Finding.Fix.Text)
			}
		}
		if r.Code != "no_cookie" || strings.ContainsAny(r.Finding.Sentence+r.Finding.Fix.Text,
			"{}") {
			t.Errorf("%s: %s: %+v", test.name, r.Code, r.Finding)
		}
	}
	// No setting, no such cause.
	fix := doctor.Examine(ctx, []*doctor.Node{fresh(t).node(t, "web.config")}, header("a=b"),
		doctor.Options{Now: now, Kind: doctor.Forms}).Finding.Fix.Text
	for _, cause := range []string{"makes it Secure", "SameSite=None", "its path is",
		"only hosts of", "SystemWebCookieManager"} {
		if strings.Contains(fix, cause) {
			t.Errorf("%q is in %q", cause, fix)
		}
	}
	// A site without WIF and forms signs in with Katana.
	text := strings.Replace(fresh(t).text(), `mode="Forms"`, `mode="None"`, 1)
	text = text[:strings.Index(text, "<system.identityModel>")] + "</configuration>"
	n := must[*doctor.Node](t)(parse("web.config", strings.NewReader(text)))
	if r := doctor.Examine(ctx, []*doctor.Node{n}, header("OpenIdConnect.nonce.abc=def"),
		doctor.Options{Now: now}); r.Credentials[0].Kind != doctor.Katana {
		t.Errorf("%s: %s", r.Credentials[0].Kind, r.Finding.Sentence)
	}
}

// TestCookieless examines URLs of sites without cookies.
func TestCookieless(t *testing.T) {
	a := fresh(t)
	urlToken := func(hexText string) string { // HttpServerUtility.UrlTokenEncode
		b := must[[]byte](t)(hex.DecodeString(hexText))
		text := base64.URLEncoding.EncodeToString(b)
		n := strings.Count(text, "=")
		return strings.TrimRight(text, "=") + fmt.Sprint(n)
	}
	ticket, other := urlToken(a.forms(t)), urlToken(fresh(t).forms(t))
	id := a.anonymousID(t, machinekey.Framework45, machinekey.ProtectionAll)
	tests := []struct{ uri, code, kinds, says string }{
		{"https://a.example/shop/(F(" + ticket + "))/default.aspx?x=1", doctor.CodeOK, "forms",
			`The cookieless credential in the URL reads for "ann"`},
		{"/shop/(X(1)F(" + ticket + ")S(vhtvd0kn0xmoakntpkyzv2q1))/default.aspx", doctor.CodeOK,
			"forms", "The cookieless"},
		{"/shop/(X(1)A(" + id + ")F(" + ticket + "))/", doctor.CodeOK, "anonymous forms",
			"All 2 credentials are fine: the cookieless"},
		{"GET /(F(" + a.forms(t) + "))/ HTTP/1.1", doctor.CodeOK, "forms", "The cookieless"}, // .NET reads hex too
		{"/(F(" + other + "))/", "unknown_key", "forms", "opens the cookieless credential in the URL"},
		{"/(S(vhtvd0kn0xmoakntpkyzv2q1))/a.aspx", "no_cookie", "fedauth",
			"S(…) in the URL (the id of session state)"},
		{"/a(F)/", "no_cookie", "fedauth", "it has no cookie"},
	}
	for _, test := range tests {
		r := doctor.Examine(ctx, []*doctor.Node{a.node(t, "web.config")},
			doctor.Input{Request: &http.Request{RequestURI: test.uri}}, doctor.Options{Now: now})
		var kinds []string
		for _, c := range r.Credentials {
			kinds = append(kinds, string(c.Kind))
		}
		if r.Code != test.code || strings.Join(kinds, " ") != test.kinds ||
			!strings.Contains(r.Finding.Sentence, test.says) {
			t.Errorf("%.40s: %q, %s: %s", test.uri, kinds, r.Code, r.Finding.Sentence)
		}
	}
	in := header(".ASPXAUTH=" + a.forms(t))
	in.Request.RequestURI = "/(F(" + other + "))/"
	if r := doctor.Examine(ctx, []*doctor.Node{a.node(t, "web.config")}, in,
		doctor.Options{Now: now}); len(r.Credentials) != 2 || r.Code != "unknown_key" {
		t.Errorf("a URL and a cookie: %d credentials, %s", len(r.Credentials), r.Code)
	}
}

// TestDresses writes a session of WIF in every encoding under the name of Cora SeQuence and under
// its own.
func TestDresses(t *testing.T) {
	a := fresh(t)
	text := a.session(t, nil, 0)
	doc := must[[]byte](t)(base64.StdEncoding.DecodeString(text))
	_, rest, _ := strings.Cut(string(doc),
		`<Cookie xmlns="http://schemas.microsoft.com/ws/2006/05/security">`)
	inner, _, _ := strings.Cut(rest, "<")
	sealed := must[[]byte](t)(base64.StdEncoding.DecodeString(inner))
	dresses := map[string]string{
		"hex":                              hex.EncodeToString(doc),
		"base64url":                        strings.TrimRight(base64.URLEncoding.EncodeToString(doc), "="),
		"XML without base64":               string(doc),
		"base64url around its base64":      base64.StdEncoding.EncodeToString([]byte(text)),
		"hex around its base64":            hex.EncodeToString([]byte(text)),
		"base64url without its XML":        inner,
		"hex without its XML":              hex.EncodeToString(sealed),
		"percent-encoded on its way":       url.QueryEscape(text),
		"holds a session of WIF 4.5":       text,
		"whose content is not public, and": strings.Repeat("Ab3_", 40),
		"content is not public":            "7c9e6679-7425-40de-944b-e07fc1f90ae7",
	}
	for how, value := range dresses {
		for _, name := range []string{"SQSession", "SQSessionShop", "FedAuth"} {
			code := "other_dress"
			switch {
			case strings.HasPrefix(how, "percent"):
				code = "url_encoded"
			case name == "FedAuth" && value == text:
				code = doctor.CodeOK
			case name == "FedAuth" && strings.Contains(how, "public"):
				code, how = "other_credential", "does not hold"
			case !strings.Contains(how, "base64") && !strings.Contains(how, "hex"):
				code = "sq_session"
			}
			r := doctor.Examine(ctx, []*doctor.Node{a.node(t, "web.config")},
				header("theme=dark; "+name+"="+strings.ReplaceAll(value, "; ", ";")),
				doctor.Options{Now: now})
			if r.Code != code || code != doctor.CodeOK &&
				!strings.Contains(r.Finding.Sentence, how) || len(r.Credentials) != 1 {
				t.Errorf("%s, %s: %s, want %s: %s", name, how, r.Code, code, r.Finding.Sentence)
			}
			if strings.Contains(how, "public") && name != "FedAuth" &&
				r.Credentials[0].Kind != "sqsession" ||
				code == "other_dress" && r.Credentials[0].Kind != doctor.FedAuth {
				t.Errorf("%s, %s: %s", name, how, r.Credentials[0].Kind)
			}
			noSecrets(t, r, a, doctor.Input{Text: value})
		}
	}
	// In chunks, beside a session that signs in.
	line := strings.Join(cut(t, chunks.WIF, "SQSession9", a.session(t, nil, 60), 2000), "; ")
	if r := doctor.Examine(ctx, []*doctor.Node{a.node(t, "web.config")}, header(line),
		doctor.Options{Now: now}); r.Code != "sq_session" || len(r.Credentials) != 1 {
		t.Errorf("in chunks: %d credentials, %s: %s", len(r.Credentials), r.Code,
			r.Finding.Sentence)
	}
	if r := doctor.Examine(ctx, []*doctor.Node{a.node(t, "web.config")},
		header("SQSession=abc; FedAuth="+text), doctor.Options{Now: now}); !r.OK {
		t.Errorf("beside FedAuth: %s: %s", r.Code, r.Finding.Sentence)
	}
	// Of another key.
	r := doctor.Examine(ctx, []*doctor.Node{fresh(t).node(t, "web.config"),
		a.node(t, "other.config")}, header("SQSession="+dresses["hex without its XML"]),
		doctor.Options{Now: now})
	if v := r.Credentials[0].Verdicts[0].Findings; r.Code != "other_dress" || len(v) < 2 ||
		v[1].Code != "other_key" {
		t.Errorf("of another key: %s, %+v", r.Code, v)
	}
}

// TestSecondCopy sends two cookies of one name of which the second reads, whatever is wrong with the
// first.
func TestSecondCopy(t *testing.T) {
	a := fresh(t)
	good := a.forms(t)
	old := a.formsOf(t, a.ring(t, machinekey.Framework45, doctor.Isolation{}), "",
		now.Add(-time.Hour))
	firsts := map[string]string{"expired": old, "of another key": fresh(t).forms(t),
		"empty": "", "a JWT": jwt, "ASP.NET Core": "CfDJ8" + strings.Repeat("Ab3_", 60),
		"too long": strings.Repeat("AB", 2100), "cut": good[:51],
		"of another mode": a.with(func(s *site) { s.mode = "Framework20SP2" }).forms(t), "a session": a.session(t, nil, 0)}
	for name, first := range firsts {
		for _, nodes := range [][]*doctor.Node{{a.node(t, "web.config")},
			{a.node(t, "web.config"), fresh(t).node(t, "other.config")}} {
			r := doctor.Examine(ctx, nodes, header(".ASPXAUTH="+first+"; .ASPXAUTH="+good),
				doctor.Options{Now: now})
			if r.OK || r.Code != "duplicate_cookie" ||
				!strings.Contains(r.Finding.Sentence, "two cookies named .ASPXAUTH") {
				t.Errorf("%s: %s: %s", name, r.Code, r.Finding.Sentence)
			}
		}
		if r := doctor.Examine(ctx, []*doctor.Node{a.node(t, "web.config")},
			header(".ASPXAUTH="+good+"; .ASPXAUTH="+first), doctor.Options{Now: now}); !r.OK {
			t.Errorf("the second is %s: %s", name, r.Code)
		}
		if r := doctor.Examine(ctx, []*doctor.Node{a.node(t, "web.config")},
			header(".ASPXAUTH="+first+"; .ASPXAUTH="+old), doctor.Options{Now: now}); r.OK ||
			name == "expired" && r.Code != "expired" {
			t.Errorf("neither reads, %s: %s", name, r.Code)
		}
	}
	session := func(at2 time.Time) string {
		return a.session(t, &sessiontoken.SessionOptions{Now: at(at2)}, 0)
	}
	r := doctor.Examine(ctx, []*doctor.Node{a.node(t, "web.config")},
		header("FedAuth="+session(now.Add(-24*time.Hour))+"; FedAuth="+session(now)),
		doctor.Options{Now: now})
	if r.Code != "duplicate_cookie" {
		t.Errorf("sessions: %s", r.Code)
	}
}
