package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/doctor"
	"github.com/webfarm-go/webfarm/internal/site"
)

func TestParseInput(t *testing.T) {
	tests := []struct {
		name, text string
		bare       bool
		want       string // the credential's text
	}{
		{"bare value", "QUJD\n", true, "QUJD"},
		{"bare value with padding", "QUI=", true, "QUI="},
		{"bare value on two lines", "QUJ\nD", true, "QUJD"},
		{"one cookie", "FedAuth=QUJD", false, "QUJD"},
		{"padding in a cookie", "FedAuth=QQ==", false, "QQ=="},
		{"an empty cookie", "FedAuth=", false, ""},
		{"header with its name", "cookie: a=b; FedAuth1=D; FedAuth=QUJ", false, "QUJD"},
		{"whole request", "GET / HTTP/1.1\r\nHost: x\r\nCookie: FedAuth=QUJD\r\nAccept: */*\r\n",
			false, "QUJD"},
		{"two Cookie lines", "Cookie: FedAuth=QUJ\nCookie: FedAuth1=D", false, "QUJD"},
		{"curl -v",
			"> GET / HTTP/1.1\n> Cookie: FedAuth=QUJD\n< HTTP/1.1 200 OK\n< Set-Cookie: FedAuth=no\n", false, "QUJD"},
		{"response",
			"HTTP/1.1 303\nSet-Cookie: FedAuth=QUJ; Path=/; HttpOnly\nSet-Cookie: FedAuth1=D; Path=/\nSet-Cookie: FedAuth2=; Max-Age=0\n", false, "QUJD"},
		{"a line per cookie", "FedAuth=QUJ\nFedAuth1=D\n", false, "QUJD"},
		{"a broken line", "FedAuth=QU\n  JD; a=b\n", false, "QUJD"},
		{"name in other case", "fedauth=QUJD", false, "QUJD"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := parseInput(tt.text, []string{"FedAuth"})
			if err != nil {
				t.Fatal(err)
			}
			farm := &codecs{site: emptySite(t)}
			found, err := farm.find(p, wanted{kind: site.FedAuth})
			if err != nil || len(found) != 1 || found[0].err != nil {
				t.Fatal(found, err)
			}
			if got := found[0]; got.text != tt.want || (got.set == nil) != tt.bare {
				t.Errorf("%q, bare %v; want %q, bare %v", got.text, got.set == nil,
					tt.want, tt.bare)
			}
		})
	}
}

// TestCurl pastes what browsers copy as a curl command.
func TestCurl(t *testing.T) {
	for name, tt := range map[string]struct{ text, cookie, bearer string }{
		"Chrome for bash": {`curl 'https://a.example/a?b=c&d=e' \
  -H 'accept: text/html,*/*;q=0.8' \
  -b 'theme=dark; FedAuth=77u/+A==; FedAuth1=bGw+' \
  -H 'sec-ch-ua: "Chromium";v="141", "Not?A_Brand";v="8"' \
  -H 'user-agent: Mozilla/5.0 (X11; Linux x86_64)'
`, "theme=dark; FedAuth=77u/+A==; FedAuth1=bGw+", ""},
		"Chrome for bash before 2024": {`curl 'https://a.example/' -H 'authority: a.example' -H 'cookie: FedAuth=QUJD' --data-raw $'------x\r\n-b a=b' --compressed`,
			"FedAuth=QUJD", ""},
		"Chrome for bash with escapes": {`curl 'https://a.example/' -H $'cookie: a=it\'s "so"\u0021; FedAuth=QUJD' -X POST --insecure`,
			`a=it's "so"!; FedAuth=QUJD`, ""},
		"Firefox for bash": {`curl 'https://a.example/' --compressed -H 'Accept: */*' -H 'Authorization: Bearer AbC_-' -H 'Cookie: .ASPXAUTH=0A1B'`,
			".ASPXAUTH=0A1B", "Bearer AbC_-"},
		"Chrome for cmd": {"curl ^\"https://a.example/a?b=c^&d=%^20e^\" ^\r\n  -H ^\"accept: */*^\" ^\r\n" +
			"  -b ^\"theme=^\\^\"dark^\\^\"; .AspNet.Cookies=a%^2Bb^%2F; FedAuth=77u/^+A==^\" ^\r\n" +
			"  -H ^\"sec-ch-ua: ^\\^\"Chromium^\\^\";v=^\\^\"141^\\^\"^\"",
			`theme="dark"; .AspNet.Cookies=a%2Bb%2F; FedAuth=77u/+A==`, ""},
		"Chrome for cmd before 2024": {"curl \"https://a.example/\" ^\n  -H \"cookie: FedAuth=QUJD\" ^\n  --compressed",
			"FedAuth=QUJD", ""},
		"Firefox for cmd": {`curl.exe ^"https://a.example/^" --compressed -H ^"Cookie: FedAuth=QUJD^"`, "FedAuth=QUJD", ""},
		"other spellings": {`curl --header "Cookie: a=\"b\"; FedAuth=QUJD" --cookie=c=d -bjar.txt https://a.example/`,
			`a="b"; FedAuth=QUJD|c=d`, ""},
		"no cookie": {"curl 'https://a.example/?FedAuth=no'", "", ""},
	} {
		p, err := parseInput(tt.text, []string{"FedAuth"})
		if err != nil || p.request == nil {
			t.Errorf("%s: bare text %q, %v", name, p.text, err)
			continue
		}
		h := p.request.Header
		if got := strings.Join(h["Cookie"], "|"); got != tt.cookie || h.Get("Authorization") != tt.bearer {
			t.Errorf("%s: cookies %q and %q, want %q and %q", name, got, h.Get("Authorization"),
				tt.cookie, tt.bearer)
		}
	}
	p, err := parseInput(`curl 'https://a.example/(F(AAAA))/a' -b 'FedAuth=QUJD'`, nil)
	if err != nil || doctor.Cookieless(p.request.RequestURI) != "/(F(AAAA))" {
		t.Errorf("the address is lost: %v", err)
	}
	if p, err := parseInput("curlew", nil); err != nil || p.text != "curlew" {
		t.Errorf("%q, %v", p.text, err)
	}
}

// TestCookieless finds the tickets of a site without cookies in a URL, a request and beside cookies.
func TestCookieless(t *testing.T) {
	const path = "/(X(1)F(AAAA)S(vhtvd0kn0xmoakntpkyzv2q1))/default.aspx?a=b"
	for text, want := range map[string]string{
		"https://a.example/shop" + path:                                              "forms AAAA",
		"GET /shop" + path + " HTTP/1.1\r\nHost: x\r\n":                              "forms AAAA",
		"GET " + path + " HTTP/1.1\nCookie: .ASPXAUTH=BBBB; theme=dark\n":            "forms AAAA, forms BBBB",
		"/(A(CCCC)F(AAAA))/":                                                         "anonymous CCCC, forms AAAA",
		"> GET /a HTTP/1.1\n> Cookie: .ASPXAUTH=BBBB\n> Referer: http://a.example/a": "forms BBBB",
	} {
		p, err := parseInput(text, nil)
		if err != nil {
			t.Fatal(err)
		}
		farm := &codecs{site: emptySite(t)}
		found, err := farm.find(p, wanted{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range found {
			got = append(got, string(f.kind)+" "+f.text)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestOtherCookies(t *testing.T) {
	p, err := parseInput("Cookie: a=1; b=2; novalue; =x; "+strings.Repeat("c", 200)+"=3",
		[]string{"FedAuth"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := doctor.Others(p.request), []string{"a", "b",
		"novalue"}; !slices.Equal(got, want) {
		t.Errorf("names %q, want %q", got, want)
	}
}

func TestInputTooLong(t *testing.T) {
	freshConfig(t)
	r := tool(t, strings.Repeat("A", maxInput+1), "inspect", "-config", "web.config", "-")
	if r.code != exitUsage || !strings.Contains(r.err, "longer than") {
		t.Errorf("exit code %d, %q", r.code, r.err)
	}
}
