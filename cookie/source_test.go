package cookie_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

func TestPresets(t *testing.T) {
	chunked := func(name string) string { return header(katanaChunks(name, 2, "AA")) }
	for _, test := range []struct {
		name   string
		source cookie.Source
		line   string
		want   string
		err    error
	}{
		{"FedAuth", cookie.FromCookie("FedAuth", cookie.WIF), "FedAuth=A; FedAuth1=B", "AB", nil},
		{"Forms", cookie.FromCookie(".ASPXAUTH", cookie.Single), ".ASPXAUTH=AB; .ASPXAUTH1=C", "AB", nil},
		{"Forms", cookie.FromCookie(".ASPXAUTH", cookie.Single), ".aspxauth=AB", "AB", nil},
		{"Forms", cookie.FromCookie(".ASPXAUTH", cookie.Single), ".ASPXAUTH=A", "", cookie.ErrNoCookie},
		{"Forms", cookie.FromCookie(".ASPXAUTH", cookie.Single), ".ASPXAUTH=", "", cookie.ErrNoCookie},
		{"Forms", cookie.FromCookie(".ASPXAUTH", cookie.Single), "a=b", "", cookie.ErrNoCookie},
		{"FromForms", cookie.FromCookie(".SHOPAUTH", cookie.Single), ".SHOPAUTH=AB; .ASPXAUTH=CD", "AB", nil},
		{"FromForms", cookie.FromCookie(".SHOPAUTH", cookie.Single), ".SHOPAUTH=A", "", cookie.ErrNoCookie},
		{"ApplicationCookie", cookie.FromCookie(".AspNet.ApplicationCookie", cookie.Katana), chunked(".AspNet.ApplicationCookie"), "AAAA", nil},
		{"ApplicationCookie", cookie.FromCookie(".AspNet.ApplicationCookie", cookie.Katana), ".AspNet.ApplicationCookie=%20%09", "", cookie.ErrNoCookie},
		{"ApplicationCookie", cookie.FromCookie(".AspNet.ApplicationCookie", cookie.Katana), ".AspNet.ApplicationCookie=chunks:2; .AspNet.ApplicationCookieC2=A", "", cookie.ErrMissingChunk},
		{"ExternalCookie", cookie.FromCookie(".AspNet.ExternalCookie", cookie.Katana), chunked(".AspNet.ExternalCookie"), "AAAA", nil},
		{"TwoFactorCookie", cookie.FromCookie(".AspNet.TwoFactorCookie", cookie.Katana), chunked(".AspNet.TwoFactorCookie"), "AAAA", nil},
		{"Katana", cookie.FromCookie(".AspNet.Cookies", cookie.Katana), chunked(".AspNet.Cookies"), "AAAA", nil},
		{"Katana", cookie.FromCookie(".AspNet.My Cookie", cookie.Katana), chunked(".AspNet.My%20Cookie"), "AAAA", nil},
		{"Katana", cookie.FromCookie(".AspNet.Cookies", cookie.Katana), ".aspnet.cookies=A", "", cookie.ErrNoCookie},
		{"FromKatana", cookie.FromCookie("Shop", cookie.Katana), chunked("Shop"), "AAAA", nil},
		{"Roles", cookie.FromCookie(".ASPXROLES", cookie.Single), ".ASPXROLES=AB", "AB", nil},
		{"Roles", cookie.FromCookie(".ASPXROLES", cookie.Single), ".ASPXROLES=", "", cookie.ErrNoCookie},
		{"AnonymousID", cookie.FromCookie(".ASPXANONYMOUS", cookie.Single), ".ASPXANONYMOUS=AB", "AB", nil},
		{"AnonymousID", cookie.FromCookie(".ASPXANONYMOUS", cookie.Single), ".ASPXANONYMOUS", "", cookie.ErrNoCookie},
	} {
		got, err := test.source(request(test.line))
		if got != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s %s: %q, %v; want %q, %v", test.name, test.line, got, err, test.want, test.err)
		}
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
		{[]string{"Bearer " + long(cookie.MaxLength)}, long(cookie.MaxLength), nil},
		{[]string{"Bearer " + long(cookie.MaxLength+1)}, "", cookie.ErrTooLong},
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
		got, err := cookie.Bearer(r)
		if got != test.want || !errors.Is(err, test.err) {
			t.Errorf("%.40q: %.40q, %v; want %.40q, %v", test.lines, got, err, test.want, test.err)
		}
		if n := testing.AllocsPerRun(5, func() { _, _ = cookie.Bearer(r) }); n != 0 {
			t.Errorf("%.40q: %v allocations", test.lines, n)
		}
	}
}

func FuzzBearer(f *testing.F) {
	for _, s := range []string{"Bearer abc", "bearer  x ", "Basic abc", "Bearer", "Bearer "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		got, err := cookie.Bearer(&http.Request{Header: http.Header{"Authorization": {line}}})
		if (err == nil) != (got != "") || strings.TrimSpace(got) != got || !strings.Contains(line, got) {
			t.Errorf("%q, %v", got, err)
		}
	})
}

func ExampleKatana() {
	var guard cookie.Guard
	guard.Accept(cookie.FromCookie(".AspNet.ApplicationCookie", cookie.Katana), demo{}) // ASP.NET Identity
	guard.Accept(cookie.FromCookie(".AspNet.Cookies", cookie.Katana), demo{})           // Katana's own default
	guard.Accept(cookie.FromCookie(".ASPXAUTH", cookie.Single), demo{})                 // pages not yet moved

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
func ExampleBearer() {
	var guard cookie.Guard
	guard.Accept(cookie.Bearer, demo{}) // a codec for sessiontoken.KatanaAccessToken

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

// A long ticket in the cookies of Katana.
func ExampleChunking_Split_katana() {
	set, err := cookie.Katana.Split(&http.Cookie{
		Name: ".AspNet.ApplicationCookie", Value: strings.Repeat("A", 9000), // text of a codec
		Path: "/", Secure: true, HttpOnly: true,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range set {
		fmt.Println(c.Name, len(c.Value), len(c.String()))
	}
	fmt.Println(set[0].Value)
	// Output:
	// .AspNet.ApplicationCookie 8 60
	// .AspNet.ApplicationCookieC1 4035 4089
	// .AspNet.ApplicationCookieC2 4035 4089
	// .AspNet.ApplicationCookieC3 930 984
	// chunks:3
}
