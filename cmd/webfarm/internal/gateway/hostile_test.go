package gateway

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
	"time"
)

// dial writes text to a server and returns its answers.
func dial(t testing.TB, server *httptest.Server, text string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

// A service that would change to HTTP/2 in clear text on request, as many can,
// would take whatever identity the client writes into the tunnel.
func TestProxyUpgradesToWebSocketOnly(t *testing.T) {
	g, server, s := newProxying(t, Options{})
	alice := signedIn(t, g, user("Alice"))
	for upgrade, want := range map[string]string{
		"websocket": "websocket", "WebSocket": "WebSocket", "h2c": "", "h2c, websocket": "",
		"websocket, h2c": "", "TLS/1.0": "", "CONNECT-UDP": "",
	} {
		_, in := dial(t, server,
			"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nUpgrade: "+upgrade+"\r\nCookie: "+alice+"\r\n\r\n")
		resp, err := http.ReadResponse(in, nil)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %v %v", upgrade, resp, err)
		}
		r, _ := s.last()
		if got := r.Header.Get("Upgrade"); got != want ||
			(r.Header.Get("Connection") != "") != (want != "") ||
			r.Header.Get("HTTP2-Settings") != "" {
			t.Errorf("%s: the service is asked for %q, %v", upgrade, got, r.Header)
		}
	}
}

// CONNECT would have the service, or a proxy on the way to it, open a tunnel to
// where the client likes.
func TestProxyRefusesConnect(t *testing.T) {
	for _, anonymous := range []bool{false, true} {
		g, server, s := newProxying(t, Options{Anonymous: anonymous})
		alice := signedIn(t, g, user("Alice"))
		for _, target := range []string{"intern.example:22", "/path"} {
			_, in := dial(t, server, "CONNECT "+target+
				" HTTP/1.1\r\nHost: intern.example:22\r\nCookie: "+alice+"\r\n\r\n")
			resp, err := http.ReadResponse(in, &http.Request{Method: "CONNECT"})
			if _, n := s.last(); err != nil ||
				resp.StatusCode != http.StatusMethodNotAllowed || n != 0 {
				t.Errorf("%s: %v, %v, %d requests reached the service", target, resp, err, n)
			}
		}
	}
}

// What the gateway says is in the answer and not in hints before it, and hints
// of the service take nothing away.
func TestProxyHintsBeforeTheAnswer(t *testing.T) {
	c := newClock()
	o := Options{}
	o.Site.Now = c.Now
	g, server, s := newProxying(t, o)
	alice := signedIn(t, g, user("Alice"))
	c.Move(6 * time.Hour)
	s.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusOK)
	}
	_, in := dial(t, server, "GET / HTTP/1.1\r\nHost: x\r\nCookie: "+alice+"\r\n\r\n")
	text := textproto.NewReader(in)
	status, _ := text.ReadLine()
	hints, err := text.ReadMIMEHeader()
	if err != nil || !strings.Contains(status, "103") || len(hints) != 1 {
		t.Errorf("%s, %v, %v", status, hints, err)
	}
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if h := resp.Header; h.Get("Vary") != "Cookie" || h.Get("Cache-Control") != "no-cache" ||
		len(h["Set-Cookie"]) != 1 {
		t.Errorf("%s: %v", resp.Status, h)
	}

	// The same where the service does not answer.
	s.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		panic(http.ErrAbortHandler)
	}
	resp = fetch(t, "GET", server.URL+"/", "Cookie", alice)
	if h := resp.Header; resp.StatusCode != http.StatusBadGateway || h.Get("Vary") != "Cookie" ||
		len(h["Set-Cookie"]) != 1 {
		t.Errorf("%s: %v", resp.Status, h)
	}
}

// Scripts can read every header of an answer but Set-Cookie.
func TestProxyHidesCookiesFromScripts(t *testing.T) {
	c := newClock()
	o := Options{}
	o.Site.Now = c.Now
	g, server, _ := newProxying(t, o)
	alice := signedIn(t, g, user("Alice"))
	c.Move(6 * time.Hour)
	for _, path := range []string{"/.webfarm/auth", "/.webfarm/auth/traefik",
		"/.webfarm/auth/envoy/", "/"} {
		resp := fetch(t, "GET", server.URL+path, "Cookie", alice)
		if len(resp.Header["Set-Cookie"]) != 1 {
			t.Errorf("%s: no renewal: %v", path, resp.Header)
		}
		for name, values := range resp.Header {
			if name != "Set-Cookie" && strings.Contains(strings.Join(values, "\n"), "FedAuth") {
				t.Errorf("%s: %s has a cookie", path, name)
			}
		}
	}
}

// Services that read headers from variables such as HTTP_X_FORWARDED_FOR take
// the variants for the header.
func TestProxyForwardedVariants(t *testing.T) {
	for _, trust := range []bool{false, true} {
		g, server, s := newProxying(t, Options{TrustForwarded: trust})
		fetch(t, "GET", server.URL+"/", "Cookie", signedIn(t, g, user("Alice")),
			"X_Forwarded_For", "203.0.113.9", "x-forwarded_host", "evil.example",
			"X.Forwarded.Proto", "https", "forwarded", "for=203.0.113.9")
		r, _ := s.last()
		for name := range r.Header {
			if strings.Contains(fold(name), "forwarded") &&
				!strings.HasPrefix(name, "X-Forwarded-") && !(trust && name == "Forwarded") {
				t.Errorf("trust %v: %s: %q", trust, name, r.Header[name])
			}
		}
	}
}

// What lenient readers of URLs take for another host is none to return to.
func TestReturnHostIsOneHost(t *testing.T) {
	s, err := newSignIn(SignInOptions{URL: "https://login.example.com/",
		Hosts: []string{".example.com", "app.example.net:8443"}})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{
		"a.example.com": true, "A.B.Example.Com": true, "app.example.net:8443": true,
		"example.com": false, "app.example.net": false, "a.example.com:8443": false,
		"evil.example:.example.com": false, "evil.example:80.example.com": false,
		"[::1].example.com": false, "[evil.example].example.com": false, ".example.com": false,
		"evil.example@a.example.com": false, "\u212a.example.com": false, "": false,
	} {
		if got := s.allows(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
	for _, bad := range []string{"a:b:c", "app.example.com:", "app.example.com:x",
		"app.example.com:99999", "[::1", "a]b", ".example.com:80:1"} {
		if _, err := newSignIn(SignInOptions{URL: "/login", Hosts: []string{bad}}); err == nil {
			t.Errorf("%q is taken for a host", bad)
		}
	}
	for _, good := range []string{"localhost", "[::1]", "[::1]:8080", "192.0.2.1:80",
		"a_b.example"} {
		if !isHost(good) {
			t.Errorf("%q is no host", good)
		}
	}
}

// A service below a path is all that a client reaches of its server.
func TestProxyStaysBelowThePathOfTheUpstream(t *testing.T) {
	s := newService(t)
	base, _ := url.Parse(s.URL + "/app")
	g := newGateway(t, Options{Upstream: base})
	server := httptest.NewServer(g.Handler())
	defer server.Close()
	alice := signedIn(t, g, user("Alice"))
	for path, want := range map[string]string{
		"/": "/app/", "/a/b": "/app/a/b", "/a..b/...": "/app/a..b/...", "/a%2Fb": "/app/a%2Fb",
		"/.well-known/x": "/app/.well-known/x", "/a?x=/../y": "/app/a?x=/../y",
		"/../secret": "", "/a/../../secret": "", "/..": "", "/a/%2e%2e/%2E./secret": "",
		"/..%2Fsecret": "", "/..%5csecret": "", "/.%2e\\secret": "", "/..;x/secret": "", "/./a": "",
	} {
		_, in := dial(t, server, "GET "+path+" HTTP/1.1\r\nHost: x\r\nCookie: "+alice+"\r\n\r\n")
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		r, n := s.last()
		if want == "" {
			if n != 0 || resp.StatusCode != http.StatusBadRequest {
				t.Errorf("%s: %s, %d requests reached the service", path, resp.Status, n)
			}
		} else if n != 1 || r.RequestURI != want {
			t.Errorf("%s: %d requests, %v", path, n, r)
		}
	}
}
