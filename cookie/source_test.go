package cookie_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/chunks"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

func TestFrom(t *testing.T) {
	chunked := func(name string) string {
		return fmt.Sprintf("%[1]s=chunks:2; %[1]sC1=AA; %[1]sC2=AA",
			strings.ReplaceAll(name, " ", "%20"))
	}
	for _, test := range []struct {
		name   string
		source func(*http.Request) (string, error)
		line   string
		want   string
		err    error
	}{
		{"FedAuth", cookie.From(cookie.KindFedAuth, ""), "FedAuth=A; FedAuth1=B", "AB", nil},
		{"Forms", cookie.From(cookie.KindForms, ""), ".ASPXAUTH=AB; .ASPXAUTH1=C", "AB", nil},
		{"Forms", cookie.From(cookie.KindForms, ""), ".aspxauth=AB", "AB", nil},
		{"Forms", cookie.From(cookie.KindForms, ""), ".ASPXAUTH=A", "", chunks.ErrNoCookie},
		{"Forms", cookie.From(cookie.KindForms, ""), ".ASPXAUTH=", "", chunks.ErrNoCookie},
		{"Forms", cookie.From(cookie.KindForms, ""), "a=b", "", chunks.ErrNoCookie},
		{"FromForms", cookie.From(cookie.KindForms, ".SHOPAUTH"), ".SHOPAUTH=AB; .ASPXAUTH=CD", "AB", nil},
		{"FromForms", cookie.From(cookie.KindForms, ".SHOPAUTH"), ".SHOPAUTH=A", "", chunks.ErrNoCookie},
		{"ApplicationCookie", cookie.From(cookie.KindKatana, ".AspNet.ApplicationCookie"),
			chunked(".AspNet.ApplicationCookie"), "AAAA", nil},
		{"ApplicationCookie", cookie.From(cookie.KindKatana, ".AspNet.ApplicationCookie"),
			".AspNet.ApplicationCookie=%20%09", "", chunks.ErrNoCookie},
		{"ApplicationCookie", cookie.From(cookie.KindKatana, ".AspNet.ApplicationCookie"),
			".AspNet.ApplicationCookie=chunks:2; .AspNet.ApplicationCookieC2=A", "",
			cookie.ErrMissingChunk},
		{"ExternalCookie", cookie.From(cookie.KindKatana, ".AspNet.ExternalCookie"),
			chunked(".AspNet.ExternalCookie"), "AAAA", nil},
		{"TwoFactorCookie", cookie.From(cookie.KindKatana, ".AspNet.TwoFactorCookie"),
			chunked(".AspNet.TwoFactorCookie"), "AAAA", nil},
		{"Katana", cookie.From(cookie.KindKatana, ".AspNet.Cookies"), chunked(".AspNet.Cookies"), "AAAA", nil},
		{"Katana", cookie.From(cookie.KindKatana, ".AspNet."+"My Cookie"),
			chunked(".AspNet.My%20Cookie"), "AAAA", nil},
		{"Katana", cookie.From(cookie.KindKatana, ".AspNet.Cookies"), ".aspnet.cookies=A", "",
			chunks.ErrNoCookie},
		{"Core", cookie.From(cookie.KindCore, ".AspNetCore.Cookies"),
			".AspNetCore.Cookies=chunks-2; .aspnetcore.cookiesC1=AA; .AspNetCore.CookiesC2=AA",
			"AAAA", nil},
		{"Core", cookie.From(cookie.KindCore, ".AspNetCore.Cookies"),
			".AspNetCore.Cookies=chunks:1; .AspNetCore.CookiesC1=AA", "chunks:1", nil},
		{"shared", cookie.From(cookie.KindCore, ".AspNet.SharedCookie"),
			".AspNet.SharedCookie=chunks:1; .AspNet.SharedCookieC1=AA", "AA", nil},
		{"Core", cookie.From(cookie.KindCore, ".AspNetCore.Cookies"), ".AspNetCore.Cookies=", "",
			chunks.ErrNoCookie},
		{"FromKatana", cookie.From(cookie.KindKatana, "Shop"), chunked("Shop"), "AAAA", nil},
		{"Roles", cookie.From(cookie.KindRoles, ""), ".ASPXROLES=A", "A", nil},
		{"Roles", cookie.From(cookie.KindRoles, ""), ".ASPXROLES=", "", chunks.ErrNoCookie},
		{"AnonymousID", cookie.From(cookie.KindAnonymous, ""), ".ASPXANONYMOUS=A", "A", nil},
		{"AnonymousID", cookie.From(cookie.KindAnonymous, ""), ".ASPXANONYMOUS", "", chunks.ErrNoCookie},
	} {
		got, err := test.source(request(test.line))
		if got != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s %s: %q, %v; want %q, %v", test.name, test.line, got, err,
				test.want, test.err)
		}
	}
}

func TestFromPanics(t *testing.T) {
	for _, test := range []struct {
		kind cookie.Kind
		name string
	}{{cookie.KindKatana, ""}, {cookie.KindCore, ""}, {cookie.KindSQSession,
		""}, {cookie.KindBearer, "a"}, {"", "a"}, {"state", "a"}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q %q: no panic", test.kind, test.name)
				}
			}()
			cookie.From(test.kind, test.name)
		}()
	}
}

func TestBearer(t *testing.T) {
	for _, test := range []struct {
		lines []string
		want  string
		err   error
	}{
		{[]string{"Bearer abc"}, "abc", nil},
		{[]string{"bearer abc"}, "abc", nil},
		{[]string{"BEARER  \tabc "}, "abc", nil},
		{[]string{"Bearer a b"}, "a b", nil}, // for the codec to refuse
		{[]string{"Bearer " + strings.Repeat("A", chunks.MaxLength)},
			strings.Repeat("A", chunks.MaxLength), nil},
		{[]string{"Bearer " + strings.Repeat("A", chunks.MaxLength+1)}, "", cookie.ErrTooLong},
		{[]string{"Bearer abc", "Bearer def"}, "", sessiontoken.ErrInvalid},
		{[]string{"Bearer abc", "Basic def"}, "", sessiontoken.ErrInvalid},
		{[]string{"Basic abc", "Bearer def"}, "", cookie.ErrNoCredential},
		{nil, "", cookie.ErrNoCredential},
		{[]string{""}, "", cookie.ErrNoCredential},
		{[]string{"Bearer"}, "", cookie.ErrNoCredential},
		{[]string{"Bearer "}, "", cookie.ErrNoCredential},
		{[]string{"Bearer\tabc"}, "", cookie.ErrNoCredential},
		{[]string{" Bearer abc"}, "", cookie.ErrNoCredential},
		{[]string{"Bearerabc"}, "", cookie.ErrNoCredential},
		{[]string{"Basic abc"}, "", cookie.ErrNoCredential},
		{[]string{strings.Repeat(" ", 1<<20)}, "", cookie.ErrNoCredential},
		{[]string{"Bearer " + strings.Repeat(" ", 1<<20)}, "", cookie.ErrTooLong},
		{[]string{"Bearer " + strings.Repeat(" ", 1<<16)}, "", cookie.ErrNoCredential},
	} {
		r := &http.Request{Header: http.Header{"Authorization": test.lines}}
		got, err := cookie.From(cookie.KindBearer, "")(r)
		if got != test.want || !errors.Is(err, test.err) {
			t.Errorf("%.40q: %.40q, %v; want %.40q, %v", test.lines, got, err, test.want, test.err)
		}
		source := cookie.From(cookie.KindBearer, "")
		if n := testing.AllocsPerRun(5, func() { _, _ = source(r) }); n != 0 {
			t.Errorf("%.40q: %v allocations", test.lines, n)
		}
	}
}

func FuzzBearer(f *testing.F) {
	for _, s := range []string{"Bearer abc", "bearer  x ", "Basic abc", "Bearer", "Bearer "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		got, err := cookie.From(cookie.KindBearer,
			"")(&http.Request{Header: http.Header{"Authorization": {line}}})
		if (err == nil) != (got != "") || strings.TrimSpace(got) != got ||
			!strings.Contains(line, got) {
			t.Errorf("%q, %v", got, err)
		}
	})
}

func ExampleFrom() {
	var guard cookie.Guard
	guard.Accept(cookie.From(cookie.KindKatana, ".AspNet.ApplicationCookie"), demo{}) // ASP.NET Identity
	guard.Accept(cookie.From(cookie.KindKatana, ".AspNet.Cookies"), demo{})           // Katana's own default
	guard.Accept(cookie.From(cookie.KindForms, ""), demo{})                           // pages not yet moved

	home := guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := cookie.FromContext(r.Context())
		fmt.Fprintf(w, "hello %s", user.Name())
	}))
	get(home, "/", ".AspNet.ApplicationCookie=bob")
	get(home, "/", ".AspNet.Cookies=chunks:2; .AspNet.CookiesC1=b; .AspNet.CookiesC2=ob")
	get(home, "/", ".AspNet.Cookies=chunks:2; .AspNet.CookiesC1=b")
	get(home, "/", ".ASPXAUTH=alice")
	// Output:
	// 200  hello bob
	// 200  hello bob
	// 401  Unauthorized
	// 200  hello alice
}

// An API behind access tokens.
func ExampleFrom_bearer() {
	var guard cookie.Guard
	guard.Accept(cookie.From(cookie.KindBearer, ""), demo{}) // a codec for sessiontoken.AccessToken

	r, err := http.NewRequest("GET", "/api", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	r.Header.Set("Authorization", "Bearer bob")
	user, err := guard.Check(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(user.Name())
	// Output:
	// bob
}
