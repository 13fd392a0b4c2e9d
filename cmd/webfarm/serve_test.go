package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/webfarm-go/webfarm/cmd/webfarm/internal/gateway"
	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
)

// served is a running gateway of the tool.
type served struct {
	t             *testing.T
	public, admin string
	log           testkit.Log
	stop          context.CancelFunc
	done          chan error
}

// fedAuthSection makes a web.config one of a site with FedAuth.
const fedAuthSection = `<system.identityModel><identityConfiguration><securityTokenHandlers>` +
	`<remove type="System.IdentityModel.Tokens.SessionSecurityTokenHandler, System.IdentityModel"/>` +
	`<add type="System.IdentityModel.Services.Tokens.MachineKeySessionSecurityTokenHandler, System.IdentityModel.Services"/>` +
	`</securityTokenHandlers></identityConfiguration></system.identityModel>` +
	`<system.identityModel.services><federationConfiguration><cookieHandler requireSsl="false" path="/"/></federationConfiguration></system.identityModel.services>` +
	`</configuration>`

// startServe runs "webfarm serve" on free ports until the test ends. The
// web.config of the working directory becomes that of a site with FedAuth.
func startServe(t *testing.T, args ...string) *served {
	t.Helper()
	text, err := os.ReadFile("web.config")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte("<authentication")) &&
		!bytes.Contains(text, []byte("<system.identityModel>")) {
		text = bytes.Replace(text, []byte("</configuration>"), []byte(fedAuthSection), 1)
		if err := os.WriteFile("web.config", text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return runServe(t, append([]string{"-config", "web.config"}, args...)...)
}

// runServe is startServe for any site.
func runServe(t *testing.T, args ...string) *served {
	t.Helper()
	s := &served{t: t, done: make(chan error, 1)}
	c := new(serve)
	var flags cobra.Command
	command{name: "serve", subcommand: c}.flags(flags.Flags())
	if err := flags.ParseFlags(twoDashes(&flags,
		append([]string{"-listen", "127.0.0.1:0", "-admin", "127.0.0.1:0", "-drain", "0s"},
			args...))); err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	c.listening = func(public, admin string) {
		s.public, s.admin = "http://"+public, "http://"+admin
		close(ready)
	}
	ctx, stop := context.WithCancel(t.Context())
	s.stop = stop
	std := streams{in: strings.NewReader(""), out: io.Discard, err: &s.log}
	std.json, _ = flags.Flags().GetBool("json")
	go func() { s.done <- c.run(ctx, nil, std) }()
	t.Cleanup(func() {
		stop()
		<-s.done
	})
	select {
	case <-ready:
	case err := <-s.done:
		s.done <- err
		t.Fatal(err)
	}
	return s
}

// get fetches an address as a browser does that follows no redirect.
func (s *served) get(address string, headers ...string) (*http.Response, string) {
	s.t.Helper()
	return s.do("GET", address, "", headers...)
}

func (s *served) do(method, address, form string, headers ...string) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequest(method, address, strings.NewReader(form))
	if err != nil {
		s.t.Fatal(err)
	}
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header[headers[i]] = []string{headers[i+1]} // as it is spelled
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp, string(body)
}

// issuedHeader returns a Cookie header made by "webfarm issue".
func issuedHeader(t *testing.T, args ...string) string {
	t.Helper()
	var made struct {
		CookieHeader string `json:"cookieHeader"`
	}
	r := tool(t, "", append([]string{"issue", "-config", "web.config", "-json"},
		args...)...).want(t, exitOK)
	if err := json.Unmarshal([]byte(r.out), &made); err != nil || made.CookieHeader == "" {
		t.Fatalf("issue: %v, %s", err, r.out)
	}
	return made.CookieHeader
}

// TestServeRing runs the gateway of a site on ASP.NET Core, without a web.config.
func TestServeRing(t *testing.T) {
	ring := t.TempDir()
	if err := os.WriteFile(filepath.Join(ring, "key-1.xml"),
		[]byte(testkit.CoreKey(1, time.Now(), seed.Of(t).Bytes(64))), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := []string{"-keys", ring, "-app", "Shop", "-scheme", "Identity.Application", "-cookie",
		".AspNet.SharedCookie"}
	s := runServe(t, append(flags, "-store", "memory", "-insecure-demo-signin")...)
	var made struct {
		CookieHeader string `json:"cookieHeader"`
	}
	r := tool(t, "", append([]string{"issue", "-kind", "core", "-name", "zoe", "-role", "admin",
		"-json"}, flags...)...).want(t, exitOK)
	if err := json.Unmarshal([]byte(r.out), &made); err != nil ||
		!strings.HasPrefix(made.CookieHeader, ".AspNet.SharedCookie=CfDJ8") {
		t.Fatalf("issue: %v, %s", err, r.out)
	}
	resp, _ := s.get(s.public+"/auth", "Cookie", made.CookieHeader)
	if resp.StatusCode != 200 || resp.Header.Get("X-Webfarm-User") != "zoe" ||
		resp.Header.Get("X-Webfarm-Roles") != "admin" {
		t.Errorf("auth: %d %v", resp.StatusCode, resp.Header)
	}
	if _, page := s.get(s.public+"/inspect", "Cookie", made.CookieHeader); !strings.Contains(page,
		"zoe") || !strings.Contains(page, "cookie of ASP.NET Core") {
		t.Errorf("inspect: %s", page)
	}
	if resp, _ := s.do("POST", s.public+"/signin", "user=alice"); resp.StatusCode != 303 ||
		!strings.HasPrefix(resp.Header.Get("Set-Cookie"), ".AspNet.SharedCookie=CfDJ8") {
		t.Errorf("sign-in: %d %v", resp.StatusCode, resp.Header)
	}
	if resp, _ := s.do("POST", s.public+"/signout", "", "Cookie",
		made.CookieHeader); resp.StatusCode != 303 {
		t.Errorf("sign-out: %d", resp.StatusCode)
	}
	if resp, _ := s.get(s.public+"/auth", "Cookie", made.CookieHeader); resp.StatusCode != 401 {
		t.Errorf("after the sign-out: %d", resp.StatusCode)
	}
}

// TestServeKeepAhead has serve make the next key of its ring, or say why it cannot.
func TestServeKeepAhead(t *testing.T) {
	ringFolder(t, keyWith(1, -80, -80, 10))
	s := runServe(t, "-keys", "keys", "-keep-ahead", "14d")
	o := listKeys(t, exitOK, "list", "-keys", "keys")
	if len(o.Keys) != 2 || o.Keys[0].State != "protecting" || o.Keys[1].State != "next" ||
		!o.Keys[1].Activated.Equal(o.Keys[0].Expires) {
		t.Errorf("%+v", o.Keys)
	}
	if log := s.log.String(); !strings.Contains(log, "not encrypted at rest") {
		t.Errorf("log %s", log)
	}
	runServe(t, "-keys", "keys", "-keep-ahead", "9d")
	if len(listKeys(t, exitOK, "list", "-keys", "keys").Keys) != 2 {
		t.Error("a key that nobody needs")
	}

	writeFile(t, "ring.xml", "<repository>"+keyWith(1, -1, -1, 80)+"</repository>")
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"-config", "web.config"}, "-keep-ahead goes with -keys"},
		{[]string{"-keys", "ring.xml"}, "ring.xml is one document, to which nothing is added"},
		{[]string{"-keys", "none"}, "no such file"},
		{[]string{"-keys", "/proc"}, "-keep-ahead: no key can be written to /proc"},
		{[]string{"-keys", "keys", "-keep-ahead", "90d"}, "must be less than the 90d"},
		{[]string{"-keys", "keys", "-keep-ahead", "x"}, "such as 14d"},
	}
	for _, tt := range tests {
		if tt.args[1] == "/proc" && runtime.GOOS != "linux" {
			continue // a folder that takes no file, also from root
		}
		r := tool(t, "", append([]string{"serve", "-keep-ahead", "14d"}, tt.args...)...)
		if r.code != exitUsage || !strings.Contains(r.err, tt.want) {
			t.Errorf("%q: %d %s", tt.args, r.code, r.err)
		}
	}
}

// TestServeWithoutKey has a ring without a key reported once, in the words of the command, by
// /readyz and by the log.
func TestServeWithoutKey(t *testing.T) {
	ringFolder(t)
	s := runServe(t, "-keys", "keys")
	const fault = "key ring: dataprotection: no key of the ring may protect now; " +
		"let a .NET node or \"webfarm keys new\" make one"
	resp, text := s.get(s.admin + "/readyz")
	if resp.StatusCode != 503 || text != "server: ok\n"+fault+"\n" {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
	s.stop()
	if err := <-s.done; err != nil {
		t.Error(err)
	}
	s.done <- nil
	log := s.log.String()
	if !strings.Contains(log, `level=WARN msg="gateway: not ready" why="key ring: `) ||
		strings.Contains(log, `"gateway: ready"`) || strings.Contains(log, "Ring.Keep") {
		t.Error(log)
	}
}

func TestServe(t *testing.T) {
	cfg := freshConfig(t)
	s := startServe(t, "-login-url", "/Account/Login", "-claim-header", "X-Mail=email", "-json")
	bob := issuedHeader(t, "-name", "Bob", "-role", "admin", "-claim", "email=bob@farm.example")

	resp, _ := s.get(s.public+"/auth", "Cookie", bob)
	if resp.StatusCode != 200 || resp.Header.Get("X-Webfarm-User") != "Bob" ||
		resp.Header.Get("X-Webfarm-Roles") != "admin" ||
		resp.Header.Get("X-Mail") != "bob@farm.example" {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
	if resp, _ := s.get(s.public+"/auth?role=boss", "Cookie", bob); resp.StatusCode != 403 {
		t.Errorf("without the role: %s", resp.Status)
	}
	if resp, _ := s.get(s.public + "/auth/envoy/a"); resp.StatusCode != 302 ||
		resp.Header.Get("Location") != "/Account/Login?ReturnUrl=%2Fa" {
		t.Errorf("not signed in: %s to %q", resp.Status, resp.Header.Get("Location"))
	}
	for address, want := range map[string]string{
		s.admin + "/healthz": "alive\n", s.admin + "/readyz": "server: ok\n", s.admin + "/metrics": "webfarm_answers_total",
	} {
		if resp, text := s.get(address); resp.StatusCode != 200 || !strings.Contains(text, want) {
			t.Errorf("%s: %s %q", address, resp.Status, text)
		}
	}
	if resp, text := s.get(s.public + "/"); resp.StatusCode != 401 ||
		text != "Nobody is signed in.\n" {
		t.Errorf("nobody: %s %q", resp.Status, text)
	}
	for _, asked := range [][]string{{"/?role=boss"}, {"/?role=admin"}, {"/?renew=no"},
		{"/", "X-Webfarm-Require-Role", "boss"}, {"/", "X-Webfarm-Renew", "no"},
		{"/", "X-Forwarded-Uri", "/a"}, {"/", "X-Forwarded-Method", "GET"}, {"/", "X-Original-Url",
			"http://x/a"}, {"/", "X-Original-Method", "GET"}} {
		if resp, _ := s.get(s.public+asked[0],
			append(asked[1:], "Cookie", bob)...); resp.StatusCode != 404 {
			t.Errorf("a proxy that asks at %q: %s", asked, resp.Status)
		}
	}
	if _, text := s.get(s.public+"/", "Cookie", bob); text != "Signed in as Bob.\n" {
		t.Errorf("who: %q", text)
	}
	if resp, _ := s.do("POST", s.public+"/signin", "user=alice"); resp.StatusCode == 303 {
		t.Error("anybody may sign in")
	}
	s.stop()
	if err := <-s.done; err != nil {
		t.Error(err)
	}
	s.done <- nil
	for line := range strings.Lines(s.log.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("the log has a line that is not JSON: %s", line)
		}
	}
	if log := s.log.String(); strings.Contains(log, "Bob") || strings.Contains(log, "bob@") {
		t.Errorf("the log names a user: %s", log)
	}
	noSecrets(t, cfg, s.log.String())
}

// The page is for the owner of the cookie, and shows nothing secret.
func TestServeInspect(t *testing.T) {
	cfg := freshConfig(t)
	s := startServe(t)
	bob := issuedHeader(t, "-name", "<b>Bob</b>", "-role", `"><script>alert(1)</script>`, "-claim",
		"urn:api:access_token=hush", "-claim", "urn:x=y")
	resp, page := s.get(s.public+"/inspect", "Cookie", bob)
	if resp.StatusCode != 200 {
		t.Fatal(resp.Status)
	}
	for _, want := range []string{"✓ accepted", "&lt;b&gt;Bob&lt;/b&gt;", "Machine key",
		"opened by key", "AES-256 and HMACSHA256", "urn:x", hidden,
		`lang="en"`, "<main", "prefers-color-scheme", "width=device-width", "Sign out"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, bad := range []string{"<b>Bob", "<script>", "hush", "urn:uuid", bob[8:60], "http://",
		"src=", "ZgotmplZ", "Sign in as"} {
		if strings.Contains(strings.ReplaceAll(page, "http://schemas.", ""), bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	noSecrets(t, cfg, page)
	h := resp.Header
	nonce := regexp.MustCompile(`nonce-([A-Z0-9]+)'`).FindStringSubmatch(h.Get("Content-Security-Policy"))
	if nonce == nil || strings.Count(page, `nonce="`+nonce[1]+`"`) != 1 ||
		strings.Contains(page, " style=") || strings.Contains(page, " on") &&
		regexp.MustCompile(`\son\w+=`).MatchString(page) {
		t.Errorf("policy %q does not fit the page", h.Get("Content-Security-Policy"))
	}
	if !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none';") ||
		h.Get("Cache-Control") != "no-store" ||
		h.Get("X-Content-Type-Options") != "nosniff" ||
		h.Get("Cross-Origin-Resource-Policy") != "same-origin" ||
		!strings.Contains(h.Get("Vary"), "Cookie") {
		t.Errorf("header: %v", h)
	}
	for name, cookie := range map[string]string{"refused": "FedAuth=77u/PD94bWwg",
		"not in this request": "a=b", "✗ refused": bob[:len(bob)-9] + "AAAAAAAAA"} {
		if resp, page := s.get(s.public+"/inspect", "Cookie", cookie); resp.StatusCode != 200 ||
			!strings.Contains(page, name) || strings.Contains(page, "✓ accepted") {
			t.Errorf("%s: %s", name, resp.Status)
		}
	}
	numbered := "FedAuth=A"
	for i := 1; i < 3500; i++ {
		numbered += fmt.Sprintf("; FedAuth%d=AAAA", i)
	}
	for _, many := range []string{strings.Repeat(".AspNet.A=AAAA; .AspNet.B=BBBB; .ASPXAUTH=00; ",
		200) + bob, numbered, strings.ReplaceAll(numbered[:40<<10], "FedAuth", ".AspNet.AC")} {
		if resp, page := s.get(s.public+"/inspect", "Cookie", many); resp.StatusCode != 200 ||
			len(page) > 80<<10 {
			t.Errorf("many cookies: %s, %d bytes", resp.Status, len(page))
		}
	}
}

// The page is for browsers on this machine, whatever a request says.
func TestServeInspectIsLocal(t *testing.T) {
	freshConfig(t)
	s := startServe(t, "-insecure-demo-signin")
	far := [][]string{
		{"Host", "shop.example.com"}, {"Host", "127.0.0.1.example.com"},
		{"Host", "localhost.example.com:80"}, {"X-Forwarded-For", "127.0.0.1"},
		{"Forwarded", "for=127.0.0.1"}, {"X-Real-Ip", "127.0.0.1"}, {"Via", "1.1 proxy"},
		{"X-Forwarded-Host", "localhost"}, {"X-Original-Url", "http://localhost/"},
		{"X-Client-IP", "127.0.0.1"}, {"x_client_ip", "127.0.0.1"},
		{"CF-Connecting-IP", "127.0.0.1"}, {"True-Client-IP", "127.0.0.1"}, {"Fastly-Client-IP", "127.0.0.1"},
		{"X-Cluster-Client-IP", "127.0.0.1"}, {"X_FORWARDED_FOR", "127.0.0.1"},
		{"X_Real_IP", "127.0.0.1"}, {"X-Rewrite-Url", "/"}, {"X-Forwarded", ""},
	}
	for _, headers := range far {
		if resp, _ := s.get(s.public+"/inspect", headers...); resp.StatusCode != 404 {
			t.Errorf("%q: %s", headers, resp.Status)
		}
		if resp, _ := s.do("POST", s.public+"/signin", "user=alice",
			headers...); resp.StatusCode != 404 || len(resp.Cookies()) > 0 {
			t.Errorf("sign-in, %q: %s", headers, resp.Status)
		}
	}
	for _, host := range []string{"localhost", "LOCALHOST:80", "127.0.0.1", "127.3.2.1:1",
		"[::1]:80", "[::1]"} {
		if resp, _ := s.get(s.public+"/inspect", "Host", host); resp.StatusCode != 200 {
			t.Errorf("%s: %s", host, resp.Status)
		}
	}
	r := httptest.NewRequest("GET", "http://localhost/inspect", nil)
	for peer, want := range map[string]bool{"192.0.2.1:1": false, "10.0.0.1:1": false, "": false,
		"@": false, "127.0.0.1:1": true, "[::1]:1": true, "[::ffff:127.0.0.1]:1": true, "[::ffff:10.0.0.1]:1": false} {
		if r.RemoteAddr = peer; isLocal(r) != want {
			t.Errorf("from %q: local %v", peer, !want)
		}
	}
	r.RemoteAddr = "127.0.0.1:1"
	for proto, want := range map[[2]int]bool{{1, 0}: false, {1, 1}: true, {2, 0}: true} {
		if r.ProtoMajor, r.ProtoMinor = proto[0], proto[1]; isLocal(r) != want {
			t.Errorf("HTTP/%v: local %v", proto, !want)
		}
	}

	open := startServe(t, "-inspect-allow")
	if resp, page := open.get(open.public+"/inspect", "Host",
		"shop.example.com"); resp.StatusCode != 200 || strings.Contains(page, "Sign in as") {
		t.Errorf("allowed: %s", resp.Status)
	}
}

// Sign-outs beyond -note-bytes fail, and the metric tells how many bytes they
// take.
func TestServeNoteBytes(t *testing.T) {
	freshConfig(t)
	s := startServe(t, "-store", "memory", "-note-bytes", "500")
	noteBytes := func() string {
		_, text := s.get(s.admin + "/metrics")
		_, value, _ := strings.Cut(text, "\nwebfarm_store_note_bytes ")
		value, _, _ = strings.Cut(value, "\n")
		return value
	}
	if got := noteBytes(); got != "0" {
		t.Errorf("%q bytes at the start", got)
	}
	alice, bob := issuedHeader(t, "-name", "Alice"), issuedHeader(t, "-name", "Bob")
	if resp, _ := s.do("POST", s.public+"/signout", "", "Cookie", alice); resp.StatusCode != 303 {
		t.Errorf("sign-out: %s", resp.Status)
	}
	first := noteBytes()
	if n, err := strconv.Atoi(first); err != nil || n < 250 || n > 500 {
		t.Errorf("one sign-out takes %q bytes", first)
	}
	if resp, _ := s.do("POST", s.public+"/signout", "", "Cookie", bob); resp.StatusCode != 503 ||
		len(resp.Cookies()) > 0 {
		t.Errorf("sign-out without room: %s", resp.Status)
	}
	if got := noteBytes(); got != first {
		t.Errorf("%q bytes after a sign-out that failed, %q before", got, first)
	}
	if resp, _ := s.get(s.public+"/auth", "Cookie", bob); resp.StatusCode != 200 {
		t.Errorf("whose sign-out failed: %s", resp.Status)
	}
}

// The sign-in for trying out, and out again, as a browser does it.
func TestServeDemoSignIn(t *testing.T) {
	freshConfig(t)
	s := startServe(t, "-insecure-demo-signin", "-store", "memory")
	_, page := s.get(s.public + "/inspect")
	if !strings.Contains(page, "Sign in as Alice Weber") || strings.Contains(page, "Sign out") {
		t.Error("the page has no sign-in")
	}
	for _, u := range demoUsers() {
		resp, _ := s.do("POST", s.public+"/signin", url.Values{"user": {u.ID}}.Encode())
		if resp.StatusCode != 303 || resp.Header.Get("Location") != "/inspect" {
			t.Fatalf("%s to %q", resp.Status, resp.Header.Get("Location"))
		}
		var pairs []string
		for _, c := range resp.Cookies() {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
		cookie := strings.Join(pairs, "; ")
		if _, page := s.get(s.public+"/inspect", "Cookie",
			cookie); !strings.Contains(page, u.Email) {
			t.Errorf("%s is not on the page", u.Name)
		}
		if resp, _ := s.do("POST", s.public+"/signout", "", "Cookie", cookie, "Sec-Fetch-Site",
			"cross-site"); resp.StatusCode != 403 {
			t.Errorf("another site signs out: %s", resp.Status)
		}
		if resp, _ := s.get(s.public+"/signout", "Cookie", cookie); resp.StatusCode != 405 {
			t.Errorf("a link signs out: %s", resp.Status)
		}
		resp, _ = s.do("POST", s.public+"/signout", "", "Cookie", cookie)
		if resp.StatusCode != 303 || len(resp.Cookies()) != len(pairs) {
			t.Errorf("sign-out: %s, %d cookies", resp.Status, len(resp.Cookies()))
		}
		if resp, _ := s.get(s.public+"/auth", "Cookie", cookie); resp.StatusCode != 401 {
			t.Errorf("a copy of the cookie after the sign-out: %s", resp.Status)
		}
	}
	for _, form := range []string{"user=mallory", "", strings.Repeat("x", 9000)} {
		if resp, _ := s.do("POST", s.public+"/signin", form); resp.StatusCode != 400 ||
			len(resp.Cookies()) > 0 {
			t.Errorf("%.20q: %s", form, resp.Status)
		}
	}
	if resp, _ := s.do("POST", s.public+"/signin", "user=alice", "Sec-Fetch-Site",
		"cross-site"); resp.StatusCode != 403 || len(resp.Cookies()) > 0 {
		t.Errorf("another site signs in: %s", resp.Status)
	}
}

// A key that came while the gateway runs is named on the page.
func TestServeNewKey(t *testing.T) {
	freshConfig(t)
	s := startServe(t, "-watch", "2ms")
	before := issuedHeader(t, "-name", "Bob")
	text, err := os.ReadFile("web.config")
	if err != nil {
		t.Fatal(err)
	}
	key := regexp.MustCompile(`<machineKey[^>]*/>`)
	fresh := key.FindString(tool(t, "", "keygen").want(t, exitOK).out)
	if err := os.WriteFile("next.config", key.ReplaceAll(text, []byte(fresh)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename("next.config", "web.config"); err != nil {
		t.Fatal(err)
	}
	after := issuedHeader(t, "-name", "Carol")
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if resp, _ := s.get(s.public+"/auth", "Cookie", after); resp.StatusCode == 200 {
			break
		} else if time.Now().After(end) {
			t.Fatal("the new key is not there")
		}
	}
	for _, cookie := range []string{before, after} {
		if _, page := s.get(s.public+"/inspect", "Cookie", cookie); !strings.Contains(page,
			"✓ accepted") || !strings.Contains(page, "opened by key") {
			t.Error("the page does not name the key")
		}
	}
}

// Forms tickets have no room for the demo's claims.
func TestServeForms(t *testing.T) {
	formsConfig(t, `timeout="30"`)
	s := startServe(t, "-insecure-demo-signin")
	resp, _ := s.do("POST", s.public+"/signin", "user=carol")
	if resp.StatusCode != 303 || len(resp.Cookies()) != 1 {
		t.Fatalf("%s, %d cookies", resp.Status, len(resp.Cookies()))
	}
	cookie := resp.Cookies()[0].Name + "=" + resp.Cookies()[0].Value
	if _, page := s.get(s.public+"/inspect", "Cookie", cookie); !strings.Contains(page,
		"Carol Jensen") || !strings.Contains(page, "Renewed in use from") {
		t.Error("the page does not show the ticket")
	}
	katana := issuedHeader(t, "-name", "Bob", "-kind", "katana")
	if _, page := s.get(s.public+"/inspect", "Cookie", cookie+"; "+katana); !strings.Contains(page,
		"Credentials of this request") || strings.Count(page, "✓ accepted") != 2 {
		t.Error("the page does not show both")
	}
}

func TestServeUsage(t *testing.T) {
	freshConfig(t)
	text, _ := os.ReadFile("web.config")
	os.WriteFile("site.config", bytes.Replace(text, []byte("</configuration>"),
		[]byte(fedAuthSection), 1), 0o600)
	const config = "-config=site.config"
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "-config is missing"},
		{[]string{config, config}, "more than once"},
		{[]string{config, "now"}, `unexpected argument "now"`},
		{[]string{"-config=none.config"}, "none.config"},
		{[]string{"-config=web.config"}, "no credential to accept"},
		{[]string{config, "-listen", "nowhere:x"}, "-listen"},
		{[]string{config, "-listen", "127.0.0.1:0", "-admin", "nowhere:x"}, "-admin"},
		{[]string{config, "-older", ""}, "-older or -next is empty"},
		{[]string{config, "-log-format", "xml"}, "-log-format"},
		{[]string{config, "-store", "redis"}, "-store"},
		{[]string{config, "-note-bytes", "1000"}, "-note-bytes goes with -store memory"},
		{[]string{config, "-store", "memory", "-note-bytes", "0"}, "out of range"},
		{[]string{config, "-sliding", "maybe"}, "-sliding"},
		{[]string{config, "-claim-header", "X-Mail"}, "-claim-header"},
		{[]string{config, "-claim-header", "X-Mail=magic"}, "-claim-header"},
		{[]string{config, "-user-header", "Cookie"}, "identity header"},
		{[]string{config, "-require-role", ""}, "list of roles"},
		{[]string{config, "-login-url", "//evil.example"}, "sign-in"},
		{[]string{config, "-return-host", "a"}, "sign-in"},
		{[]string{config, "-upstream", "ftp://x"}, "upstream"},
		{[]string{config, "-upstream", "http://%zz"}, "-upstream"},
		{[]string{config, "-anonymous"}, "-upstream"},
		{[]string{config, "-drain", "-1s"}, "such as 14d, 36h or 90m"},
		{[]string{config, "-max-lifetime", "14d", "-watch", "0d"}, "out of range"},
		{[]string{config, "-body-idle", "0s"}, "out of range"},
		{[]string{config, "-insecure-demo-signin", "-listen", ":8080"}, "loopback"},
		{[]string{config, "-insecure-demo-signin", "-listen", "0.0.0.0:8080"}, "loopback"},
		{[]string{config, "-insecure-demo-signin", "-listen", "192.0.2.1:8080"}, "loopback"},
		{[]string{config, "-inspect-allow", "-allow-insecure"}, "-inspect-allow"},
	} {
		r := tool(t, "", append([]string{"serve"}, tt.args...)...)
		if r.code != exitUsage || !strings.Contains(r.err, tt.want) ||
			strings.Contains(r.err, "webfarm: webfarm") {
			t.Errorf("%q: exit code %d, %q", tt.args, r.code, r.err)
		}
	}
}

// The demo shows the same page on both nodes.
func TestDemoInspect(t *testing.T) {
	f := newTestFarm(t, freshKeys(t))
	b := newBrowser(t, f.URL)
	b.post("/signin", url.Values{"user": {"carol"}})
	for range 2 {
		b.get("/inspect")
		b.holds("What is in your cookie", "✓ accepted", "Carol Jensen", "3 cookies",
			"webfarm demo, node "+b.node, "Kept")
		if strings.Contains(b.body, "Sign in as") || strings.Contains(b.body, "FedAuth=") {
			t.Error("the page shows too much")
		}
	}
}

// While the file says another key than the ring, nothing is remembered of it,
// however often the page is asked for.
func TestInspectRemembersKeysOfTheRingOnly(t *testing.T) {
	freshConfig(t)
	g, err := gateway.New(gateway.Options{File: gateway.File{Path: "web.config"},
		Site: cookie.SiteOptions{Credentials: []cookie.Credential{{Kind: cookie.KindKatana,
			AuthenticationType: "ApplicationCookie"}}}})
	if err != nil {
		t.Fatal(err)
	}
	keys := keyFlags{configFlags: configFlags{config: []string{"web.config"}}}
	_, site, files, err := keys.load()
	if err != nil {
		t.Fatal(err)
	}
	p := &gatewayPages{gateway: g, keys: keys, site: site, files: files}
	for range 3 { // keys that the file has no more
		cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
		if err != nil {
			t.Fatal(err)
		}
		key, err := machinekey.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Site().Ring().Replace(key); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			if _, files := p.farm(); len(files) != 1 {
				t.Fatalf("%d keys are remembered, and there was one", len(files))
			}
		}
	}
}

// A sign-out is remembered however many others there are.
func TestServeMemoryForgetsNoSignOut(t *testing.T) {
	var s serve
	s.define(pflag.NewFlagSet("serve", pflag.ContinueOnError))
	s.store, s.keys.config = "memory", []string{"web.config"}
	o, err := s.options(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(time.Hour)
	for i := range 20_000 + 2 {
		if err := o.Site.Sessions.Store.Put(t.Context(), fmt.Sprint(i), nil, until); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := o.Site.Sessions.Store.Get(t.Context(), "0"); err != nil {
		t.Error(err)
	}
}
