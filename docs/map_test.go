package docs_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestMap wants each folder and file that the map of CONTRIBUTING names to
// exist, and each file to hold the name that is said to be in it.
func TestMap(t *testing.T) {
	data, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(data), "\n## Where to look\n")
	text, _, _ = strings.Cut(text, "\n## ")
	text = strings.Join(strings.Fields(text), " ")
	files, folders := 0, 0
	for _, m := range regexp.MustCompile("`([a-z0-9_./]+)`(?:: `(\\w+)`)?").FindAllStringSubmatch(text, -1) {
		info, err := os.Stat(m[1])
		if err != nil {
			t.Error(err)
			continue
		}
		if info.IsDir() {
			folders++
			continue
		}
		files++
		code, err := os.ReadFile(m[1])
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`\b` + m[2] + `\b`).Match(code) {
			t.Errorf("%s: no %s", m[1], m[2])
		}
	}
	if files < 20 || folders < 20 {
		t.Errorf("%d files and %d folders found", files, folders)
	}
}
