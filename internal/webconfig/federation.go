package webconfig

import "time"

// Federation says how the site signs users in and in which cookie it keeps
// their session, with all defaults filled in:
//
//	4.5   <system.identityModel.services><federationConfiguration>
//	1.0   <microsoft.identityModel><service><federatedAuthentication>
type Federation struct {
	// CookieHandler is always there.
	CookieHandler CookieHandler
	// WSFederation is nil if the site does not sign in by WS-Federation.
	WSFederation *WSFederation
	// Line is the line of the element, 0 if there is none.
	Line int
}

// CookieHandler is <cookieHandler>: the cookie of the session
// (System.IdentityModel.Services.CookieHandler).
type CookieHandler struct {
	// Name is the name of the cookie and the beginning of its chunks' names.
	Name string
	// Path is the path of the cookie. Empty means the application's virtual
	// path, which the file does not know.
	Path string
	// Mode is one of Default, Chunked (the same) and Custom.
	Mode string
	// Domain is the domain of the cookie, empty for none.
	Domain string
	// HideFromScript makes the cookie HttpOnly.
	HideFromScript bool
	// RequireSSL makes the cookie Secure. For WIF 1.0 it is false if
	// RequireSSLUnset, and doubtful.
	RequireSSL bool
	// RequireSSLUnset reports that the file does not say, for WIF 1.0, whose
	// default is not documented.
	RequireSSLUnset bool
	// PersistentLifetime is how long browsers keep the cookie of a persistent
	// sign-in, at most 365 days. Zero means until they are closed.
	PersistentLifetime time.Duration
	// ChunkSize is the number of characters in a chunk, at least 1000.
	ChunkSize int
	// CustomType is the class of <customCookieHandler>, for Mode Custom.
	CustomType string
	// Line is the line of the element, 0 if there is none.
	Line int
}

// WSFederation is <wsFederation>, as far as it matters for who may issue
// tokens and which cookies are written.
type WSFederation struct {
	// Issuer is the page to sign in at, Realm the site's own name, Reply the
	// page to return to.
	Issuer, Realm, Reply string
	// PassiveRedirectEnabled sends users without a session to the issuer.
	PassiveRedirectEnabled bool
	// PersistentCookies writes persistent cookies after such a redirect
	// (persistentCookiesOnPassiveRedirects).
	PersistentCookies bool
	// RequireHTTPS refuses an issuer without TLS.
	RequireHTTPS bool
	// Line is the line of the element.
	Line int
}

// Bounds of <cookieHandler>.
const (
	defaultChunkSize   = 2000
	minChunkSize       = 1000
	maxPersistentHours = 365 * 24
)

// readFederation reads <cookieHandler> and <wsFederation> below s, which may
// be absent.
func readFederation(s *Section, schema string) (*Federation, error) {
	fed := &Federation{Line: lineOf(s)}
	c, err := s.Child("cookieHandler")
	if err != nil {
		return nil, err
	}
	if fed.CookieHandler, err = readCookieHandler(c, schema); err != nil {
		return nil, err
	}
	w, err := s.Child("wsFederation")
	if err != nil || w == nil {
		return fed, err
	}
	fed.WSFederation, err = readWSFederation(w, schema)
	return fed, err
}

func readCookieHandler(s *Section, schema string) (CookieHandler, error) {
	a := s.Attributes()
	h := CookieHandler{
		Name:               a.NonEmpty("name", "FedAuth"),
		Path:               trim(a.Text("path", "")),
		Mode:               a.Enum("mode", "Default", "Default", "Chunked", "Custom"),
		Domain:             trim(a.Text("domain", "")),
		HideFromScript:     a.Bool("hideFromScript", true),
		RequireSSL:         a.Bool("requireSsl", schema == SchemaWIF45),
		PersistentLifetime: a.TimeSpan("persistentSessionLifetime", 0, maxPersistentHours*time.Hour),
		Line:               lineOf(s),
	}
	if _, set := a.Lookup("requireSsl"); !set {
		h.RequireSSLUnset = schema == SchemaWIF10
	}
	if err := a.Done(); err != nil {
		return CookieHandler{}, err
	}
	if err := s.OnlyChildren("chunkedCookieHandler", "customCookieHandler"); err != nil {
		return CookieHandler{}, err
	}
	chunked, err := s.Child("chunkedCookieHandler")
	if err != nil {
		return CookieHandler{}, err
	}
	a = chunked.Attributes()
	h.ChunkSize = a.Int("chunkSize", defaultChunkSize, minChunkSize, CodeInvalidChunkSize)
	if err := a.Done(); err != nil {
		return CookieHandler{}, err
	}
	custom, err := s.Child("customCookieHandler")
	if err != nil {
		return CookieHandler{}, err
	}
	a = custom.Attributes()
	h.CustomType = TypeName(a.Text("type", ""))
	return h, a.DonePartly() // the class may bring attributes of its own
}

func readWSFederation(s *Section, schema string) (*WSFederation, error) {
	a := s.Attributes()
	w := &WSFederation{
		Issuer:                 a.Text("issuer", ""),
		Realm:                  a.Text("realm", ""),
		Reply:                  a.Text("reply", ""),
		PassiveRedirectEnabled: a.Bool("passiveRedirectEnabled", schema == SchemaWIF45),
		PersistentCookies:      a.Bool("persistentCookiesOnPassiveRedirects", false),
		RequireHTTPS:           a.Bool("requireHttps", true),
		Line:                   lineOf(s),
	}
	for _, name := range []string{"homeRealm", "freshness", "authenticationType", "policy", "request", "requestPtr", "resource",
		"signInQueryString", "signOutQueryString", "signOutReply"} {
		a.Lookup(name)
	}
	return w, a.Done()
}

// IdentityAndFederation reads the settings of Windows Identity Foundation, of
// 4.5 if the file has any of its sections and otherwise of 1.0. Both are nil
// for a site without either; if one section is there, the other has its
// defaults.
func (f *File) IdentityAndFederation() (*Identity, *Federation, []Warning, error) {
	model, err := f.Section("system.identityModel")
	if err != nil {
		return nil, nil, nil, err
	}
	services, err := f.Section("system.identityModel.services")
	if err != nil {
		return nil, nil, nil, err
	}
	old, err := f.Section("microsoft.identityModel")
	if err != nil {
		return nil, nil, nil, err
	}
	var (
		id  *Identity
		fed *Federation
		ws  []Warning
	)
	switch {
	case model != nil || services != nil:
		if id, fed, err = f.wif45(services); err == nil && old != nil {
			ws = append(ws, Warning{Code: "identity_model_twice", Line: old.RefLine,
				Text: "<microsoft.identityModel> is there beside <system.identityModel>, which was read"})
		}
	case old != nil:
		id, fed, err = f.identityModel10(old)
	default:
		return nil, nil, nil, nil
	}
	if err != nil {
		return nil, nil, nil, err
	}
	for _, s := range []*Section{model, services, old} {
		if id.Line == 0 {
			id.Line = lineOf(s)
		}
	}
	return id, fed, append(ws, identityWarnings(id, fed)...), nil
}

// wif45 reads both sections of 4.5. The one for federation says which
// configuration of the other applies.
func (f *File) wif45(services *Section) (*Identity, *Federation, error) {
	if err := services.Attributes().Done(); err != nil {
		return nil, nil, err
	}
	c, err := unnamed(services, "federationConfiguration")
	if err != nil {
		return nil, nil, err
	}
	a := c.Attributes()
	a.Lookup("name")
	wanted := a.Text("identityConfigurationName", "")
	if err := a.Done(); err != nil {
		return nil, nil, err
	}
	id, err := f.identityModel45(wanted, c)
	if err != nil {
		return nil, nil, err
	}
	fed, err := readFederation(c, SchemaWIF45)
	return id, fed, err
}

// identityWarnings notes what another machine cannot follow.
func identityWarnings(id *Identity, fed *Federation) []Warning {
	var ws []Warning
	add := func(code string, line int, text string) { ws = append(ws, Warning{code, line, text}) }
	line := id.Session.Line
	if line == 0 {
		line = id.Line
	}
	switch id.Session.Protection {
	case "":
		add("no_session_handler", line, "the handler of session tokens is removed and not replaced: the site has no session cookie")
	case ProtectionDPAPI:
		handler := machineKey45
		if id.Schema == SchemaWIF10 {
			handler = machineKeyThink
		}
		add("session_tokens_use_dpapi", line, "session tokens are protected with DPAPI, so no other machine can read them; want <remove type=\""+
			id.Session.Type+", …\"/> and <add type=\""+handler+", …\"/> in <securityTokenHandlers>")
	case ProtectionCustom:
		add("custom_session_handler", line, "session tokens are handled by "+quote(id.Session.Type)+", a class of the site's own")
	}
	h := fed.CookieHandler
	if h.Mode == "Custom" {
		add("custom_cookie_handler", h.Line, "the session cookie is written by "+quote(h.CustomType)+", a class of the site's own")
	}
	if h.RequireSSLUnset {
		add("require_ssl_not_set", max(h.Line, fed.Line, id.Line), `requireSsl is not set, and its default in WIF 1.0 is not documented, so that some nodes may send the cookie without TLS; want requireSsl="true" in <cookieHandler>`)
	}
	return ws
}
