package gateway

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/sessiontoken"
)

// nginx is a running nginx with the configuration of docs/gateway.md.
type nginx struct {
	gateway *Gateway
	front   *httptest.Server // of the gateway
	service *service
	store   *brokenStore
	clock   *testkit.Clock
	url     string
	config  string
}

// startNginx starts nginx from its binary alone, with files of its own.
func startNginx(t *testing.T, o Options) *nginx {
	t.Helper()
	binary, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("nginx is not installed: apt-get install nginx-light")
	}
	n := &nginx{store: &brokenStore{Store: sessiontoken.NewMemoryStore(nil)},
		service: newService(t), clock: newClock()}
	o.SignIn.URL = "/Account/Login"
	o.Site.Sessions.Store, o.Site.Now = n.store, n.clock.Now
	n.gateway = newGateway(t, o)
	n.front = httptest.NewServer(n.gateway.Handler())
	t.Cleanup(n.front.Close)

	text, err := os.ReadFile("../../../../docs/gateway.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```nginx\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) != 2 {
		t.Fatalf("docs/gateway.md has %d configurations of nginx", len(blocks))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	n.url = "http://" + address
	config := blocks[0][1]
	if o.Site.Bridge != nil {
		roles := "        proxy_set_header X-Webfarm-Roles $webfarm_roles;\n"
		config = strings.Replace(config, roles, roles+blocks[1][1], 1)
	}
	for old, now := range map[string]string{
		"listen 80;":     "listen " + address + ";",
		"127.0.0.1:8080": strings.TrimPrefix(n.front.URL, "http://"),
		"127.0.0.1:3000": strings.TrimPrefix(n.service.URL, "http://"),
	} {
		if strings.Count(config, old) != 1 {
			t.Fatalf("the configuration says %q %d times", old, strings.Count(config, old))
		}
		config = strings.Replace(config, old, now, 1)
	}
	n.config = config

	folder := t.TempDir()
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "nginx.conf")
	main := fmt.Sprintf(`daemon off;
worker_processes 1;
pid %[1]s/pid;
error_log %[1]s/error.log info;
events {}
http {
    access_log off;
    client_body_temp_path %[1]s/body;
    proxy_temp_path %[1]s/proxy;
    fastcgi_temp_path %[1]s/fastcgi;
    uwsgi_temp_path %[1]s/uwsgi;
    scgi_temp_path %[1]s/scgi;
%[2]s}
`, folder, config)
	if os.Geteuid() == 0 {
		main = "user root;\n" + main
	}
	if err := os.WriteFile(path, []byte(main), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(binary, "-t", "-c", path, "-p", folder, "-e",
		folder+"/error.log").CombinedOutput(); err != nil {
		t.Fatalf("nginx does not take the configuration: %v\n%s", err, out)
	}
	cmd := exec.Command(binary, "-c", path, "-p", folder, "-e", folder+"/error.log")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt) // a fast shutdown, workers too
		cmd.Wait()
	})
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			return n
		}
		if time.Now().After(end) {
			log, _ := os.ReadFile(folder + "/error.log")
			t.Fatalf("nginx does not listen: %s", log)
		}
	}
}

// The configuration of the documentation, with the real nginx.
func TestNginx(t *testing.T) {
	n := startNginx(t, Options{})
	alice := signedIn(t, n.gateway, user("Älice, W.", "Sales", "A,B"))
	navigate := []string{"Sec-Fetch-Mode", "navigate", "Accept", "text/html"}

	t.Run("signed in", func(t *testing.T) {
		resp := fetch(t, "GET", n.url+"/orders?id=1", "Cookie", alice)
		r, count := n.service.last()
		if resp.StatusCode != http.StatusOK || count != 1 || r.RequestURI != "/orders?id=1" {
			t.Fatalf("%s, %d requests", resp.Status, count)
		}
		if u, roles := r.Header["X-Webfarm-User"], r.Header["X-Webfarm-Roles"]; !slices.Equal(u,
			[]string{"%C3%84lice%2C%20W."}) || !slices.Equal(roles, []string{"Sales,A%2CB"}) {
			t.Errorf("user %q, roles %q", u, roles)
		}
		if len(resp.Header["Set-Cookie"]) > 0 || resp.Header.Get("X-Webfarm-User") != "" {
			t.Errorf("the browser got %v", resp.Header)
		}
	})
	t.Run("a post", func(t *testing.T) {
		req, _ := http.NewRequest("POST", n.url+"/orders", strings.NewReader("body"))
		req.Header.Set("Cookie", alice)
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		n.service.mu.Lock()
		bodies := n.service.bodies
		n.service.mu.Unlock()
		if r, _ := n.service.last(); r == nil || r.Method != "POST" ||
			!slices.Equal(bodies, []string{"body"}) {
			t.Errorf("%s, bodies %q", resp.Status, bodies)
		}
	})
	t.Run("forged", func(t *testing.T) {
		forged := []string{"X-Webfarm-User", "root", "x-webfarm-roles", "admin", "X_Webfarm_User",
			"root", "X.Webfarm.User", "root", "Connection", "X-Webfarm-User", "X-Original-URL",
			"http://evil.example/", "X-Webfarm-Set-Cookie-1", "x=y"}
		fetch(t, "GET", n.url+"/", append(forged, "Cookie", alice)...)
		r, _ := n.service.last()
		if r == nil {
			t.Fatal("no request")
		}
		for name, values := range r.Header {
			if f := fold(name); f == "x-webfarm-user" &&
				!slices.Equal(values, []string{"%C3%84lice%2C%20W."}) ||
				f == "x-webfarm-roles" && !slices.Equal(values, []string{"Sales,A%2CB"}) {
				t.Errorf("%s: %q", name, values)
			}
		}
		bob := signedIn(t, n.gateway, user("")) // nothing to say: nothing of the client either
		fetch(t, "GET", n.url+"/", append(forged, "Cookie", bob)...)
		if r, _ := n.service.last(); r != nil &&
			(r.Header.Get("X-Webfarm-User") != "" || r.Header.Get("X-Webfarm-Roles") != "") {
			t.Errorf("user %q, roles %q", r.Header.Get("X-Webfarm-User"),
				r.Header.Get("X-Webfarm-Roles"))
		}
		if resp := fetch(t, "GET", n.url+"/", forged...); resp.StatusCode == http.StatusOK {
			t.Errorf("without a cookie: %s", resp.Status)
		}
		if _, count := n.service.last(); count != 0 {
			t.Errorf("%d requests without a cookie", count)
		}
	})
	t.Run("not signed in", func(t *testing.T) {
		resp := fetch(t, "GET", n.url+"/orders?id=1&x=%2F", navigate...)
		if resp.StatusCode != http.StatusFound ||
			resp.Header.Get("Location") != "/Account/Login?ReturnUrl=%2Forders%3Fid%3D1%26x%3D%252F" {
			t.Errorf("a browser: %s to %q", resp.Status, resp.Header.Get("Location"))
		}
		if resp := fetch(t, "GET", n.url+"/orders", "Sec-Fetch-Mode",
			"cors"); resp.StatusCode != http.StatusUnauthorized ||
			resp.Header.Get("Location") != "" {
			t.Errorf("a script: %s to %q", resp.Status, resp.Header.Get("Location"))
		}
		if resp := fetch(t, "POST", n.url+"/orders",
			navigate...); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("a form: %s", resp.Status)
		}
		if resp := fetch(t, "GET", n.url+"//evil.example/",
			navigate...); resp.Header.Get("Location") != "/Account/Login" {
			t.Errorf("an open redirect: %q", resp.Header.Get("Location"))
		}
		if _, count := n.service.last(); count != 0 {
			t.Errorf("%d requests reached the service", count)
		}
	})
	t.Run("a role is missing", func(t *testing.T) {
		if resp := fetch(t, "GET", n.url+"/", "Cookie", alice, headerRequireRole,
			"Admin"); resp.StatusCode != http.StatusForbidden {
			t.Error(resp.Status)
		}
	})
	t.Run("not for clients", func(t *testing.T) {
		if resp := fetch(t, "GET", n.url+"/_webfarm", "Cookie",
			alice); resp.StatusCode != http.StatusNotFound {
			t.Error(resp.Status)
		}
	})
	t.Run("renewal", func(t *testing.T) {
		for _, p := range []*sessiontoken.Principal{user("Alice"), user("Carol", manyRoles(90)...),
			user("Dora", manyRoles(210)...)} {
			before := signedIn(t, n.gateway, p)
			n.clock.Move(6 * time.Hour)
			resp := fetch(t, "GET", n.url+"/", "Cookie", before)
			if resp.StatusCode != http.StatusOK ||
				len(resp.Header["Set-Cookie"]) != strings.Count(before, ";")+1 {
				t.Fatalf("%s: %s with %d cookies for %d", p.Name(), resp.Status,
					len(resp.Header["Set-Cookie"]), strings.Count(before, ";")+1)
			}
			n.clock.Move(5 * time.Hour) // the old session is over
			if again := fetch(t, "GET", n.url+"/", "Cookie",
				cookieHeader(resp.Cookies())); again.StatusCode != http.StatusOK {
				t.Errorf("%s: with the renewed session: %s", p.Name(), again.Status)
			}
			if r, _ := n.service.last(); r == nil || r.Header.Get("X-Webfarm-User") != p.Name() {
				t.Errorf("%s: the service knows somebody else", p.Name())
			}
		}
	})
	t.Run("the service's own errors", func(t *testing.T) {
		alice := signedIn(t, n.gateway, user("Alice"))
		for _, status := range []int{401, 403, 500, 503} {
			n.service.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
			if resp := fetch(t, "GET", n.url+"/",
				append(navigate, "Cookie", alice)...); resp.StatusCode != status {
				t.Errorf("%d became %s", status, resp.Status)
			}
		}
		n.service.answer = nil
		n.service.last()
	})
	t.Run("undecided", func(t *testing.T) {
		alice := signedIn(t, n.gateway, user("Alice"))
		n.store.fail(true)
		if resp := fetch(t, "GET", n.url+"/",
			append(navigate, "Cookie",
				alice)...); resp.StatusCode != http.StatusServiceUnavailable ||
			len(resp.Header["Set-Cookie"]) > 0 {
			t.Errorf("without the store: %s", resp.Status)
		}
		n.store.fail(false)
		if resp := fetch(t, "GET", n.url+"/", "Cookie", alice); resp.StatusCode != http.StatusOK {
			t.Errorf("with the store again: %s", resp.Status)
		}
		n.service.last()
		n.front.Close()
		if resp := fetch(t, "GET", n.url+"/", "Cookie",
			alice); resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("without the gateway: %s", resp.Status)
		}
		if _, count := n.service.last(); count != 0 {
			t.Errorf("%d requests reached the service", count)
		}
	})
}

// The configuration copies as many cookies as the gateway writes.
func TestNginxCookies(t *testing.T) {
	text, err := os.ReadFile("../../../../docs/gateway.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"$upstream_http_x_webfarm_set_cookie_",
		"add_header Set-Cookie $webfarm_cookie"} {
		if n := strings.Count(string(text), line); n != maxSetCookies {
			t.Errorf("%q stands there %d times, want %d", line, n, maxSetCookies)
		}
	}
}
