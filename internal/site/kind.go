package site

// Kind is one kind of credential, by the word that flags, options and reports
// use.
type Kind string

// The kinds.
const (
	FedAuth   Kind = "fedauth"   // session of WIF 4.5
	WIF10     Kind = "wif10"     // session of WIF 1.0
	Forms     Kind = "forms"     // .ASPXAUTH
	Roles     Kind = "roles"     // .ASPXROLES
	Anonymous Kind = "anonymous" // .ASPXANONYMOUS
	Katana    Kind = "katana"    // .AspNet.*
	Core      Kind = "core"      // .AspNetCore.*
	Bearer    Kind = "bearer"    // OAuth access token
	Refresh   Kind = "refresh"   // OAuth refresh token
	AuthCode  Kind = "code"      // OAuth authorization code
	State     Kind = "state"     // of a remote sign-in, no credential
	SQSession Kind = "sqsession" // of Cora SeQuence

	// What else ASP.NET Core protects. Tokens of AddBearerToken are tickets, the
	// last three sign nobody in.
	CoreBearer  Kind = "corebearer"
	CoreRefresh Kind = "corerefresh"
	CoreSession Kind = "coresession" // .AspNetCore.Session
	Antiforgery Kind = "antiforgery" // .AspNetCore.Antiforgery.*, and in forms
	Protected   Kind = "protected"   // by whatever purposes
)

// Scheme is how cookies carry a text that may be too long for one.
type Scheme int

// The schemes, in the order of the constants of chunks.Scheme.
const (
	SchemeNone   Scheme = iota - 1 // no cookie carries it
	SchemeWIF                      // name, name1, name2, …
	SchemeSingle                   // one cookie of any length
	SchemeKatana                   // name=chunks:N, nameC1, nameC2, …
	_                              // the same on IIS
	SchemeCore                     // name=chunks-N, nameC1, nameC2, …
)

type kindInfo struct {
	kind   Kind
	text   string // with its article
	plural string
	long   string // for a heading
	name   string // of the cookie unless the site says another
	scheme Scheme
}

var kinds = []kindInfo{
	{FedAuth, "a session of WIF 4.5", "sessions of WIF", "session of WIF 4.5 (FedAuth)", "FedAuth", SchemeWIF},
	{WIF10, "a session of WIF 1.0", "sessions of WIF", "session of WIF 1.0 (FedAuth)", "FedAuth", SchemeWIF},
	{Forms, "a forms authentication ticket", "forms tickets",
		"forms authentication ticket (.ASPXAUTH)", ".ASPXAUTH", SchemeSingle},
	{Roles, "a role cookie", "role cookies", "cached roles (.ASPXROLES), the envelope only",
		".ASPXROLES", SchemeSingle},
	{Anonymous, "an anonymous id", "anonymous ids", "anonymous id (.ASPXANONYMOUS)",
		".ASPXANONYMOUS", SchemeSingle},
	{Katana, "a Katana cookie", "Katana cookies",
		"cookie of Katana or ASP.NET Identity (.AspNet.*)", "", SchemeKatana},
	{Core, "a cookie of ASP.NET Core", "cookies of ASP.NET Core",
		"cookie of ASP.NET Core (.AspNetCore.*)", "", SchemeCore},
	{Bearer, "an OAuth access token", "access tokens", "OAuth access token (Authorization: Bearer)",
		"", SchemeNone},
	{Refresh, "an OAuth refresh token", "refresh tokens", "OAuth refresh token", "", SchemeNone},
	{AuthCode, "an OAuth authorization code", "authorization codes", "OAuth authorization code",
		"", SchemeNone},
	{State, "the state of a remote sign-in", "states", "state of a remote sign-in of Katana", "", SchemeNone},
	{CoreBearer, "an access token of ASP.NET Core", "access tokens of ASP.NET Core",
		"access token of ASP.NET Core (AddBearerToken)", "", SchemeNone},
	{CoreRefresh, "a refresh token of ASP.NET Core", "refresh tokens of ASP.NET Core",
		"refresh token of ASP.NET Core (AddBearerToken)", "", SchemeNone},
	{CoreSession, "the key of a session of ASP.NET Core", "keys of sessions",
		"key of a session of ASP.NET Core (.AspNetCore.Session)",
		".AspNetCore.Session", SchemeSingle},
	{Antiforgery, "an antiforgery token", "antiforgery tokens",
		"antiforgery token of ASP.NET Core (.AspNetCore.Antiforgery.*)",
		".AspNetCore.Antiforgery.*", SchemeSingle},
	{Protected, "a payload of Data Protection", "payloads of Data Protection",
		"payload of ASP.NET Core Data Protection", "", SchemeNone},
	{SQSession, "a session of Cora SeQuence", "sessions of Cora SeQuence",
		"session of Cora SeQuence (SQSession…)", "SQSession", SchemeWIF},
}

// info returns the row of k, and that of no kind for another text.
func (k Kind) info() kindInfo {
	for _, i := range kinds {
		if i.kind == k {
			return i
		}
	}
	return kindInfo{kind: k, text: "a credential", plural: "credentials", long: string(k),
		scheme: SchemeSingle}
}

// String says in words what k is, with the article.
func (k Kind) String() string { return k.info().text }

// Plural is String for several.
func (k Kind) Plural() string { return k.info().plural }

// Long is String for a heading: no article, and where it is found.
func (k Kind) Long() string { return k.info().long }

// Scheme is how cookies carry k.
func (k Kind) Scheme() Scheme { return k.info().scheme }

// IsSession reports whether k is a session of Windows Identity Foundation.
func (k Kind) IsSession() bool { return k == FedAuth || k == WIF10 }

// IsKatana reports whether k is a ticket of Katana.
func (k Kind) IsKatana() bool {
	return k == Katana || k == Bearer || k == Refresh || k == AuthCode
}

// IsCore reports whether ASP.NET Core protects k, with a key ring.
func (k Kind) IsCore() bool {
	switch k {
	case Core, CoreBearer, CoreRefresh, CoreSession, Antiforgery, Protected:
		return true
	}
	return false
}

// IsModal reports whether the compatibility mode decides how k is protected.
func (k Kind) IsModal() bool { return k == Forms || k == Roles || k == Anonymous }
