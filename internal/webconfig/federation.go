package webconfig

import (
	"cmp"
	"time"

	"github.com/webfarm-go/webfarm/internal/secret"
)

// Federation says how the site signs users in and in which cookie it keeps
// their session, with all defaults filled in:
//
//	4.5   <system.identityModel.services><federationConfiguration>
//	1.0   <microsoft.identityModel><service><federatedAuthentication>
type Federation struct {
	CookieHandler CookieHandler // always there
	WSFederation  *WSFederation // nil if the site does not sign in by WS-Federation
	Line          int           // of the element, 0 if there is none
}

// CookieHandler is <cookieHandler>: the cookie of the session
// (System.IdentityModel.Services.CookieHandler).
type CookieHandler struct {
	Name           string // of the cookie; chunks have names that begin with it
	Path           string // empty for the application's virtual path, which the file does not know
	Mode           string // Default, Chunked (the same) or Custom
	Domain         string // of the cookie, empty for none
	HideFromScript bool   // makes the cookie HttpOnly
	// RequireSSL makes the cookie Secure. RequireSSLUnset says that a file of
	// WIF 1.0 leaves it out, whose default is not documented.
	RequireSSL, RequireSSLUnset bool
	// PersistentLifetime is how long browsers keep the cookie of a persistent
	// sign-in, at most 365 days. Zero means until they are closed.
	PersistentLifetime time.Duration
	ChunkSize          int      // characters in a chunk, at least 1000
	CustomType         string   // the class of <customCookieHandler>, for Mode Custom
	Line               int      // of the element, 0 if there is none
	Said               []string // its attributes and those of <chunkedCookieHandler>
}

// WSFederation is <wsFederation>, as far as it matters for who may issue
// tokens and which cookies are written.
type WSFederation struct {
	Issuer, Realm, Reply   string // the page to sign in at, the site's own name, the page to return to
	PassiveRedirectEnabled bool   // sends users without a session to the issuer
	PersistentCookies      bool   // persistentCookiesOnPassiveRedirects
	RequireHTTPS           bool   // refuses an issuer without TLS
	Line                   int    // of the element
}

// readFederation reads <cookieHandler> and <wsFederation> below s.
func readFederation(s *Section, schema string) *Federation {
	fed := &Federation{CookieHandler: readCookieHandler(s.Child("cookieHandler"), schema),
		Line: s.RefLine}
	if w := s.Child("wsFederation"); w.RefLine != 0 {
		fed.WSFederation = readWSFederation(w, schema)
	}
	return fed
}

func readCookieHandler(s *Section, schema string) CookieHandler {
	h := CookieHandler{
		Name:               s.NonEmpty("name", "FedAuth"),
		Path:               trim(s.Text("path", "")),
		Mode:               s.Enum("mode", "Default", "Default", "Chunked", "Custom"),
		Domain:             trim(s.Text("domain", "")),
		HideFromScript:     s.Bool("hideFromScript", true),
		RequireSSL:         s.Bool("requireSsl", schema == SchemaWIF45),
		PersistentLifetime: s.TimeSpan("persistentSessionLifetime", 0, 365*24*time.Hour),
		Line:               s.RefLine,
	}
	_, said := s.Attr("requireSsl")
	h.RequireSSLUnset = !said && schema == SchemaWIF10
	s.Done()
	s.OnlyChildren("chunkedCookieHandler", "customCookieHandler")
	chunked := s.Child("chunkedCookieHandler")
	h.ChunkSize = chunked.Int("chunkSize", 2000, 1000, CodeInvalidChunkSize)
	chunked.Done()
	h.Said = append(s.Said(), chunked.Said()...)
	custom := s.Child("customCookieHandler")
	h.CustomType = TypeName(custom.Text("type", ""))
	custom.DonePartly() // the class may bring attributes of its own
	return h
}

func readWSFederation(s *Section, schema string) *WSFederation {
	w := &WSFederation{
		Issuer:                 s.Text("issuer", ""),
		Realm:                  s.Text("realm", ""),
		Reply:                  s.Text("reply", ""),
		PassiveRedirectEnabled: s.Bool("passiveRedirectEnabled", schema == SchemaWIF45),
		PersistentCookies:      s.Bool("persistentCookiesOnPassiveRedirects", false),
		RequireHTTPS:           s.Bool("requireHttps", true),
		Line:                   s.RefLine,
	}
	s.ignore("homeRealm", "freshness", "authenticationType", "policy", "request",
		"requestPtr", "resource", "signInQueryString", "signOutQueryString", "signOutReply")
	s.Done()
	return w
}

// IdentityAndFederation reads the settings of Windows Identity Foundation: of
// 4.5 if the file has any of its sections, else of 1.0. Both are nil for a site
// without either; if one section is there, the other has its defaults.
func (f *File) IdentityAndFederation() (*Identity, *Federation, []Warning, error) {
	r := &reader{f: f}
	model, services := r.section("system.identityModel"), r.section("system.identityModel.services")
	old := r.section("microsoft.identityModel")
	var id *Identity
	var fed *Federation
	var ws []Warning
	switch {
	case model.RefLine+services.RefLine > 0:
		services.Done()
		c := services.named("federationConfiguration", "")
		c.ignore("name")
		wanted := c.Text("identityConfigurationName", "") // which one of the other section applies
		c.Done()
		id, fed = identityModel45(model, wanted, c), readFederation(c, SchemaWIF45)
		if old.RefLine > 0 {
			ws = append(ws, Warning{"identity_model_twice", old.RefLine,
				"<microsoft.identityModel> is there beside <system.identityModel>, which was read"})
		}
	case old.RefLine > 0:
		id, fed = identityModel10(old)
	}
	if r.err != nil || id == nil {
		return nil, nil, nil, r.err
	}
	id.Line = cmp.Or(id.Line, model.RefLine, services.RefLine, old.RefLine)
	return id, fed, append(ws, identityWarnings(id, fed)...), nil
}

// identityWarnings notes what another machine cannot follow.
func identityWarnings(id *Identity, fed *Federation) []Warning {
	var ws []Warning
	add := func(code string, line int, text string) { ws = append(ws, Warning{code, line, text}) }
	line := cmp.Or(id.Session.Line, id.Line)
	switch id.Session.Protection {
	case "":
		add("no_session_handler", line,
			"the handler of session tokens is removed and not replaced: the site has no session cookie")
	case ProtectionDPAPI:
		handler := machineKey45
		if id.Schema == SchemaWIF10 {
			handler = machineKeyThink
		}
		add("session_tokens_use_dpapi", line,
			"session tokens are protected with DPAPI, so no other machine can read them; "+
				`want <remove type="`+id.Session.Type+`, …"/> and <add type="`+handler+
				`, …"/> in <securityTokenHandlers>`)
	case ProtectionCustom:
		add("custom_session_handler", line,
			"session tokens are handled by "+secret.Quote(id.Session.Type)+
				", a class of the site's own")
	}
	h := fed.CookieHandler
	if h.Mode == "Custom" {
		add("custom_cookie_handler", h.Line,
			"the session cookie is written by "+secret.Quote(h.CustomType)+
				", a class of the site's own")
	}
	if h.RequireSSLUnset {
		add("require_ssl_not_set", max(h.Line, fed.Line, id.Line),
			"requireSsl is not set, and its default in WIF 1.0 "+
				`is not documented, so that some nodes may send the cookie without TLS; want requireSsl="true" in <cookieHandler>`)
	}
	return ws
}
