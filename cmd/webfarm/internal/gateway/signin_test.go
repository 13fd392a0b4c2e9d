package gateway

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// Where the three proxies' clients are sent, and how.
func TestSignIn(t *testing.T) {
	const abs = "https://login.example.com/signin?app=1"
	shop := []string{"shop.example.com", ".apps.example.com"}
	tests := []struct {
		name    string
		o       SignInOptions
		path    string
		headers []string
		status  int
		want    string // Location
	}{
		{"nginx", SignInOptions{URL: "/Account/Login"}, "/auth",
			[]string{"X-Original-URL", "https://shop.example.com/orders?id=1&x=a%2Fb",
				"X-Original-Method", "GET"},
			401, "/Account/Login?ReturnUrl=%2Forders%3Fid%3D1%26x%3Da%252Fb"},
		{"traefik", SignInOptions{URL: "/Account/Login", Param: "rd"}, "/auth/traefik",
			[]string{"X-Forwarded-Uri", "/orders", "X-Forwarded-Method", "GET", "X-Forwarded-Host",
				"evil.example", "X-Forwarded-Proto", "https"},
			302, "/Account/Login?rd=%2Forders"},
		{"envoy", SignInOptions{URL: "/Account/Login"}, "/auth/envoy/orders?id=1", nil, 302,
			"/Account/Login?ReturnUrl=%2Forders%3Fid%3D1"},
		{"no sign-in", SignInOptions{}, "/auth/traefik", []string{"X-Forwarded-Uri", "/orders"}, 401, ""},
		{"nothing said", SignInOptions{URL: "/login"}, "/auth", nil, 401, "/login"},

		{"other host, allowed", SignInOptions{URL: abs, Hosts: shop}, "/auth",
			[]string{"X-Original-URL", "https://shop.example.com/a", "X-Forwarded-Proto", "https"},
			401, abs + "&ReturnUrl=https%3A%2F%2Fshop.example.com%2Fa"},
		{"other host, below", SignInOptions{URL: abs, Hosts: shop}, "/auth/traefik",
			[]string{"X-Forwarded-Uri", "/a", "X-Forwarded-Host", "x.apps.example.com",
				"X-Forwarded-Proto", "http"},
			302, abs + "&ReturnUrl=http%3A%2F%2Fx.apps.example.com%2Fa"},
		{"other host, not allowed", SignInOptions{URL: abs, Hosts: shop}, "/auth/traefik",
			[]string{"X-Forwarded-Uri", "/a", "X-Forwarded-Host", "shop.example.com.evil.example"},
			302, abs},
		{"other host, the parent is not below itself", SignInOptions{URL: abs, Hosts: shop},
			"/auth/traefik", []string{"X-Forwarded-Uri", "/a", "X-Forwarded-Host",
				".apps.example.com"}, 302, abs},
		{"other host, none allowed", SignInOptions{URL: abs}, "/auth/traefik",
			[]string{"X-Forwarded-Uri", "/a", "X-Forwarded-Host", "shop.example.com"}, 302, abs},
		{"other host, with a user", SignInOptions{URL: abs, Hosts: shop}, "/auth/traefik",
			[]string{"X-Forwarded-Uri", "/a", "X-Forwarded-Host", "shop.example.com@evil.example"},
			302, abs},
		{"the host of the sign-in", SignInOptions{URL: abs}, "/auth/traefik",
			[]string{"X-Forwarded-Uri", "/a", "X-Forwarded-Host", "LOGIN.example.com"}, 302,
			abs + "&ReturnUrl=%2Fa"},

		{"a script", SignInOptions{URL: "/login"}, "/auth/traefik",
			[]string{"X-Forwarded-Uri", "/a", "Sec-Fetch-Mode", "cors"}, 401, ""},
		{"a script of old", SignInOptions{URL: "/login"}, "/auth/traefik",
			[]string{"X-Forwarded-Uri", "/a", "X-Requested-With", "XMLHttpRequest"}, 401, ""},
		{"an API client", SignInOptions{URL: "/login"}, "/auth/traefik",
			[]string{"X-Forwarded-Uri", "/a", "Accept", "application/json"}, 401, ""},
		{"a browser", SignInOptions{URL: "/login"}, "/auth/traefik",
			[]string{"X-Forwarded-Uri", "/a", "Sec-Fetch-Mode", "navigate", "Accept",
				"text/html,*/*;q=0.8"}, 302, "/login?ReturnUrl=%2Fa"},
		{"a form", SignInOptions{URL: "/login"}, "/auth/traefik",
			[]string{"X-Forwarded-Uri", "/a", "X-Forwarded-Method", "POST"}, 401, ""},
		{"a form, nginx", SignInOptions{URL: "/login"}, "/auth",
			[]string{"X-Original-URL", "http://a/a", "X-Original-Method", "POST"}, 401, ""},
		{"the sign-in itself", SignInOptions{URL: "/Account/Login"}, "/auth/traefik",
			[]string{"X-Forwarded-Uri", "/account/login?ReturnUrl=%2F"}, 401, ""},
		{"too long", SignInOptions{URL: "/login"}, "/auth/traefik",
			[]string{"X-Forwarded-Uri", "/" + strings.Repeat("a", maxReturn)}, 302, "/login"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := newGateway(t, Options{SignIn: tt.o})
			r := ask(g.Handler(), "GET", tt.path, tt.headers...)
			if r.StatusCode != tt.status || r.Header.Get("Location") != tt.want {
				t.Errorf("%s to %q, want %d to %q", r.Status, r.Header.Get("Location"),
					tt.status, tt.want)
			}
		})
	}
}

// hostileURIs are addresses that some browser or program takes for one on
// another host, or for more than one header.
var hostileURIs = []string{
	"//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
	"/\n/evil.example", "\t//evil.example",
	"https://evil.example/", "HTTPS://evil.example", "https:evil.example", "javascript:alert(1)",
	"data:text/html,x", "//evil.example/%2e%2e",
	"/a\r\nSet-Cookie: x=y", "/a b", "/\x00", "/a\x7f", "/\u00a0/evil", "/\u2028", "",
	"evil.example", "?x=1", "@evil.example", "/a#//evil.example",
	"/..\\..//evil.example", "//evil.example:80@shop.example.com/", "/\"onload=x", "/<script>",
	" /a", "/ /evil.example",
}

// No address of a request leads back to another host.
func TestNoOpenRedirect(t *testing.T) {
	own := newGateway(t, Options{SignIn: SignInOptions{URL: "/login"}})
	other := newGateway(t, Options{SignIn: SignInOptions{URL: "https://login.example.com/",
		Hosts: []string{"shop.example.com"}}})
	for _, g := range []*Gateway{own, other} {
		for _, uri := range hostileURIs {
			for _, host := range []string{"shop.example.com", "evil.example",
				"shop.example.com/@evil.example", "evil.example\\.shop.example.com", "", "[::1"} {
				for _, headers := range [][]string{
					{"X-Original-URL", "https://" + host + uri},
					{"X-Original-URL", uri},
					{"X-Forwarded-Host", host, "X-Forwarded-Uri", uri},
				} {
					path := "/auth"
					if len(headers) == 4 {
						path = "/auth/traefik"
					}
					checkBack(t, g, headers, ask(g.Handler(), "GET", path, headers...))
				}
			}
		}
	}
}

// checkBack wants a redirect to go to the sign-in, and its way back to the
// same host or an allowed one.
func checkBack(t *testing.T, g *Gateway, said []string, r *http.Response) {
	t.Helper()
	location := r.Header.Get("Location")
	if location == "" {
		return // 401 leads nowhere
	}
	if len(r.Header["Location"]) != 1 || !isClean(location) || len(r.Header["Set-Cookie"]) > 0 {
		t.Errorf("%q: location %q", said, r.Header["Location"])
	}
	u, err := url.Parse(location)
	if err != nil || u.Host != g.signIn.url.Host || u.Path != g.signIn.url.Path {
		t.Fatalf("%q: sent to %q", said, location)
	}
	back := u.Query().Get("ReturnUrl")
	if back == "" {
		return
	}
	b, err := url.Parse(back)
	if err != nil || b.User != nil || strings.ContainsAny(back, "\\\t\r\n ") ||
		strings.HasPrefix(back, "//") ||
		!(strings.HasPrefix(back, "/") && b.Host == "" ||
			u.Host != "" && strings.EqualFold(b.Host, "shop.example.com") &&
				(b.Scheme == "http" || b.Scheme == "https")) {
		t.Errorf("%q: back to %q", said, back)
	}
}

func FuzzSignIn(f *testing.F) {
	for _, uri := range hostileURIs {
		f.Add("shop.example.com", uri)
		f.Add("evil.example", "/a"+uri)
	}
	f.Add("shoP.example.com", "/aSb") // hosts have no case
	own := newGateway(f, Options{SignIn: SignInOptions{URL: "/login"}})
	other := newGateway(f, Options{SignIn: SignInOptions{URL: "https://login.example.com/",
		Hosts: []string{"shop.example.com"}}})
	f.Fuzz(func(t *testing.T, host, uri string) {
		for _, g := range []*Gateway{own, other} {
			for as := asNginx; as <= asEnvoy; as++ {
				r := httptest.NewRequest("GET", "/auth/envoy/", nil)
				r.Host, r.RequestURI = host, envoyPath+uri
				r.Header = http.Header{"X-Original-Url": {"http://" + host + uri},
					"X-Forwarded-Host": {host}, "X-Forwarded-Uri": {uri}}
				location, _ := g.signIn.location(original(r, as))
				checkBack(t, g, []string{host, uri},
					&http.Response{Header: http.Header{"Location": {location}}})
			}
		}
	})
}

func TestSignInOptions(t *testing.T) {
	for _, bad := range []SignInOptions{
		{URL: "login"}, {URL: "//evil.example"}, {URL: "/\\evil"}, {URL: "ftp://x/"},
		{URL: "https://"}, {URL: "https://u:p@x/"}, {URL: "/a b"},
		{URL: "javascript:x"}, {URL: "/a#b"}, {URL: "https:/x"},
		{URL: "/login", Hosts: []string{"*.example.com"}}, {URL: "/login", Hosts: []string{""}},
		{URL: "/login", Hosts: []string{"https://x"}}, {Param: "x"}, {Hosts: []string{"x"}},
	} {
		if _, err := newSignIn(bad); err == nil {
			t.Errorf("%+v is accepted", bad)
		} else if strings.Contains(err.Error(), "u:p") {
			continue // it is what the operator typed
		}
	}
}
