// Package examples_test builds the examples and runs them as their comments say.
package examples_test

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/internal/farm"
	"github.com/webfarm-go/webfarm/internal/farmtest"
)

// TestExamples runs each example on a site that newsite makes.
func TestExamples(t *testing.T) {
	farm.Need(t, farm.InstallGo, "go")
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", bin, "./...", "github.com/webfarm-go/webfarm/cmd/webfarm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	tests := map[string]func(*example){
		"newsite": newsite, "api": api, "signin": signIn, "halfmoved": halfMoved,
		"bearer": bearer, "roles": roles, "signout": signOut,
	}
	folders, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		if f.IsDir() && tests[f.Name()] == nil {
			t.Errorf("%s: no test", f.Name())
		}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &example{T: t, name: name, bin: bin, dir: t.TempDir()}
			e.read()
			if name != "newsite" {
				e.command(exec.Command(filepath.Join(bin, "newsite")))
			}
			test(e)
		})
	}
}

// example is one of the programs.
type example struct {
	*testing.T
	name, bin string
	dir       string     // the working directory
	runs      [][]string // the arguments of each line "go run" of its comment
	issues    [][]string // of each line "webfarm issue"
}

// read takes the lines of the comment, and looks at the form of the program.
func (e *example) read() {
	path := filepath.Join(e.name, "main.go")
	data, err := os.ReadFile(path)
	if err != nil {
		e.Fatal(err)
	}
	if n := bytes.Count(data, []byte("\n")); n > 100 {
		e.Errorf("%s has %d lines", path, n)
	}
	for i, line := range strings.Split(string(data), "\n") {
		n := utf8.RuneCountInString(strings.ReplaceAll(line, "\t", "    "))
		if n > 100 && !strings.Contains(line, " type=") {
			e.Errorf("%s:%d: %d columns", path, i+1, n)
		}
	}
	file, err := parser.ParseFile(token.NewFileSet(), path, data, parser.ParseComments)
	if err != nil {
		e.Fatal(err)
	}
	comment := strings.ReplaceAll(file.Doc.Text(), "\\\n", " ")
	if !strings.HasPrefix(comment, "Command "+e.name+" ") {
		e.Errorf("the comment begins %.40q", comment)
	}
	for line := range strings.Lines(comment) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "\tgo run ./"+e.name):
			e.runs = append(e.runs, words[3:])
		case strings.HasPrefix(line, "\twebfarm issue "):
			e.issues = append(e.issues, words[1:])
		}
	}
	if len(e.runs) == 0 {
		e.Error("the comment does not say how to run it")
	}
}

// command runs a command to its end and returns what it prints.
func (e *example) command(cmd *exec.Cmd) string {
	e.Helper()
	cmd.Dir = e.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		e.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	return string(out)
}

// issue runs the nth line "webfarm issue" of the comment, with more flags, and
// returns the header that it prints.
func (e *example) issue(n int, more ...string) http.Header {
	e.Helper()
	return e.header(append(e.issues[n], more...)...)
}

// header runs webfarm, and returns the header that it prints.
func (e *example) header(arguments ...string) http.Header {
	e.Helper()
	out := e.command(exec.Command(filepath.Join(e.bin, "webfarm"), arguments...))
	m := regexp.MustCompile(`(?m)^(Cookie|Authorization): (.*)$`).FindStringSubmatch(out)
	if m == nil {
		e.Fatalf("no header in\n%s", out)
	}
	return http.Header{m[1]: {m[2]}}
}

// server is a program that runs.
type server struct {
	*example
	*farm.Process
	url string
}

// start starts the program by the nth line "go run" of its comment, on a free
// port and with more flags, and waits until it answers.
func (e *example) start(n int, more ...string) *server {
	e.Helper()
	addr := fmt.Sprint("127.0.0.1:", farm.FreePort(e))
	arguments := append(append([]string{}, e.runs[n]...), "-addr", addr)
	cmd := exec.Command(filepath.Join(e.bin, e.name), append(arguments, more...)...)
	cmd.Dir = e.dir
	s := &server{e, farm.Start(e, e.name, cmd), "http://" + addr}
	for range 400 {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			return s
		}
		time.Sleep(50 * time.Millisecond)
	}
	e.Fatalf("%s does not answer:\n%s", e.name, s.Log())
	return nil
}

// ask sends a request, with a form if there is one.
func (s *server) ask(method, path string, header http.Header, form url.Values) *http.Response {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), method, s.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	client := http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	resp, err := client.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { resp.Body.Close() })
	return resp
}

// want asks, and wants an answer with that in its body.
func (s *server) want(method, path string, header http.Header, status int, body string) *http.Response {
	s.Helper()
	resp := s.ask(method, path, header, nil)
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	if resp.StatusCode != status || !strings.Contains(string(data), body) {
		s.Errorf("%s %s: %d %q, want %d and %q", method, path, resp.StatusCode, data, status, body)
	}
	return resp
}

func newsite(e *example) {
	run := func() ([]byte, error) {
		cmd := exec.Command(filepath.Join(e.bin, "newsite"))
		cmd.Dir = e.dir
		return cmd.CombinedOutput()
	}
	if out, err := run(); err != nil {
		e.Fatalf("%v: %s", err, out)
	}
	e.command(exec.Command(filepath.Join(e.bin, "webfarm"), "check", "-config", "web.config", "-keys", "keys"))
	if out, err := run(); err == nil {
		e.Errorf("it overwrites: %s", out)
	}
}

func api(e *example) {
	s := e.start(0)
	bob := e.issue(0)
	resp := s.want("GET", "/api/me", bob, 200, `"name":"bob"`)
	if got := resp.Header.Get("Content-Type"); got != "application/json" {
		e.Error(got)
	}
	s.want("DELETE", "/api/orders/7", bob, 200, `{"removed":"7"}`)
	eve := e.header("issue", "-config", "web.config", "-name", "eve", "-role", "sales")
	s.want("DELETE", "/api/orders/7", eve, 403, `{"error":"Forbidden"}`)
	s.want("GET", "/api/me", nil, 401, `{"error":"Unauthorized"}`)
	s.want("GET", "/api/me", http.Header{"Cookie": {"FedAuth=forged"}}, 401, `{"error":"Unauthorized"}`)
	foreign := bob.Clone()
	foreign.Set("Sec-Fetch-Site", "cross-site")
	s.want("DELETE", "/api/orders/7", foreign, 403, "")
}

func signIn(e *example) {
	s := e.start(0)
	m := regexp.MustCompile(`password: (\w+)`).FindStringSubmatch(s.Log())
	if m == nil {
		e.Fatalf("no password in %q", s.Log())
	}
	s.want("GET", "/", nil, 200, "Password")
	for _, wrong := range []url.Values{{"name": {"bob"}, "password": {"x"}}, {"name": {"eve"}, "password": {m[1]}}, {}} {
		if resp := s.ask("POST", "/signin", nil, wrong); resp.StatusCode != 403 || len(resp.Cookies()) != 0 {
			e.Errorf("%v: %d", wrong, resp.StatusCode)
		}
	}
	resp := s.ask("POST", "/signin", nil, url.Values{"name": {"bob"}, "password": {m[1]}})
	set := resp.Cookies()
	if resp.StatusCode != 303 || len(set) != 1 || set[0].Name != ".ASPXAUTH" {
		e.Fatalf("signed in: %d, %v", resp.StatusCode, set)
	}
	bob := http.Header{"Cookie": {set[0].Name + "=" + set[0].Value}}
	s.want("GET", "/", bob, 200, "Hello bob, of our staff")
	out := e.command(exec.Command(filepath.Join(e.bin, "webfarm"), "inspect", "-config", "web.config", "Cookie: "+bob.Get("Cookie")))
	if !strings.Contains(out, "staff|sales") {
		e.Errorf("the ticket: %s", out)
	}
	if resp := s.want("POST", "/signout", bob, 303, ""); len(resp.Cookies()) == 0 || resp.Cookies()[0].MaxAge >= 0 {
		e.Errorf("signed out: %v", resp.Cookies())
	}
}

func halfMoved(e *example) {
	node := func(name string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/signout.aspx" {
				http.SetCookie(w, &http.Cookie{Name: "FedAuth", Path: "/", MaxAge: -1})
			}
			fmt.Fprintf(w, "%s of %s got", r.URL.Path, name)
			for _, cookie := range []string{"FedAuth", ".AspNetCore.Cookies"} {
				if _, err := r.Cookie(cookie); err == nil {
					fmt.Fprintf(w, " %s", cookie)
				}
			}
		}))
		e.Cleanup(s.Close)
		return s.URL
	}
	s := e.start(0, "-old", node("the old half"), "-core", node("the new half"))
	bob, zoe := e.issue(0), e.issue(1, "-role", "admin")
	s.want("GET", "/orders", bob, 200, "orders of bob, admin: false")
	s.want("GET", "/orders", zoe, 200, "orders of zoe, admin: true")
	s.want("GET", "/orders", nil, 401, "Unauthorized")
	s.want("GET", "/shop/", nil, 200, "/shop/ of the new half got")
	set := map[string]string{}
	for _, c := range s.want("GET", "/shop/cart", bob, 200, "of the new half got FedAuth .AspNetCore.Cookies").Cookies() {
		set[c.Name] = c.Name + "=" + c.Value
	}
	s.want("GET", "/orders", http.Header{"Cookie": {set[".AspNetCore.Cookies"]}}, 200, "orders of bob")
	all := bob.Get("Cookie")
	for _, c := range set {
		all += "; " + c
	}
	out := s.want("GET", "/signout.aspx", http.Header{"Cookie": {all}}, 200, "got FedAuth .AspNetCore.Cookies")
	if lines := strings.Join(out.Header["Set-Cookie"], "\n"); !strings.Contains(lines, "\n.AspNetCore.Cookies=;") {
		e.Errorf("signed out on the old half: %s", lines)
	}
	for _, c := range s.want("GET", "/x.aspx", zoe, 200, "of the old half got FedAuth").Cookies() {
		set[c.Name] = c.Name + "=" + c.Value
	}
	s.want("GET", "/orders", http.Header{"Cookie": {set["FedAuth"]}}, 200, "orders of zoe, admin: true")
	both := http.Header{"Cookie": {bob.Get("Cookie") + "; " + zoe.Get("Cookie")}}
	deleted := map[string]bool{}
	for _, c := range s.want("POST", "/signout", both, 200, "signed out").Cookies() {
		deleted[c.Name] = c.MaxAge < 0 || c.Expires.Before(time.Now())
	}
	if !deleted["FedAuth"] || !deleted[".AspNetCore.Cookies"] {
		e.Errorf("deleted: %v", deleted)
	}
}

func bearer(e *example) {
	s := e.start(0)
	zoe := e.issue(0)
	s.want("GET", "/orders", zoe, 200, "orders of zoe")
	for _, header := range []http.Header{nil, e.issue(0, "-app", "Another"), {"Cookie": {"access=" + zoe.Get("Authorization")}}} {
		resp := s.want("GET", "/orders", header, 401, "Unauthorized")
		if got := resp.Header.Get("WWW-Authenticate"); got != "Bearer" {
			e.Errorf("WWW-Authenticate: %q", got)
		}
	}
}

func roles(e *example) {
	s := e.start(0)
	s.want("GET", "/health", nil, 200, "ok")
	for _, user := range []struct {
		more    []string
		allowed string // pages
	}{
		{nil, "/ /orders"}, // sales, by the comment
		{[]string{"-role", "admin"}, "/ /orders /admin/users"},
		{[]string{"-role", "admin", "-role", "chief"}, "/ /orders /admin/users /admin/salaries"},
		{[]string{"-claim", "email=bob@farm.example"}, "/ /orders /letters"},
	} {
		bob := e.issue(0, user.more...)
		for _, path := range []string{"/", "/orders", "/letters", "/admin/users", "/admin/salaries"} {
			status, body := 403, "Forbidden"
			for _, allowed := range strings.Fields(user.allowed) {
				if allowed == path {
					status, body = 200, ", for bob"
				}
			}
			s.want("GET", path, bob, status, body)
			s.want("GET", path, nil, 401, "Unauthorized")
		}
	}
}

func signOut(e *example) {
	redis := farmtest.StartRedis(e.T)
	services := []*server{e.start(0, "-redis", redis.Addr), e.start(1, "-redis", redis.Addr)}
	bob, other := e.issue(0), e.issue(0)
	for _, s := range services {
		s.want("GET", "/", bob, 200, "hello bob")
	}
	services[1].want("POST", "/signout", bob, 200, "signed out everywhere")
	for _, s := range services { // with a copy of the cookie
		s.want("GET", "/", bob, 401, "Unauthorized")
		s.want("GET", "/", other, 200, "hello bob")
	}
	redis.Kill(e.T)
	services[0].want("POST", "/signout", other, 503, "try again")
	services[0].want("GET", "/", other, 503, "Service Unavailable")
}
