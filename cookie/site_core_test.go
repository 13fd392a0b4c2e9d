package cookie_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/machinekey"
)

// coreSite is a site with a key ring alone.
func coreSite(t testing.TB, o *cookie.SiteOptions, list ...cookie.Credential) (*cookie.Site, error) {
	t.Helper()
	o.Now = on2026
	if o.DataProtection == nil {
		o.DataProtection = freshCoreRing(t, on2026())
	}
	o.Credentials = list
	return cookie.NewSite(machinekey.Config{}, o)
}

// TestCoreSite signs in to a site with a key ring alone, and reads the cookie on
// another node.
func TestCoreSite(t *testing.T) {
	tests := []struct {
		name string
		of   cookie.Credential
		line string // of Set-Cookie, without the value
	}{
		{"defaults", cookie.Credential{}, ".AspNetCore.Cookies=; path=/; samesite=lax; httponly"},
		{"Identity", cookie.Credential{AuthenticationType: "Identity.Application"},
			".AspNetCore.Identity.Application=; path=/; samesite=lax; httponly"},
		{"shared", cookie.Credential{AuthenticationType: "Identity.Application",
			Name: ".AspNet.SharedCookie", Domain: "farm.example", SameSite: "None",
			Secure: cookie.On},
			".AspNet.SharedCookie=; domain=farm.example; path=/; secure; samesite=none; httponly"},
		{"all else", cookie.Credential{AuthenticationType: "my scheme/2", Path: "/app",
			Secure: cookie.Off, ScriptAccess: true, SameSite: "Unspecified", Lifetime: time.Hour},
			".AspNetCore.my%20scheme%2F2=; path=/app"},
		{"max-age", cookie.Credential{MaxAge: 90 * time.Minute},
			".AspNetCore.Cookies=; max-age=5400; path=/; samesite=lax; httponly"},
		{"a small chunk", cookie.Credential{ChunkSize: 200},
			".AspNetCore.Cookies=chunks-3; path=/; samesite=lax; httponly"},
	}
	ring := freshCoreRing(t, on2026())
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.of.Kind = cookie.KindCore
			site, err := coreSite(t, &cookie.SiteOptions{DataProtection: ring}, tt.of)
			if err != nil {
				t.Fatal(err)
			}
			w, r := httptest.NewRecorder(), httptest.NewRequest("GET",
				"http://app.example/app", nil)
			if err := site.Sessions().SignIn(w, r, user("zoe"), nil); err != nil {
				t.Fatal(err)
			}
			set := w.Result().Cookies()
			value := set[0].Value
			if strings.HasPrefix(value, "chunks-") {
				value = ""
			}
			if got := strings.Replace(w.Header()["Set-Cookie"][0], "="+value, "=",
				1); value != "" && got != tt.line ||
				value == "" && w.Header()["Set-Cookie"][0] != tt.line {
				t.Errorf("%s, want %s", got, tt.line)
			}
			other, err := coreSite(t, &cookie.SiteOptions{DataProtection: ring}, tt.of)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range set {
				r.AddCookie(c)
			}
			if status, user := answer(other, r); status != 200 || user != "zoe" {
				t.Errorf("%d %q", status, user)
			}
			if err := other.SignOut(httptest.NewRecorder(), r); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestCoreSiteText pins what is decided, of a ring alone and beside a web.config.
func TestCoreSiteText(t *testing.T) {
	core := []cookie.Credential{
		{Kind: cookie.KindCore, AuthenticationType: "Identity.Application",
			Name: ".AspNet.SharedCookie", ChunkSize: 3000},
		{Kind: cookie.KindBearer, AuthenticationType: "Identity.Bearer"},
	}
	alone, err := coreSite(t, &cookie.SiteOptions{}, core...)
	if err != nil {
		t.Fatal(err)
	}
	const ring = `key ring     application "SharedCookieApp", 1 key, 76692db8-b9c3-446a-937e-c7c07fda25a3 protects`
	const accepted = `Core         accepted: cookie ".AspNet.SharedCookie", scheme "Identity.Application", lifetime 14d, by the options
Core cookie  path "/", domain "", secure as the request, hidden from scripts true, SameSite Lax, renewed in use, chunks of 3000
Core         accepted: header Authorization, scheme "Identity.Bearer", by the options
`
	want := ring + `
FedAuth      not asked for
Forms        not asked for
Katana       not asked for: Katana's cookies are set up in code, see SiteOptions.Credentials
` + accepted + `Bearer       not asked for: Katana's access tokens are set up in code, see SiteOptions.Credentials`
	if alone.String() != want {
		t.Errorf("%s\nwant\n%s", alone, want)
	}
	if alone.Ring() != nil {
		t.Error("machine keys of a ring alone")
	}
	o := cookie.SiteOptions{DataProtection: freshCoreRing(t, on2026()),
		Credentials: core, Now: on2026}
	both, err := loadKnown(siteFile(t, "wif45-fedauth.config"), &o)
	if err != nil {
		t.Fatal(err)
	}
	got := both.String()
	for _, part := range []string{"FedAuth         accepted", "key             "} {
		if !strings.Contains(strings.ReplaceAll(got, "  ", " "),
			strings.ReplaceAll(part, "  ", " ")) {
			t.Errorf("no %q in\n%s", part, got)
		}
	}
	for line := range strings.Lines(ring + "\n" + accepted) {
		if !strings.Contains(strings.Join(strings.Fields(got), " "),
			strings.Join(strings.Fields(line), " ")) {
			t.Errorf("no %q in\n%s", line, got)
		}
	}
}

// TestCoreSiteWithoutKey has the decisions tell a key in force from what nodes fall back on.
func TestCoreSiteWithoutKey(t *testing.T) {
	empty, err := dataprotection.Open(t.Context(), dataprotection.Path(t.TempDir()), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		ring *dataprotection.Ring
		want string
	}{
		{empty, `key ring     no application name, 0 keys, none protects now
warning      nobody can be signed in with the key ring
`},
		{freshCoreRing(t, on2026().AddDate(0, 0, 20)), // which begins in 13 days
			`key ring     application "SharedCookieApp", 1 key, none is in force; ` +
				`nodes that make no keys protect with 76692db8-b9c3-446a-937e-c7c07fda25a3
`},
	} {
		site, err := cookie.NewSite(machinekey.Config{}, &cookie.SiteOptions{DataProtection: tt.ring,
			Credentials: []cookie.Credential{{Kind: cookie.KindCore}}, Now: on2026})
		if err != nil {
			t.Fatal(err)
		}
		if got := site.String(); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s\nwant\n%s", got, tt.want)
		}
		err = site.Health(t.Context())
		if tt.ring == empty && (!errors.Is(err, dataprotection.ErrNoKey) ||
			strings.Contains(err.Error(), "\n")) || tt.ring != empty && err != nil {
			t.Errorf("Health says not once what is wrong: %v", err)
		}
	}
}

// TestCoreSiteRefused wants a word on what is missing or in the wrong place.
func TestCoreSiteRefused(t *testing.T) {
	core := cookie.Credential{Kind: cookie.KindCore}
	with := func(change func(*cookie.Credential)) []cookie.Credential {
		c := core
		change(&c)
		return []cookie.Credential{c}
	}
	tests := []struct {
		name string
		o    cookie.SiteOptions
		list []cookie.Credential
		want string
	}{
		{"nothing asked for", cookie.SiteOptions{}, nil,
			"Core: not asked for: name the scheme in SiteOptions.Credentials"},
		{"name for scheme", cookie.SiteOptions{},
			with(func(c *cookie.Credential) { c.AuthenticationType = ".AspNetCore.Cookies" }),
			`".AspNetCore.Cookies" is the name of a cookie; give the scheme, and the name as Name`},
		{"a name that .NET cannot write", cookie.SiteOptions{},
			with(func(c *cookie.Credential) { c.Name = "a/b" }), "invalid Cookie.Name"},
		{"two of one name", cookie.SiteOptions{}, []cookie.Credential{core, core},
			"two cookies are called .AspNetCore.Cookies"},
		{"a setting of others", cookie.SiteOptions{},
			with(func(c *cookie.Credential) { c.ClockSkew = 1 }), "ClockSkew: it has no effect"},
		{"machine keys beside", cookie.SiteOptions{Older: []string{"web.config"}},
			with(func(*cookie.Credential) {}), "SiteOptions.Older and Next have no effect"},
		{"WIF 1.0", cookie.SiteOptions{}, []cookie.Credential{{Kind: cookie.KindWIF10}},
			"it needs the keys of <machineKey>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := coreSite(t, &tt.o, tt.list...); err == nil ||
				!strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
	if _, err := cookie.NewSite(machinekey.Config{},
		&cookie.SiteOptions{Credentials: []cookie.Credential{core}}); err == nil {
		t.Error("a site without keys")
	}
	_, err := loadKnown(siteFile(t, "wif45-fedauth.config"),
		&cookie.SiteOptions{Credentials: []cookie.Credential{core}})
	if err == nil || errors.Is(err, cookie.ErrNoneAccepted) ||
		!strings.Contains(err.Error(), "needs SiteOptions.DataProtection") {
		t.Errorf("%v", err)
	}
}
