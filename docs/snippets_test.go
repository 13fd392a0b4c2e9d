package docs_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestSnippets wants every Go snippet of the README and of docs/ to stand in
// a test file, so that it compiles and runs.
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

// TestLinks wants the files that the documents link to.
func TestLinks(t *testing.T) {
	for _, dir := range []string{"", "docs/", "testvectors/"} {
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
