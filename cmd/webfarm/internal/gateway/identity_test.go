package gateway

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"":                         "",
		"alice@farm.example":       "alice@farm.example",
		`FARM\alice`:               `FARM\alice`,
		"http://x/y~z_1.2-3":       "http://x/y~z_1.2-3",
		" Alice Weber ":            "%20Alice%20Weber%20",
		"a,b;c":                    "a%2Cb%3Bc",
		"100%":                     "100%25",
		"a+b":                      "a%2Bb",
		"a\r\nSet-Cookie: x=y\x00": "a%0D%0ASet-Cookie:%20x%3Dy%00",
		"Jürgen":                   "J%C3%BCrgen",
		"\xff\x7f":                 "%FF%7F",
		`"<q>"`:                    "%22%3Cq%3E%22",
	} {
		if got := escape(in); got != want {
			t.Errorf("escape(%q) = %q, want %q", in, got, want)
		}
		back, err := url.PathUnescape(escape(in))
		if form, formErr := url.QueryUnescape(escape(in)); err != nil || formErr != nil ||
			back != in || form != in {
			t.Errorf("%q comes back as %q and %q", in, back, form)
		}
	}
}

// FuzzIdentity wants the headers to say exactly the name and the roles,
// whatever they hold.
func FuzzIdentity(f *testing.F) {
	f.Add("Alice", "Sales", "Staff")
	f.Add("a\r\nX-Webfarm-Roles: admin", "a,b", "%2C")
	f.Add("\xff", "", " ")
	h, err := newHeaderWriter(HeaderOptions{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name, a, b string) {
		header := http.Header{}
		if err := h.write(header, user(name, a, b), 1<<20); err != nil {
			t.Fatal(err)
		}
		if len(header) != 2 {
			t.Fatalf("%d headers", len(header))
		}
		for _, values := range header {
			for _, v := range values {
				if strings.Trim(v,
					"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~@:/\\%,") != "" {
					t.Errorf("unsafe value %q", v)
				}
			}
		}
		if back, _ := url.PathUnescape(header.Get(DefaultUserHeader)); back != name ||
			strings.Contains(header.Get(DefaultUserHeader), ",") {
			t.Errorf("the name %q comes back as %q", name, back)
		}
		var got, want []string
		for item := range strings.SplitSeq(header.Get(DefaultRolesHeader), ",") {
			if back, _ := url.PathUnescape(item); back != "" {
				got = append(got, back)
			}
		}
		for _, role := range []string{a, b} {
			if role != "" && !slices.Contains(want, role) {
				want = append(want, role)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("roles %q come back as %q", want, got)
		}
	})
}

// FuzzRequirement wants what the roles header says about a role to require
// just this role.
func FuzzRequirement(f *testing.F) {
	f.Add("Sales", "x")
	f.Add("a,b", "a")
	f.Add("%2C", ",")
	f.Fuzz(func(t *testing.T, role, text string) {
		if role != "" {
			r, err := ParseRequirement(escape(role))
			if err != nil || len(r) != 1 || r[0] != role {
				t.Errorf("%q: %q, %v", role, r, err)
			}
		}
		if r, err := ParseRequirement(text); err == nil && (len(r) == 0 || slices.Contains(r, "")) {
			t.Errorf("%q requires nothing: %q", text, r)
		}
	})
}

func TestIdentityHeaders(t *testing.T) {
	p := user("Alice", "Sales", "Staff", "Sales", "", "A,B")
	id := &p.Identities[0]
	id.Claims = append(id.Claims, sessiontoken.Claim{Type: sessiontoken.ClaimTypeEmail,
		Value: "alice@farm.example"},
		sessiontoken.Claim{Type: strings.ToUpper(sessiontoken.ClaimTypeEmail), Value: "a@b"})
	p.Identities = append(p.Identities, sessiontoken.Identity{AuthenticationType: "x",
		RoleClaimType: "urn:rank", Claims: []sessiontoken.Claim{
			{Type: "urn:rank", Value: "Major"}, {Type: sessiontoken.ClaimTypeRole,
				Value: "not a role here"}}})
	g := newGateway(t, Options{Headers: HeaderOptions{User: "X-Who", Claims: []ClaimHeader{
		{"x-mail", sessiontoken.ClaimTypeEmail}, {"X-None", "urn:none"}}}})
	r := ask(g.Handler(), "GET", "/auth", "Cookie", signedIn(t, g, p))
	for name, want := range map[string]string{
		"X-Who": "Alice", "X-Webfarm-Roles": "Sales,Staff,A%2CB,Major", "X-Mail": "alice@farm.example,a@b", "X-None": "",
	} {
		if got := r.Header[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}

	g = newGateway(t, Options{Headers: HeaderOptions{OnlyRoles: []string{"Staff", "Admin"}}})
	r = ask(g.Handler(), "GET", "/auth?role=Sales", "Cookie", signedIn(t, g, p))
	if got := r.Header.Get(DefaultRolesHeader); got != "Staff" || r.StatusCode != http.StatusOK {
		t.Errorf("%s, roles %q", r.Status, got)
	}
}

// Too much identity is an error and not half an identity.
func TestIdentityTooLong(t *testing.T) {
	g := newGateway(t, Options{Limits: Limits{IdentityBytes: 100}})
	r := ask(g.Handler(), "GET", "/auth", "Cookie",
		signedIn(t, g, user("Alice", strings.Repeat("x", 96))))
	if r.StatusCode != http.StatusInternalServerError || r.Header.Get(DefaultUserHeader) != "" {
		t.Errorf("%s, user %q", r.Status, r.Header.Get(DefaultUserHeader))
	}
	if r := ask(g.Handler(), "GET", "/auth", "Cookie",
		signedIn(t, g, user("Alice", strings.Repeat("x", 95)))); r.StatusCode != http.StatusOK {
		t.Errorf("at the limit: %s", r.Status)
	}
}

func TestStrip(t *testing.T) {
	h, err := newHeaderWriter(HeaderOptions{Claims: []ClaimHeader{{"X-Mail", "urn:mail"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"X-Webfarm-User", "x-webfarm-user", "X_Webfarm_User", "X-Webfarm_user", "X.WEBFARM.USER",
		"x~webfarm!roles", "X-MAIL", "X_Mail",
		"X-Webfarm-Users", "x_webfarm_to_come",
	} {
		header := http.Header{name: {"root"}, "X-Webfarmers": {"kept"}, "Mail": {"kept"}}
		if h.strip(header); len(header) != 2 {
			t.Errorf("%s is still there: %v", name, header)
		}
	}
	// any spelling
	random := seed.Of(t)
	for range 1000 {
		name := []byte("x-webfarm-user")
		for i, c := range name {
			switch {
			case c == '-':
				name[i] = "-_.!#$&'*+^`|~"[random.IntN(14)]
			case random.IntN(2) == 0:
				name[i] = c - 'a' + 'A'
			}
		}
		header := http.Header{string(name): {"root"}}
		if h.strip(header); len(header) != 0 {
			t.Fatalf("%s is still there", name)
		}
	}
}

func TestHeaderNames(t *testing.T) {
	for _, bad := range []HeaderOptions{
		{User: "Cookie"}, {User: "Host"}, {Roles: "Content-Length"}, {User: "X Who"},
		{User: "X-Who:"}, {User: "X-Whö"}, {User: "X_Who"},
		{User: "X-"}, {User: "X-Forwarded-For"}, {User: "X-Real-IP"}, {User: "X-Rewrite-URL"},
		{User: "X-Forwarded"}, {User: "X-Original-URL"}, {User: headerRequireRole}, {User: headerRenew},
		{User: headerSetCookie + "1"}, {User: "X-A", Roles: "x-a"},
		{Claims: []ClaimHeader{{"X-A", ""}}}, {Claims: []ClaimHeader{{"", "urn:a"}}},
	} {
		if _, err := newHeaderWriter(bad); err == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
}
