package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// siteConfig writes a web.config with a new key and further sections: in
// system.web, and behind it.
func siteConfig(t testing.TB, web, behind string) {
	t.Helper()
	cfg := freshConfig(t)
	text := strings.Replace(webConfigText(cfg), "</system.web>", web+"</system.web>"+behind, 1)
	writeFile(t, "web.config", text)
}

// wif is the section of a site with FedAuth and such a cookieHandler.
func wifSite(cookieHandler string) string {
	return strings.TrimSuffix(strings.Replace(fedAuthSection,
		`<cookieHandler requireSsl="false" path="/"/>`, cookieHandler, 1), "</configuration>")
}

// TestIssueAttributes compares Set-Cookie with what the file and the flags say.
func TestIssueAttributes(t *testing.T) {
	const lax, strict, none = http.SameSiteLaxMode, http.SameSiteStrictMode, http.SameSiteNoneMode
	tests := []struct {
		name, web, behind string
		args              []string
		want              http.Cookie
		note              string
	}{
		{name: "a file that says nothing", want: http.Cookie{Secure: true, HttpOnly: true}},
		{name: "flags alone", args: []string{"-same-site", "Strict", "-insecure-no-secure"},
			want: http.Cookie{HttpOnly: true, SameSite: strict}},
		{name: "none", args: []string{"-same-site", "none"},
			want: http.Cookie{Secure: true, HttpOnly: true, SameSite: none}},
		{name: "<httpCookies>", web: `<httpCookies sameSite="Lax" domain="app.example"/>`,
			want: http.Cookie{Secure: true, HttpOnly: true, SameSite: lax, Domain: "app.example"}},
		{name: "<httpCookies> for Katana", web: `<httpCookies sameSite="Strict"/>`,
			args: []string{"-kind", "katana"},
			want: http.Cookie{Secure: true, HttpOnly: true, SameSite: strict}},
		{name: "a flag over <httpCookies>", web: `<httpCookies sameSite="Strict"/>`,
			args: []string{"-same-site", "lax"},
			want: http.Cookie{Secure: true, HttpOnly: true, SameSite: lax}},
		{name: "<cookieHandler> without attributes", behind: wifSite(`<cookieHandler path="/"/>`),
			want: http.Cookie{Secure: true, HttpOnly: true}},
		{name: "<cookieHandler>",
			behind: wifSite(`<cookieHandler path="/" requireSsl="false" hideFromScript="false" domain="a.example"/>`), want: http.Cookie{Domain: "a.example"}},
		{name: "<cookieHandler> and SameSite=None",
			behind: wifSite(`<cookieHandler path="/" requireSsl="false"/>`), args: []string{"-same-site", "none"},
			want: http.Cookie{Secure: true, HttpOnly: true, SameSite: none},
			note: "leaves out Secure"},
		{name: "<forms> without attributes",
			web: `<authentication mode="Forms"/><httpCookies sameSite="Strict"/>`, args: []string{"-kind", "forms"},
			want: http.Cookie{Secure: true, HttpOnly: true, SameSite: lax}},
		{name: "<forms>",
			web: `<authentication mode="Forms"><forms requireSSL="false" cookieSameSite="Strict"/></authentication>`, args: []string{"-kind", "forms"},
			want: http.Cookie{HttpOnly: true, SameSite: strict}},
		{name: "<forms> over TLS",
			web: `<authentication mode="Forms"><forms requireSSL="true" cookieSameSite="None"/></authentication>`, args: []string{"-kind", "forms"},
			want: http.Cookie{Secure: true, HttpOnly: true, SameSite: none}},
		{name: "<forms> without SameSite",
			web: `<authentication mode="Forms"><forms cookieSameSite="Unspecified"/></authentication>`, args: []string{"-kind", "forms"},
			want: http.Cookie{Secure: true, HttpOnly: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			siteConfig(t, tt.web, tt.behind)
			var r issueReport
			tool(t, "", append([]string{"issue", "-config", "web.config", "-name", "bob", "-json"},
				tt.args...)...).want(t, exitOK).decode(t, &r)
			for _, line := range r.SetCookie {
				c, err := http.ParseSetCookie(line)
				if err != nil {
					t.Fatal(err)
				}
				if c.Secure != tt.want.Secure || c.HttpOnly != tt.want.HttpOnly ||
					c.SameSite != tt.want.SameSite || c.Domain != tt.want.Domain {
					t.Errorf("Set-Cookie: ...%s", line[max(0, len(line)-90):])
				}
			}
			notes := strings.Join(slices.DeleteFunc(r.Notes,
				func(s string) bool { return strings.HasPrefix(s, "the site ") }), "\n")
			if tt.note == "" && notes != "" || !strings.Contains(notes, tt.note) {
				t.Errorf("notes %q", notes)
			}
		})
	}
}

func TestIssueAttributeFlags(t *testing.T) {
	siteConfig(t, `<httpCookies sameSite="None"/>`, "")
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"-same-site", "loose"}, "lax, strict or none"},
		{[]string{"-same-site", ""}, "lax, strict or none"},
		{[]string{"-same-site", "none", "-insecure-no-secure"}, "SameSite=None"},
		{[]string{"-insecure-no-secure"}, "SameSite=None"}, // the file's
		{[]string{"-kind", "bearer", "-same-site", "lax"}, "are for cookies"},
		{[]string{"-kind", "code", "-insecure-no-secure"}, "are for cookies"},
	} {
		r := tool(t, "", append([]string{"issue", "-config", "web.config", "-name", "bob"},
			tt.args...)...).want(t, exitUsage)
		if !strings.Contains(r.err, tt.want) || r.out != "" {
			t.Errorf("%q: %q", tt.args, r.err)
		}
	}
	r := tool(t, "", "issue", "-config", "web.config", "-name", "bob", "-insecure-no-secure",
		"-same-site", "lax").want(t, exitOK)
	if !strings.Contains(r.out, "'http://your-site.example/'") {
		t.Errorf("the curl command is for https:\n%s", r.out)
	}
}
