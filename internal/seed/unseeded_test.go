package seed_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// seeded are the names of math/rand that draw nothing without a seed, and of
// crypto/rand the one with which keys of a certificate are made: they take any,
// and nothing depends on them.
var seeded = map[string][]string{
	"math/rand/v2": {"New", "NewPCG", "NewChaCha8", "Rand", "ChaCha8", "PCG"},
	"crypto/rand":  {"Reader"},
}

// TestNothingUnseeded wants tests to draw from this package. Benchmarks may
// draw, as they assert nothing, and freePort, as programs that run beside each
// other must not try the same ports.
func TestNothingUnseeded(t *testing.T) {
	root := os.DirFS("../..")
	n := 0
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, "_test.go") {
			return err
		}
		src, err := fs.ReadFile(root, p)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, p, src, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		n++
		for _, spec := range file.Imports {
			imported := strings.Trim(spec.Path.Value, `"`)
			if imported == "math/rand" {
				t.Errorf("%s imports math/rand", p)
			}
			names := seeded[imported]
			if names == nil {
				continue
			}
			local := path.Base(strings.TrimSuffix(imported, "/v2"))
			if spec.Name != nil {
				local = spec.Name.Name
			}
			for _, decl := range file.Decls {
				if fn, ok := decl.(*ast.FuncDecl); ok &&
					(strings.HasPrefix(strings.ToLower(fn.Name.Name), "bench") ||
						fn.Name.Name == "freePort") {
					continue
				}
				ast.Inspect(decl, func(node ast.Node) bool {
					s, ok := node.(*ast.SelectorExpr)
					if !ok {
						return true
					}
					if x, ok := s.X.(*ast.Ident); ok && x.Name == local &&
						!slices.Contains(names, s.Sel.Name) {
						t.Errorf("%s: %s.%s draws without a seed; use seed.Of",
							fset.Position(s.Pos()), imported, s.Sel.Name)
					}
					return true
				})
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n < 100 {
		t.Fatalf("only %d files", n)
	}
}
