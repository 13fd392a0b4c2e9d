package webfarm_test

import (
	"regexp"
	"testing"
)

// maxLines bounds the production code of the library and the command, in lines
// of Go files. Whoever raises it says in the same commit what users get for it.
const maxLines = 45_500

// forTests are the folders that serve tests only.
var forTests = regexp.MustCompile(`^(docs|testvectors|examples|internal/(autogen|farm|farmtest|floor|hostile|` +
	`race|seed|share|testkit|tokentest)|sessiontoken/storetest|cookie/cookietest)(/|$)`)

// ofCore are the files that only sites on ASP.NET Core need, and half-moved
// farms.
var ofCore = regexp.MustCompile(`^(dataprotection|internal/(coreticket|xmlenc)|cmd/webfarm/internal/payload)/|` +
	`^(cookie|sessiontoken|internal/chunks|cmd/webfarm)/.*(core|bridge|ring|keeper|protected)[a-z_]*\.go$|` +
	`^cmd/webfarm/(keys|keyfile|repository)\.go$`)

// TestLines prints how many lines the packages have, and all of them.
func TestLines(t *testing.T) {
	fset, list := folders(t)
	total, core := 0, 0
	for _, f := range list {
		if forTests.MatchString(f.path) {
			continue
		}
		own := 0
		for path, file := range f.files {
			n := fset.File(file.FileStart).LineCount()
			own += n
			if ofCore.MatchString(path) {
				core += n
			}
		}
		t.Logf("%-30s %6d", f.path, own)
		total += own
	}
	t.Logf("%-30s %6d", "for ASP.NET Core alone", core)
	t.Logf("%-30s %6d, at most %d", "all", total, maxLines)
	if total > maxLines {
		t.Errorf("%d lines of production code, want at most %d", total, maxLines)
	}
}
