package docs_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/farm"
	"github.com/webfarm-go/webfarm/internal/farmtest"
	"github.com/webfarm-go/webfarm/internal/seed"
	"github.com/webfarm-go/webfarm/internal/testkit"
	"github.com/webfarm-go/webfarm/machinekey"
)

// snippet is one fenced block of a document.
type snippet struct {
	file, lang string
	line       int    // of its first line
	refused    string // from a comment <!-- refused: … --> in front
	text       string
}

func (s snippet) String() string { return fmt.Sprintf("%s:%d", s.file, s.line) }

// snippets returns the blocks of a language in the documents.
func snippets(t *testing.T, lang string) []snippet {
	t.Helper()
	files, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	var list []snippet
	for _, file := range append(files, "README.md", "SECURITY.md") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("(?sm)^(?:<!-- refused: ([^\n]*) -->\n)?```"+lang+"\n(.*?)^```$").FindAllSubmatchIndex(data, -1) {
			s := snippet{file: file, lang: lang, text: string(data[m[4]:m[5]])}
			s.line = 1 + strings.Count(string(data[:m[4]]), "\n")
			if m[2] >= 0 {
				s.refused = string(data[m[2]:m[3]])
			}
			list = append(list, s)
		}
	}
	if len(list) == 0 {
		t.Fatalf("no %s snippets", lang)
	}
	return list
}

// freshKey returns a function that puts keys in the place of the words that
// stand for them in the documents, always the same ones.
func freshKey(t *testing.T) func(string) string {
	t.Helper()
	cfg, err := machinekey.Generate(machinekey.HMACSHA256, machinekey.AES)
	if err != nil {
		t.Fatal(err)
	}
	key := regexp.MustCompile(`(validation|decryption)Key="([0-9A-F]+)"`).FindAllStringSubmatch(cfg.WebConfig(), -1)
	if len(key) != 2 {
		t.Fatalf("%d keys", len(key))
	}
	values := map[string]string{key[0][1]: key[0][2], key[1][1]: key[1][2]}
	return strings.NewReplacer("VALIDATION-KEY", values["validation"], "DECRYPTION-KEY", values["decryption"]).Replace
}

// handlerElements make WIF sessions readable, for snippets that do not say it.
const handlerElements = `<system.identityModel><identityConfiguration><securityTokenHandlers>
<remove type="System.IdentityModel.Tokens.SessionSecurityTokenHandler, System.IdentityModel" />
<add type="System.IdentityModel.Services.Tokens.MachineKeySessionSecurityTokenHandler, System.IdentityModel.Services" />
</securityTokenHandlers></identityConfiguration></system.identityModel>`

// wholeFile completes a snippet of some sections to a web.config.
func wholeFile(text string) string {
	if strings.Contains(text, "<configuration>") {
		return text
	}
	if strings.Contains(text, "<machineKey") && !strings.Contains(text, "<system.web>") {
		text = "<system.web>" + text + "</system.web>"
	}
	if !strings.Contains(text, "<machineKey") {
		text += `<system.web><machineKey configSource="machineKey.config" /></system.web>`
	}
	if !strings.Contains(text, "<securityTokenHandlers>") && !strings.Contains(text, `<authentication mode="Forms"`) {
		text += handlerElements
	}
	return "<configuration>\n" + text + "\n</configuration>"
}

// TestConfigSnippets loads every XML snippet of the documents as a site, with
// a fresh key. One that a comment calls refused must be, for that reason.
func TestConfigSnippets(t *testing.T) {
	for _, s := range snippets(t, "xml") {
		dir := t.TempDir()
		keys := freshKey(t)
		put(t, dir, "machineKey.config", keys(`<machineKey validation="HMACSHA256" decryption="AES" validationKey="VALIDATION-KEY" decryptionKey="DECRYPTION-KEY" />`))
		put(t, dir, "web.config", keys(wholeFile(s.text)))
		site, err := cookie.LoadSite(filepath.Join(dir, "web.config"), nil)
		switch {
		case s.refused == "" && err != nil:
			t.Errorf("%v: %v", s, err)
		case s.refused == "" && site.Sessions() == nil:
			t.Errorf("%v: nobody can sign in", s)
		case s.refused != "" && err == nil:
			t.Errorf("%v: accepted, want %s", s, s.refused)
		case s.refused != "":
			var e *machinekey.ConfigError
			if !(errors.As(err, &e) && e.Code == s.refused) && !strings.Contains(err.Error(), s.refused) {
				t.Errorf("%v: %v, want %s", s, err, s.refused)
			}
		}
	}
}

// TestNoKeysInDocuments keeps anything that could be pasted as a key out.
func TestNoKeysInDocuments(t *testing.T) {
	files, _ := filepath.Glob("docs/*.md")
	for _, file := range append(files, "README.md", "SECURITY.md", "CONTRIBUTING.md") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if m := regexp.MustCompile(`[0-9A-Fa-f]{40,}`).Find(data); m != nil {
			t.Errorf("%s: %.12s… looks like a key", file, m)
		}
	}
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// build compiles a package of this tree and returns the path of the program, a
// copy of what "go run" keeps in its cache: "go build" would link it anew.
func build(t *testing.T, path string, more ...string) string {
	t.Helper()
	farm.Need(t, farm.InstallGo, "go")
	program := filepath.Join(t.TempDir(), filepath.Base(path))
	args := append(append([]string{"run", "-exec", "cp"}, more...), path, program)
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Fatalf("go run %s: %v\n%.500s", path, err, out)
	}
	return program
}

// buildSource compiles a program, of one file, as if it stood in a folder of
// this tree. It is compiled when it has changed, which it would be each time in
// a folder of its own.
func buildSource(t *testing.T, name, source string) string {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put(t, dir, "main.go", source)
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		filepath.Join(root, "docs", name, "main.go"): filepath.Join(dir, "main.go")}})
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "overlay.json", string(overlay))
	return build(t, "./docs/"+name, "-overlay", filepath.Join(dir, "overlay.json"))
}

// guideFiles are the files that the commands in the documents name: a site, a
// user's header, a node with another key, and a node that still uses DPAPI; a
// key ring of ASP.NET Core, a certificate, and what the ring protects.
func guideFiles(t *testing.T, dir string) {
	t.Helper()
	config := func(name string) {
		data, err := os.ReadFile(farmtest.FreshSite())
		if err != nil {
			t.Fatal(err)
		}
		put(t, dir, name, string(data))
	}
	for _, name := range []string{"web.config", "node-b.config", "next.config", "old.config"} {
		config(name)
	}
	data, err := os.ReadFile(filepath.Join(dir, "web.config"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "node-a.config", string(data))
	site, err := cookie.LoadSite(filepath.Join(dir, "web.config"), nil)
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "header.txt", "Cookie: "+farmtest.SignedInAt(site).Header.Get("Cookie")+"\n")
	put(t, dir, "dpapi.txt", "Cookie: FedAuth="+dpapiToken()+"\n")
	for _, folder := range []string{"keys", "other-keys", "certificate"} {
		if err := os.MkdirAll(filepath.Join(dir, "var", folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	put(t, dir, "var/certificate/farm.pem", string(farmCertificate()))
	put(t, dir, "var/other-keys/key-2.xml", testkit.CoreKey(2, time.Now(), seed.Of(t).Bytes(64)))
	ring := newKeyRing(t, filepath.Join(dir, "var", "keys"), "Shop")
	core, err := cookie.NewSite(machinekey.Config{}, &cookie.SiteOptions{DataProtection: ring, Credentials: []cookie.Credential{
		{Kind: cookie.KindCore}, {Kind: cookie.KindCore, AuthenticationType: "Identity.Application", Name: "MyApp"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "core.txt", "Cookie: "+farmtest.SignedInAt(core).Header.Get("Cookie")+"\n")
	p, err := ring.Protector("Invite", "v1")
	if err != nil {
		t.Fatal(err)
	}
	payload, err := p.Protect(nil, []byte("zoe@farm.example"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "payload.txt", base64.RawURLEncoding.EncodeToString(payload)+"\n")
}

// newKeyRing puts a key into a folder and opens it as the ring of an
// application.
func newKeyRing(t *testing.T, folder, application string) *dataprotection.Ring {
	t.Helper()
	put(t, folder, "key-1.xml", testkit.CoreKey(1, time.Now(), seed.Of(t).Bytes(64)))
	o := &dataprotection.RingOptions{ApplicationName: application}
	ring, err := dataprotection.Open(t.Context(), dataprotection.Path(folder), o)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// dpapiToken is the text of a session cookie as WIF's default handler writes
// it, as far as anybody else can: the head of the DPAPI blob, and noise.
func dpapiToken() string {
	blob := append([]byte{1, 0, 0, 0, 0xd0, 0x8c, 0x9d, 0xdf, 0x01, 0x15, 0xd1, 0x11, 0x8c, 0x7a, 0, 0xc0, 0x4f, 0xc2, 0x97, 0xeb},
		slices.Repeat([]byte{0x5a}, 400)...)
	return base64.StdEncoding.EncodeToString([]byte("\ufeff" + `<?xml version="1.0" encoding="utf-8"?>` +
		`<SecurityContextToken p1:Id="_1" xmlns:p1="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd" ` +
		`xmlns="http://docs.oasis-open.org/ws-sx/ws-secureconversation/200512"><Identifier>urn:uuid:6f9619ff-8b86-d011-b42d-00c04fc964ff</Identifier>` +
		`<Cookie xmlns="http://schemas.microsoft.com/ws/2006/05/security">` + base64.StdEncoding.EncodeToString(blob) + `</Cookie></SecurityContextToken>`))
}

var webfarmLine = regexp.MustCompile(`^(?:go run \./cmd/)?webfarm (\w+)`)

// TestCommandSnippets runs every webfarm command of the documents, with a site
// in the folder. A comment "# exit 1: word" behind it says how it ends, and a
// word that it prints. A server is not started: its flags must be those that
// its help names.
func TestCommandSnippets(t *testing.T) {
	program := build(t, "./cmd/webfarm")
	shell := func(dir, line string) (int, string) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, "sh", "-c", strings.ReplaceAll(line, "go run ./cmd/webfarm", "webfarm"))
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"), "NO_COLOR=1")
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatalf("%s: %v", line, err)
		}
		return cmd.ProcessState.ExitCode(), string(out)
	}
	n := 0
	for _, s := range snippets(t, "sh") {
		dir := ""
		for line := range strings.Lines(strings.ReplaceAll(s.text, "\\\n", " ")) {
			m := webfarmLine.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			if dir == "" {
				dir = t.TempDir()
				guideFiles(t, dir)
			}
			n++
			if m[1] == "serve" || strings.Contains(line, " -serve") {
				_, help := shell(dir, "webfarm "+m[1]+" -h")
				for _, flag := range regexp.MustCompile(` (-[a-z-]+)`).FindAllStringSubmatch(line, -1) {
					if !strings.Contains(help, "\n  "+flag[1]+" ") {
						t.Errorf("%v: %s has no flag %s", s, m[1], flag[1])
					}
				}
				continue
			}
			want, word := 0, ""
			if e := regexp.MustCompile(`# exit (\d)(?:: (\w+))?`).FindStringSubmatch(line); e != nil {
				want, word = int(e[1][0]-'0'), e[2]
			}
			line = strings.ReplaceAll(line, " /var/", " var/")
			if got, out := shell(dir, line); got != want || !strings.Contains(out, word) {
				t.Errorf("%v: %s: exit code %d, want %d and %q: %.300s", s, strings.TrimSpace(line), got, want, word, out)
			}
		}
	}
	if n == 0 {
		t.Fatal("no commands found")
	}
}

// TestJoiningProgram compiles the program of docs/joining.md from the document,
// starts it and visits it as a user and as a stranger.
func TestJoiningProgram(t *testing.T) {
	data, err := os.ReadFile("docs/joining.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```go\n(package main\n.*?)```").FindSubmatch(data)
	if m == nil {
		t.Fatal("no program")
	}
	program := buildSource(t, "service", string(m[1]))

	config := farmtest.FreshSite()
	var log testkit.Log
	addr := start(t, func(addr string) *exec.Cmd {
		cmd := exec.Command(program, "-config", config, "-addr", addr)
		cmd.Stderr = &log
		return cmd
	})

	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	get := func(path, cookies string) (*http.Response, error) {
		r, err := http.NewRequest("GET", "http://"+addr+path, nil)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Cookie", cookies)
		resp, err := client.Do(r)
		if err == nil {
			resp.Body.Close()
		}
		return resp, err
	}
	site, err := cookie.LoadSite(config, nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := get("/orders", farmtest.SignedInAt(site).Header.Get("Cookie")); err != nil || resp.StatusCode != 200 {
		t.Errorf("user: %v, %v", resp, err)
	}
	if resp, err := get("/health", ""); err != nil || resp.StatusCode != 200 {
		t.Errorf("health: %v, %v", resp, err)
	}
	if resp, err := get("/orders", ""); err != nil || resp.StatusCode != 302 {
		t.Errorf("stranger: %v, %v", resp, err)
	}
	if strings.Count(log.String(), "accepted: cookie") != 1 {
		t.Errorf("the log does not explain once: %s", log.String())
	}
}

// start runs a server on a free port until the test ends, and returns the
// address once it answers. If another process takes the port meanwhile, it
// tries the next.
func start(t *testing.T, command func(addr string) *exec.Cmd) string {
	t.Helper()
	for range 5 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := l.Addr().String()
		l.Close()
		cmd := command(addr)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		exited := make(chan struct{})
		go func() {
			_ = cmd.Wait()
			close(exited)
		}()
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			<-exited
		})
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
			if conn, err := net.Dial("tcp", addr); err == nil {
				conn.Close()
				return addr
			}
			select {
			case <-exited:
				deadline = time.Time{}
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	t.Fatal("the server does not answer")
	return ""
}

// TestJoiningTable takes lines out of the first file of docs/joining.md and
// looks whether what follows is what the table below it says.
func TestJoiningTable(t *testing.T) {
	var whole string
	for _, s := range snippets(t, "xml") {
		if s.file == "docs/joining.md" {
			whole = freshKey(t)(s.text)
			break
		}
	}
	load := func(text string) (string, error) {
		dir := t.TempDir()
		put(t, dir, "web.config", text)
		site, err := cookie.LoadSite(filepath.Join(dir, "web.config"), nil)
		if err != nil {
			return "", err
		}
		return site.String(), nil
	}
	said, err := load(whole)
	said = regexp.MustCompile(`(?m)^(key +)\w+`).ReplaceAllString(said, "${1}5f938e11")
	shown := "    " + strings.ReplaceAll(said, "\n", "\n    ") + "\n\n"
	if page, _ := os.ReadFile("docs/joining.md"); err != nil || !strings.Contains(string(page), shown) {
		t.Errorf("the page does not show all decisions, %v:\n%s", err, shown)
	}
	without := func(pattern, with string) string {
		t.Helper()
		text := regexp.MustCompile(pattern).ReplaceAllString(whole, with)
		if text == whole {
			t.Fatalf("%s is not in the file", pattern)
		}
		return text
	}
	for _, test := range []struct {
		name, text string
		want       string // a line of the site's decisions, or of the error
		code       string
	}{
		{"as it stands", whole, `Framework45, by targetFramework`, ""},
		{"as it stands", whole, `endpoint "/"`, ""},
		{"no machine key", without(`(?s)<machineKey.*?/>`, ""), "", "auto_generated_key"},
		{"no target framework", without(`<httpRuntime.*/>`, `<compilation targetFramework="4.8" />`), "Framework20SP1", ""},
		{"no handler", without(`(?s)<remove.*?/>\s*<add.*?/>`, ""), "DPAPI", ""},
		{"handler not removed", without(`<remove.*/>`, ""), "", "session_handler_not_removed"},
		{"no path", without(` path="/"`, ""), `any endpoint`, ""},
		{"isolated", without(`validationKey="(\w+)"`, `validationKey="$1,IsolateApps"`), "", "invalid_validation_key"},
		{"isolated, in a legacy mode", without(`(?s)<httpRuntime.*?/>(.*)validationKey="(\w+)"`, `$1 validationKey="$2,IsolateApps"`), "", "isolated_key"},
	} {
		said, err := load(test.text)
		var e *machinekey.ConfigError
		switch {
		case test.code != "":
			if !errors.As(err, &e) || e.Code != test.code {
				t.Errorf("%s: %v, want %s", test.name, err, test.code)
			}
		case err != nil:
			if said = err.Error(); !errors.Is(err, cookie.ErrNoneAccepted) {
				t.Errorf("%s: %v", test.name, err)
			}
			fallthrough
		default:
			if !strings.Contains(said, test.want) {
				t.Errorf("%s: want %q in\n%s", test.name, test.want, said)
			}
		}
	}
}
