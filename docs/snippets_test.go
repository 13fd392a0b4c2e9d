package docs_test

import (
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/webfarm-go/webfarm/cookie"
	"github.com/webfarm-go/webfarm/dataprotection"
	"github.com/webfarm-go/webfarm/internal/farmtest"
	"github.com/webfarm-go/webfarm/machinekey"
)

// TestSnippets wants every Go snippet of the documents to stand in a test file,
// so that it compiles and runs. Those of the README are a program.
func TestSnippets(t *testing.T) {
	var code strings.Builder
	var texts []string
	err := fs.WalkDir(os.DirFS("."), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, readErr := os.ReadFile(p)
		switch {
		case strings.HasSuffix(p, "_test.go"):
			code.WriteString(normal(string(data)))
			code.WriteByte('\n')
		case strings.HasSuffix(p, ".md"):
			texts = append(texts, p+"\n"+string(data))
		}
		return readErr
	})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, text := range texts {
		name, text, _ := strings.Cut(text, "\n")
		if name == "README.md" {
			continue
		}
		for _, m := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(text, -1) {
			n++
			if !strings.Contains(code.String(), normal(m[1])) {
				t.Errorf("%s: this snippet is in no test:\n%s", name, m[1])
			}
		}
	}
	if n == 0 {
		t.Fatal("no snippets found")
	}
}

// normal removes indentation and empty lines.
func normal(s string) string {
	var lines []string
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// TestREADME makes one program of the README's Go snippets, in their order, so
// that none uses what it does not show. It starts the program beside a web.config
// and a key ring, and visits it.
func TestREADME(t *testing.T) {
	var body strings.Builder
	for _, s := range snippets(t, "go") {
		if s.file == "README.md" {
			body.WriteString(s.text)
		}
	}
	var imports []string
	for _, path := range []string{"context", "fmt", "log", "net/http", "github.com/webfarm-go/webfarm/cookie",
		"github.com/webfarm-go/webfarm/dataprotection", "github.com/webfarm-go/webfarm/sessiontoken"} {
		if regexp.MustCompile(`\b` + filepath.Base(path) + `\.[A-Z]`).MatchString(body.String()) {
			imports = append(imports, strconv.Quote(path))
		}
	}
	dir := t.TempDir()
	guideFiles(t, dir)
	program := buildSource(t, "readme", "package main\n\nimport (\n\"os\"\n"+strings.Join(imports, "\n")+"\n)\n\nfunc main() {\n"+
		strings.ReplaceAll(body.String(), `"/var/`, `"var/`)+"log.Fatal(http.ListenAndServe(os.Args[1], nil))\n}\n")
	address := "http://" + start(t, func(addr string) *exec.Cmd {
		cmd := exec.Command(program, addr)
		cmd.Dir = dir
		return cmd
	})

	sets := map[string]string{} // what a page sets, as the browser sends it
	visit := func(method, path, from string) (status int, body string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Cookie", sets[from])
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		sets[path] = withCookies(resp.Cookies()).Header.Get("Cookie")
		return resp.StatusCode, string(data)
	}
	want := func(method, path, from string, status int, body string) {
		t.Helper()
		if s, b := visit(method, path, from); s != status || b != body {
			t.Errorf("%s %s: %d %q, want %d %q", method, path, s, b, status, body)
		}
	}
	want("GET", "/orders", "", 401, "Unauthorized\n")
	want("POST", "/signin", "", 200, "")
	want("GET", "/orders", "/signin", 200, "orders of bob, admin: true")
	want("GET", "/account", "/signin", 200, "orders of bob, admin: true")
	want("POST", "/signout", "/signin", 200, "")
	want("GET", "/orders", "/signout", 401, "Unauthorized\n")
	ring, err := dataprotection.Open(t.Context(), dataprotection.Path(filepath.Join(dir, "var", "keys")),
		&dataprotection.RingOptions{ApplicationName: "SharedCookieApp"})
	if err != nil {
		t.Fatal(err)
	}
	core, err := cookie.NewSite(machinekey.Config{}, &cookie.SiteOptions{DataProtection: ring,
		Credentials: []cookie.Credential{{Kind: cookie.KindCore}}})
	if err != nil {
		t.Fatal(err)
	}
	sets["dotnet"] = farmtest.SignedInAt(core).Header.Get("Cookie")
	want("GET", "/account", "dotnet", 200, "orders of bob, admin: true")
	want("GET", "/orders", "dotnet", 401, "Unauthorized\n")
}

// TestLinks wants the files that the documents link to.
func TestLinks(t *testing.T) {
	for _, dir := range []string{"", "docs/", "examples/", "testvectors/"} {
		entries, err := os.ReadDir("./" + dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !strings.HasSuffix(e.Name(), ".md") {
				continue
			}
			data, err := os.ReadFile(dir + e.Name())
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`).FindAllStringSubmatch(string(data), -1) {
				if strings.Contains(m[1], "://") {
					continue
				}
				if _, err := os.Stat(dir + m[1]); err != nil {
					t.Errorf("%s%s links to %s: %v", dir, e.Name(), m[1], err)
				}
			}
		}
	}
}

// TestLineLength wants lines of at most 100 characters in the documents, apart
// from rows of tables, code and long literals.
func TestLineLength(t *testing.T) {
	literal := regexp.MustCompile("`[^`]{80,}`")
	n := 0
	err := fs.WalkDir(os.DirFS("."), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, ".md") {
			return err
		}
		data, err := os.ReadFile(p)
		n++
		code := false
		for i, line := range strings.Split(string(data), "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "```") {
				code = !code
			}
			if code || strings.HasPrefix(line, "    ") || strings.HasPrefix(line, "|") {
				continue
			}
			if n := utf8.RuneCountInString(literal.ReplaceAllString(line, "")); n > 100 {
				t.Errorf("%s:%d: %d characters", p, i+1, n)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if n < 20 {
		t.Errorf("only %d documents found", n)
	}
}
