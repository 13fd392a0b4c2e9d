package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// service is an upstream that notes what it gets.
type service struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
	answer   http.HandlerFunc
}

func newService(t testing.TB) *service {
	s := new(service)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.requests, s.bodies = append(s.requests, r), append(s.bodies, string(body))
		answer := s.answer
		s.mu.Unlock()
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// last returns the last request, and how many there were since the last call.
func (s *service) last() (*http.Request, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.requests)
	if n == 0 {
		return nil, 0
	}
	r := s.requests[n-1]
	s.requests, s.bodies = nil, nil
	return r, n
}

func newProxying(t testing.TB, o Options) (*Gateway, *httptest.Server, *service) {
	t.Helper()
	s := newService(t)
	o.Upstream, _ = url.Parse(s.URL)
	g := newGateway(t, o)
	server := httptest.NewServer(g.Handler())
	t.Cleanup(server.Close)
	return g, server, s
}

// fetch sends a request whose header is written as it stands, and follows no
// redirect.
func fetch(t testing.TB, method, address string, headers ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequest(method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header[headers[i]] = append(r.Header[headers[i]], headers[i+1]) // no canonical spelling
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// The service sees the identity that the gateway found, and no other.
func TestProxyIdentity(t *testing.T) {
	forged := []string{
		"X-Webfarm-User", "root", "x-webfarm-roles", "admin", "X_Webfarm_User", "root",
		"x-Webfarm_Roles", "admin", "X.WEBFARM.USER", "root",
		"X-Mail", "root@x", "x_mail", "root@x", "Connection",
		"X-Webfarm-User, X-Webfarm-Roles, X-Mail", "X-Webfarm-Users", "root", "X-Webfarmers", "kept",
	}
	headers := HeaderOptions{Claims: []ClaimHeader{{"X-Mail", "urn:mail"}}}
	g, server, s := newProxying(t, Options{Headers: headers, Anonymous: true})
	alice := signedIn(t, g, user("Alice", "Sales"))

	for name, tt := range map[string]struct{ cookie, user, roles, mail string }{
		"signed in": {alice, "Alice", "Sales", ""},
		"a forger":  {"FedAuth=AAAA", "-", "-", "-"},
	} {
		resp := fetch(t, "GET", server.URL+"/orders?id=1;x", append(forged, "Cookie", tt.cookie)...)
		r, n := s.last()
		if resp.StatusCode != http.StatusOK || n != 1 {
			t.Fatalf("%s: %s, %d requests", name, resp.Status, n)
		}
		for header, want := range map[string]string{"X-Webfarm-User": tt.user,
			"X-Webfarm-Roles": tt.roles, "X-Mail": tt.mail} {
			var got []string
			for key, values := range r.Header {
				if fold(key) == fold(header) {
					got = append(got, values...)
				}
			}
			if want == "-" && got != nil || want != "-" && !slices.Equal(got, []string{want}) {
				t.Errorf("%s: %s is %q, want %q", name, header, got, want)
			}
		}
		if r.Header.Get("X-Webfarmers") != "kept" || r.Header.Get("X-Webfarm-Users") != "" ||
			r.Header.Get("Cookie") != tt.cookie || r.RequestURI != "/orders?id=1;x" {
			t.Errorf("%s: the rest: %s %v", name, r.RequestURI, r.Header)
		}
	}
}

func TestProxyAnswers(t *testing.T) {
	g, server, s := newProxying(t, Options{SignIn: SignInOptions{URL: "/login"},
		RequireRoles: []string{"Sales"}})
	alice, bob := signedIn(t, g, user("Alice", "Sales")), signedIn(t, g, user("Bob"))
	tests := []struct {
		method, path, cookie string
		want                 int
		location             string
		reaches              bool
	}{
		{"GET", "/orders?id=1", alice, 200, "", true},
		{"GET", "/orders?id=1", bob, 403, "", false},
		{"GET", "/orders?id=1", "", 302, "/login?ReturnUrl=%2Forders%3Fid%3D1", false},
		{"GET", "//evil.example/", "", 302, "/login", false},
		{"GET", "/login", "", 401, "", false},
		{"POST", "/orders", "", 401, "", false},
		{"GET", "/auth", alice, 200, "", true}, // the service's own
		{"GET", "/inspect", "", 302, "/login?ReturnUrl=%2Finspect", false},
		{"GET", "/.webfarm/auth", alice, 200, "", false},
		{"GET", "/.webfarm/auth", "", 401, "/login", false},
		{"GET", "/.webfarm/auth/envoy/a%2Fb", "", 302, "/login?ReturnUrl=%2Fa%252Fb", false},
		{"GET", "/.webfarm/", alice, 404, "", false},
		{"GET", "/.webfarm%2Fauth", alice, 200, "", true},
		{"GET", "/.webfarm%2Fauth", "", 302, "/login?ReturnUrl=%2F.webfarm%252Fauth", false},
		{"GET", "/.webfarmers", alice, 200, "", true},
		{"GET", "/a/../.webfarm/auth", alice, 200, "", true},
	}
	for _, tt := range tests {
		resp := fetch(t, tt.method, server.URL+tt.path, "Cookie", tt.cookie)
		_, n := s.last()
		if resp.StatusCode != tt.want || resp.Header.Get("Location") != tt.location ||
			(n == 1) != tt.reaches {
			t.Errorf("%s %s %.12q: %s to %q, %d requests reached the service", tt.method, tt.path,
				tt.cookie, resp.Status, resp.Header.Get("Location"), n)
		}
	}
	s.Close()
	if resp := fetch(t, "GET", server.URL+"/", "Cookie",
		alice); resp.StatusCode != http.StatusBadGateway {
		t.Errorf("without the service: %s", resp.Status)
	}
}

func TestProxyForwarded(t *testing.T) {
	said := []string{"X-Forwarded-For", "203.0.113.9", "X-Forwarded-Host", "shop.example.com",
		"X-Forwarded-Proto", "https"}
	for _, trust := range []bool{false, true} {
		g, server, s := newProxying(t, Options{TrustForwarded: trust})
		fetch(t, "GET", server.URL+"/", append(said, "Cookie", signedIn(t, g, user("Alice")))...)
		r, _ := s.last()
		got := []string{r.Header.Get("X-Forwarded-For"), r.Header.Get("X-Forwarded-Host"),
			r.Header.Get("X-Forwarded-Proto")}
		want := []string{"127.0.0.1", strings.TrimPrefix(server.URL, "http://"), "http"}
		if trust {
			want = []string{"203.0.113.9, 127.0.0.1", "shop.example.com", "https"}
		}
		if !slices.Equal(got, want) || r.Host != strings.TrimPrefix(server.URL, "http://") {
			t.Errorf("trust %v: %q, want %q; host %q", trust, got, want, r.Host)
		}
	}
}

// A renewal reaches the browser, unless the service sets the cookie itself.
func TestProxyRenewal(t *testing.T) {
	c := newClock()
	o := Options{}
	o.Site.Now = c.Now
	g, server, s := newProxying(t, o)
	alice := signedIn(t, g, user("Alice"))
	c.Move(6 * time.Hour)
	for answer, want := range map[string]struct {
		lines int
		ours  bool
	}{
		"":                        {1, true},
		"cart=1; Path=/":          {2, true},
		"FedAuthor=1":             {2, true},
		"FedAuth=; Max-Age=0":     {1, false},
		"fedauth1=AAAA":           {1, false},
		"FedAuth2=BBBB; HttpOnly": {1, false},
	} {
		s.answer = func(w http.ResponseWriter, _ *http.Request) {
			if answer != "" {
				w.Header().Add("Set-Cookie", answer)
			}
		}
		resp := fetch(t, "GET", server.URL+"/", "Cookie", alice)
		lines := resp.Header["Set-Cookie"]
		if len(lines) != want.lines || strings.HasPrefix(lines[0], "FedAuth=77u") != want.ours {
			t.Errorf("the service says %q: %.40q", answer, lines)
		}
	}
}

// A trailer does not become a header of the identity.
func TestProxyTrailer(t *testing.T) {
	g, server, s := newProxying(t, Options{})
	r, _ := http.NewRequest("POST", server.URL+"/", io.NopCloser(strings.NewReader("body")))
	r.Header.Set("Cookie", signedIn(t, g, user("Alice")))
	r.Trailer = http.Header{"X-Webfarm-User": {"root"}}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got, _ := s.last(); got.Trailer != nil || got.Header.Get("X-Webfarm-User") != "Alice" {
		t.Errorf("trailer %v, user %q", got.Trailer, got.Header.Get("X-Webfarm-User"))
	}
}

// Whatever a client writes on one connection, the service sees no request
// that the gateway did not let in, and no more than one for each answer.
func TestNoSmuggling(t *testing.T) {
	g, server, s := newProxying(t, Options{})
	alice := signedIn(t, g, user("Alice"))
	const inner = "GET /smuggled HTTP/1.1\r\nHost: x\r\nX-Webfarm-User: root\r\n\r\n"
	head := "POST / HTTP/1.1\r\nHost: x\r\nCookie: " + alice + "\r\n"
	for name, text := range map[string]string{
		"both lengths": head + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner,
		"two lengths": head + fmt.Sprintf("Content-Length: 0\r\nContent-Length: %d\r\n\r\n",
			len(inner)) + inner,
		"odd coding": head + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + inner,
		"coding twice": head +
			"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + inner,
		"blank before colon": head + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + inner,
		"folded":             head + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + inner,
		"signed length":      head + "Content-Length: +4\r\n\r\nabcd" + inner,
		"bare line feeds":    strings.ReplaceAll(head, "\r\n", "\n") + "Content-Length: 0\n\n" + inner,
		"header in the path": "GET /a HTTP/1.1\r\nX-Webfarm-User: root\r\n HTTP/1.1\r\nHost: x\r\n\r\n" + inner,
		"honest":             head + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(inner)) + inner,
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			// The last request closes the connection, if it is still there.
			text += "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: " +
				alice + "\r\n\r\n"
			if _, err := io.WriteString(conn, text); err != nil {
				t.Fatal(err)
			}
			answers := 0
			for in := bufio.NewReader(conn); ; {
				resp, err := http.ReadResponse(in, nil)
				if err != nil {
					break
				}
				io.Copy(io.Discard, resp.Body)
				if resp.StatusCode == http.StatusOK {
					answers++
				}
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, r := range s.requests {
				if r.URL.Path == "/smuggled" || r.Header.Get("X-Webfarm-User") != "Alice" {
					t.Errorf("the service got %s of %q", r.URL, r.Header.Get("X-Webfarm-User"))
				}
			}
			if len(s.requests) != answers || answers > 2 {
				t.Errorf("%d requests, %d answers", len(s.requests), answers)
			}
			s.requests, s.bodies = nil, nil
		})
	}
}

// A connection that changes its protocol goes through, with the identity.
func TestProxyUpgrade(t *testing.T) {
	g, server, s := newProxying(t, Options{})
	s.answer = func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn,
			"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello "+r.Header.Get("X-Webfarm-User"))
	}
	for cookie, want := range map[string]string{signedIn(t, g, user("Alice")): "hello Alice",
		"": ""} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn,
			"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, X-Webfarm-User\r\nUpgrade: websocket\r\nX-Webfarm-User: root\r\nCookie: "+cookie+"\r\n\r\n")
		in := bufio.NewReader(conn)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if want == "" {
			if resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("a stranger: %s", resp.Status)
			}
			continue
		}
		if text, _ := io.ReadAll(in); resp.StatusCode != http.StatusSwitchingProtocols ||
			string(text) != want {
			t.Errorf("%s, %q", resp.Status, text)
		}
	}
}

func TestUpstreamOptions(t *testing.T) {
	for _, bad := range []string{"", "localhost:80", "ftp://x", "http://", "http://u:p@x",
		"http://x?y", "http://x#y", "/path"} {
		u, err := url.Parse(bad)
		if err != nil {
			continue
		}
		o := Options{File: File{Path: t.TempDir() + "/web.config"}, Upstream: u}
		writeConfig(t, o.File.Path)
		if _, err := New(o); err == nil || strings.Contains(err.Error(), "u:p") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	o := Options{File: File{Path: t.TempDir() + "/web.config"}, Anonymous: true}
	writeConfig(t, o.File.Path)
	if _, err := New(o); err == nil {
		t.Error("strangers are let through to nowhere")
	}
}
