package cookie

import (
	"time"

	"github.com/webfarm-go/webfarm/internal/site"
)

// Kind is one kind of credential.
type Kind = site.Kind

// The kinds that a site can accept, and two that sign nobody in; see [From].
const (
	KindFedAuth   = site.FedAuth   // session of WIF 4.5
	KindWIF10     = site.WIF10     // session of WIF 1.0
	KindForms     = site.Forms     // forms authentication ticket
	KindKatana    = site.Katana    // cookie of CookieAuthenticationMiddleware
	KindCore      = site.Core      // cookie of ASP.NET Core
	KindBearer    = site.Bearer    // access token in the header Authorization
	KindSQSession = site.SQSession // of Cora SeQuence
	KindRoles     = site.Roles     // cached roles: no sign-in
	KindAnonymous = site.Anonymous // id of a visitor: no sign-in
)

// Toggle is a choice that may be left out: zero leaves it to the file, or to
// .NET.
type Toggle = site.Toggle

// The values of a [Toggle].
const (
	On  = site.On
	Off = site.Off
)

// Credential is what a site says in Go about one credential. A zero field says
// nothing: the web.config decides, or the default of .NET. A field that has no
// effect for the kind is an error that says what has.
//
//	             FedAuth      forms      Katana          Core                SQSession
//	Name         FedAuth      .ASPXAUTH  .AspNet.TYPE    .AspNetCore.SCHEME  SQSession…
//	Path         of the app   /          /               /                   /
//	Secure       On           Off        as the request  as the request      Off
//	SameSite     Unspecified  Lax        Unspecified     Lax                 Unspecified
//	ChunkSize    2000         –          4090            4050                –
//	Lifetime     10 h         30 min     14 days         14 days             20 min
//	MaxLifetime  none         none       none            none                1440 min
//	Sliding      Off          On         On              On                  always
//	ClockSkew    5 min        –          –               –                   –
type Credential struct {
	// Kind is needed.
	Kind Kind
	// Name is the name of the cookie (CookieName). That of SQSession is the whole
	// name, such as SQSessionFlowtime, or SQSession_123456 of versions before 9.3.
	Name string
	// AuthenticationType is that of Katana's middleware, such as
	// "ApplicationCookie" of ASP.NET Identity. It is needed for KindKatana, and is
	// not the name of a cookie. For KindCore it is the authentication scheme:
	// "Cookies" if empty, "Identity.Application" with ASP.NET Core Identity. With
	// KindBearer it asks for the tokens of AddBearerToken of that scheme, such as
	// "BearerToken" or "Identity.Bearer".
	AuthenticationType string
	// Path is that of the cookie. A session token must name it, unless neither
	// this nor the file says one: then it is that of the application, which is not
	// known, and any is accepted.
	Path string
	// Domain is that of the cookie.
	Domain string
	// Secure has browsers send the cookie by TLS only.
	Secure Toggle
	// ScriptAccess shows the cookie to scripts (hideFromScript="false",
	// CookieHttpOnly = false).
	ScriptAccess bool
	// SameSite is None, Lax, Strict, or Unspecified for a cookie without it.
	SameSite string
	// ChunkSize is SessionsOptions.ChunkSize for this credential.
	ChunkSize int
	// ClockSkew widens the validity of session tokens; -1 is none.
	ClockSkew time.Duration
	// Lifetime is that of one ticket (timeout, ExpireTimeSpan, lifetime of
	// <sessionTokenRequirement>).
	Lifetime time.Duration
	// MaxLifetime is SessionsOptions.MaxLifetime for this credential; -1 is none,
	// for SQSession.
	MaxLifetime time.Duration
	// PersistentLifetime is SessionsOptions.PersistentLifetime.
	PersistentLifetime time.Duration
	// MaxAge is Cookie.MaxAge of ASP.NET Core, in whole seconds: each cookie has it,
	// also one that is not persistent. Zero is none.
	MaxAge time.Duration
	// Sliding is SessionsOptions.Sliding for this credential.
	Sliding Toggle
	// Opaque leaves the value of SQSession to the product; see [SQSession].
	Opaque bool
	// NoReuse is reuseSession="false" of SQSession: a user who signs in ends his
	// older sessions. It needs SessionsOptions.Store. With a Store and without
	// NoReuse, all browsers of a user share one session of the application: what
	// the last sign-in says of the user holds for all, MaxLifetime begins anew with
	// it, and sign-out in one ends it in all; until then a stolen cookie lives on.
	// Users are told apart by the name, without regard to the case of ASCII
	// letters, and its issuers. Without a Store each browser has its own session.
	NoReuse bool
	// CacheMaxSize bounds the sessions of SQSession in memory in front of the
	// Store, 0 means no bound but that of [sessiontoken.MemoryOptions] in bytes.
	// CacheItemFade is how long one that is not used stays there, 10 minutes if
	// zero.
	CacheMaxSize  int
	CacheItemFade time.Duration
}

// options are the settings of a site for package site.
func (o *SiteOptions) options() *site.Options {
	list := []site.Settings{{Sliding: o.Sessions.Sliding, MaxLifetime: o.Sessions.MaxLifetime}}
	for _, c := range o.Credentials {
		list = append(list, site.Settings(c))
	}
	so := &site.Options{Credentials: list}
	if o.DataProtection != nil {
		so.Ring = &site.Ring{ApplicationName: o.DataProtection.Traits().ApplicationName}
	}
	return so
}
