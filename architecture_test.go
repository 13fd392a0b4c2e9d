package webfarm_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

const (
	module  = "github.com/webfarm-go/webfarm"
	command = "cmd/webfarm" // a module of its own, under the same rules
)

// mayImport says which folders of the main module and of the command's each
// folder may import. The three packages form a line, and what lies under
// internal is pure.
var mayImport = map[string][]string{
	".": {},
	"cookie": {"sessiontoken", "machinekey", "dataprotection", "internal/anatomy",
		"internal/chunks", "internal/codec", "internal/dotnet", "internal/fold", "internal/seal",
		"internal/secret", "internal/site", "internal/webconfig", "internal/layer"},
	"cookie/cookietest": {"cookie", "dataprotection", "internal/site", "machinekey", "sessiontoken"},
	"sessiontoken": {"machinekey", "internal/anatomy", "internal/base64",
		"internal/coreticket", "internal/dotnet", "internal/flate", "internal/fold",
		"internal/forms", "internal/katana", "internal/layer", "internal/limits",
		"internal/rsacookie", "internal/seal", "internal/secret", "internal/wif", "internal/codec"},
	"sessiontoken/storetest": {"sessiontoken"},
	"dataprotection": {"internal/dotnet", "internal/seal", "internal/secret",
		"internal/xmlenc", "internal/xmltree"},
	"machinekey":          {"internal/netfx", "internal/seal", "internal/secret", "internal/webconfig"},
	"internal/anatomy":    {},
	"internal/autogen":    {"internal/netfx", "internal/secret"},
	"internal/base64":     {},
	"internal/chunks":     {},
	"internal/codec":      {"internal/seal"},
	"internal/coreticket": {"internal/dotnet", "internal/layer", "internal/limits"},
	"internal/dotnet":     {"internal/fold"},
	"internal/farm":       {},
	"internal/farmtest": {"cookie", "dataprotection", "internal/testkit", "sessiontoken",
		"sessiontoken/storetest", "machinekey", "internal/farm"},
	"internal/flate":   {},
	"internal/floor":   {},
	"internal/fold":    {},
	"internal/forms":   {"internal/dotnet", "internal/layer"},
	"internal/hostile": {"internal/nbfx"},
	"internal/katana":  {"internal/base64", "internal/dotnet", "internal/layer", "internal/limits"},
	"internal/layer":   {},
	"internal/limits":  {},
	"internal/nbfx":    {"internal/dotnet", "internal/limits"},
	"internal/nrbf":    {"internal/dotnet"},
	"internal/netfx":   {"internal/secret"},
	"internal/observe": {"cookie"},
	"internal/race":    {},
	"internal/rolecookie": {"internal/base64", "internal/layer", "internal/limits", "machinekey",
		"sessiontoken"},
	"internal/rsacookie": {},
	"internal/seal":      {},
	"internal/secret":    {},
	"internal/seed":      {},
	"internal/share":     {"internal/race"},
	"internal/site":      {"internal/dotnet", "internal/secret", "internal/webconfig"},
	"internal/testkit":   {"testvectors"},
	"internal/tokentest": {"sessiontoken", "machinekey", "internal/anatomy", "internal/flate",
		"internal/secret", "internal/wif"},
	"internal/webconfig": {"internal/dotnet", "internal/fold", "internal/secret", "internal/xmltree"},
	"internal/wif": {"internal/base64", "internal/dotnet", "internal/layer",
		"internal/limits", "internal/nbfx", "internal/nrbf", "internal/xmltree"},
	"internal/xmlenc":  {"internal/xmltree"},
	"internal/xmltree": {"internal/secret"},
	"testvectors":      {},

	"cmd/webfarm": {"cookie", "dataprotection", "sessiontoken/redisstore",
		"sessiontoken/sqlstore", "internal/chunks", "internal/dotnet", "sessiontoken", "machinekey",
		"cmd/webfarm/internal/doctor", "internal/forms", "internal/katana", "internal/secret",
		"internal/site", "internal/webconfig", "cmd/webfarm/internal/gateway",
		"cmd/webfarm/internal/payload", "cmd/webfarm/internal/texts", "internal/anatomy", "internal/base64", "internal/layer", "internal/rolecookie", "internal/rsacookie", "internal/wif"},
	"cmd/webfarm/internal/texts":   {},
	"cmd/webfarm/internal/payload": {},
	"cmd/webfarm/internal/doctor": {"cmd/webfarm/internal/payload", "cmd/webfarm/internal/texts",
		"cookie", "dataprotection", "internal/chunks", "sessiontoken", "machinekey",
		"internal/forms", "internal/katana", "internal/limits", "internal/netfx", "internal/secret",
		"internal/site", "internal/webconfig", "internal/anatomy", "internal/base64",
		"internal/layer", "internal/rolecookie", "internal/wif"},
	"cmd/webfarm/internal/gateway": {"cookie", "cookie/promobserver", "sessiontoken", "machinekey",
		"internal/fold", "internal/site"},
}

// mayDepend says which modules of others a folder of the command may import.
// docs/decisions.md has the reasons.
var mayDepend = map[string][]string{
	"cmd/webfarm": {"github.com/fatih/color", "github.com/spf13/cobra", "github.com/spf13/pflag",
		"github.com/jackc/pgx/v5", "github.com/microsoft/go-mssqldb",
		"github.com/redis/go-redis/v9", "modernc.org/sqlite", "software.sslmate.com/src/go-pkcs12"},
	"cmd/webfarm/internal/gateway": {"github.com/prometheus/client_golang/"},
}

// onlyIn bans packages of the standard library outside some folders, with the
// reason.
var onlyIn = []struct {
	pkg, why string
	folders  []string
}{
	{"net/http", "only cookie, and chunks below it, know HTTP",
		[]string{"cookie", "cookie/cookietest", "internal/chunks", "cmd/webfarm",
			"cmd/webfarm/internal/doctor", "cmd/webfarm/internal/gateway", "internal/farm",
			"internal/farmtest"}},
	{"crypto/cipher",
		"only netfx, for machinekey, dataprotection, xmlenc and rsacookie encrypt; floor is for benchmarks", []string{"internal/netfx", "dataprotection", "internal/rsacookie", "internal/xmlenc", "internal/floor"}},
	{"crypto/hmac", "only netfx, for machinekey, authenticates; floor is for benchmarks",
		[]string{"internal/netfx", "internal/floor"}},
	{"unsafe", "no unsafe code", nil},
	{"reflect", "nothing is built from a type name; netfx compares two addresses", []string{"internal/netfx"}},
	{"encoding/gob", "nothing is built from a type name", nil},
}

// TestModules holds the modules of the workspace together. A replace line in a
// go.mod would stop "go install …@version", so only go.work has such lines, and
// all modules require one version of each other.
func TestModules(t *testing.T) {
	work, err := os.ReadFile("go.work")
	if err != nil {
		t.Fatal(err)
	}
	used := 0
	versions := map[string]bool{}
	require := regexp.MustCompile(`(?m)^(?:require|\t)[ ]?` + module + `(/\S+)? (v\S+)`)
	err = fs.WalkDir(os.DirFS("."), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "go.mod" {
			return err
		}
		used++
		dir := strings.TrimSuffix("./"+path.Dir(p), "/.")
		if !strings.Contains(string(work), "\t"+dir+"\n") {
			t.Errorf("go.work does not use %s", dir)
		}
		mod, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		if strings.Contains(string(mod), "replace ") {
			t.Errorf("%s has a replace line", p)
		}
		for _, m := range require.FindAllStringSubmatch(string(mod), -1) {
			versions[m[2]] = true
			if line := "\t" + module + m[1] + " " + m[2] + " => ." + m[1] +
				"\n"; !strings.Contains(string(work), line) {
				t.Errorf("%s requires %s%s %s, and go.work lacks %q", p, module, m[1], m[2], line)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if used < 8 || len(versions) != 1 {
		t.Errorf("%d modules require the versions %v of each other, want one", used, versions)
	}
}

// folder is the production code of one directory.
type folder struct {
	path  string
	name  string // of the package
	files map[string]*ast.File
}

func folders(t *testing.T) (*token.FileSet, []folder) {
	t.Helper()
	fset := token.NewFileSet()
	byPath := map[string]*folder{}
	err := fs.WalkDir(os.DirFS("."), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if p != "." && strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" {
				return fs.SkipDir
			}
			if _, err := os.Stat(path.Join(p, "go.mod")); err == nil && p != "." && p != command {
				return fs.SkipDir // the other modules have rules of their own
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(fset, p, nil,
			parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := path.Dir(p)
		if byPath[dir] == nil {
			byPath[dir] = &folder{path: dir, name: file.Name.Name, files: map[string]*ast.File{}}
		}
		byPath[dir].files[p] = file
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var list []folder
	for _, f := range byPath {
		list = append(list, *f)
	}
	slices.SortFunc(list, func(a, b folder) int { return strings.Compare(a.path, b.path) })
	if len(list) < 10 {
		t.Fatalf("found %d folders", len(list))
	}
	return fset, list
}

func TestImports(t *testing.T) {
	fset, list := folders(t)
	for _, f := range list {
		allowed, known := mayImport[f.path]
		if !known {
			t.Errorf("%s: a new folder needs a line in mayImport", f.path)
		}
		for _, file := range f.files {
			for _, spec := range file.Imports {
				pkg, _ := strconv.Unquote(spec.Path.Value)
				at := fset.Position(spec.Pos())
				if own, ok := strings.CutPrefix(pkg, module+"/"); ok &&
					!slices.Contains(allowed, own) {
					t.Errorf("%s: %s must not import %s", at, f.path, own)
				}
				others := append(mayDepend[f.path], module, "golang.org/x/crypto/")
				if first, _, _ := strings.Cut(pkg, "/"); strings.Contains(first, ".") &&
					!slices.ContainsFunc(others,
						func(prefix string) bool { return strings.HasPrefix(pkg, prefix) }) {
					t.Errorf("%s: dependency %s needs a reason and a nested module", at, pkg)
				}
				for _, rule := range onlyIn {
					if pkg == rule.pkg && !slices.Contains(rule.folders, f.path) {
						t.Errorf("%s: %s imports %s: %s", at, f.path, pkg, rule.why)
					}
				}
			}
		}
	}
}

func TestOnePackageComment(t *testing.T) {
	_, list := folders(t)
	for _, f := range list {
		var with []string
		for name, file := range f.files {
			if file.Doc != nil {
				with = append(with, name)
			}
		}
		if len(with) != 1 {
			t.Errorf("%s: package comments in %v, want one", f.path, with)
		}
	}
}

func TestExportedNamesAreDocumented(t *testing.T) {
	fset, list := folders(t)
	for _, f := range list {
		for _, file := range f.files {
			for _, decl := range file.Decls {
				switch d := decl.(type) {
				case *ast.FuncDecl:
					if d.Name.IsExported() && exportedReceiver(d) && d.Doc == nil {
						t.Errorf("%s: %s has no comment", fset.Position(d.Pos()), d.Name.Name)
					}
				case *ast.GenDecl:
					for _, spec := range d.Specs {
						undocumented(t, fset, d, spec)
					}
				}
			}
		}
	}
}

// exportedReceiver reports whether d is a function or a method of an exported
// type.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	name, ok := typ.(*ast.Ident)
	return !ok || name.IsExported()
}

// undocumented reports the exported names of one const, var or type. A
// comment on the group serves its constants and variables.
func undocumented(t *testing.T, fset *token.FileSet, d *ast.GenDecl, spec ast.Spec) {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
			t.Errorf("%s: %s has no comment", fset.Position(s.Pos()), s.Name.Name)
		}
	case *ast.ValueSpec:
		for _, name := range s.Names {
			if name.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
				t.Errorf("%s: %s has no comment", fset.Position(s.Pos()), name.Name)
			}
		}
	}
}

func TestNoInitNoPanic(t *testing.T) {
	// A panic is for a mistake of the programmer that the doc comment names,
	// or for what cannot happen.
	panics := map[string]string{
		"testvectors/testvectors.go":          "the files are in the binary",
		"cmd/webfarm/internal/texts/texts.go": "the files are in the binary",
		"cookie/cookietest/site.go":           "a test that is set up wrongly, as in httptest",
		"cookie/guard.go":                     "Accept without source or reader, at start-up",
		"cookie/require.go":                   "RequireRole or RequireClaim of nothing, at start-up",
		"cookie/source.go":                    "From with a name too much or too few, at start-up",
	}
	fset, list := folders(t)
	for _, f := range list {
		for name, file := range f.files {
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.FuncDecl:
					if n.Recv == nil && n.Name.Name == "init" {
						t.Errorf("%s: init", fset.Position(n.Pos()))
					}
				case *ast.CallExpr:
					if fun, ok := n.Fun.(*ast.Ident); ok && fun.Name == "panic" &&
						panics[name] == "" {
						t.Errorf("%s: panic", fset.Position(n.Pos()))
					}
				}
				return true
			})
		}
	}
}

// TestPackageVariables allows sentinels, tables and interface checks, and
// pools of scratch memory. A table is a variable that nothing assigns to.
func TestPackageVariables(t *testing.T) {
	fset, list := folders(t)
	for _, f := range list {
		vars := map[string]token.Pos{}
		for _, file := range f.files {
			for _, decl := range file.Decls {
				d, ok := decl.(*ast.GenDecl)
				if !ok || d.Tok != token.VAR {
					continue
				}
				for _, spec := range d.Specs {
					s := spec.(*ast.ValueSpec)
					for _, name := range s.Names {
						if name.Name == "_" {
							continue
						}
						vars[name.Name] = name.Pos()
						if len(s.Values) == 0 && !isEmbedded(d) {
							t.Errorf("%s: package variable %s has no value",
								fset.Position(name.Pos()), name.Name)
						}
					}
				}
			}
		}
		for _, file := range f.files {
			ast.Inspect(file, func(n ast.Node) bool {
				var targets []ast.Expr
				switch n := n.(type) {
				case *ast.AssignStmt:
					if n.Tok != token.DEFINE {
						targets = n.Lhs
					}
				case *ast.IncDecStmt:
					targets = []ast.Expr{n.X}
				}
				for _, e := range targets {
					if name := root(e); name != nil {
						if _, ok := vars[name.Name]; ok && !isLocal(file, name) {
							t.Errorf("%s: assigns to the package variable %s",
								fset.Position(name.Pos()), name.Name)
						}
					}
				}
				return true
			})
		}
	}
}

// isEmbedded reports whether a declaration gets its value from go:embed.
func isEmbedded(d *ast.GenDecl) bool {
	return d.Doc != nil && strings.Contains(d.Doc.List[len(d.Doc.List)-1].Text, "go:embed")
}

// root returns the variable that an assignment to e changes.
func root(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		default:
			return nil
		}
	}
}

// isLocal reports whether the function around a name declares it, be it as a
// parameter, a result or a variable.
func isLocal(file *ast.File, name *ast.Ident) bool {
	local := false
	for _, decl := range file.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || name.Pos() < fn.Pos() || name.Pos() > fn.End() {
			continue
		}
		ast.Inspect(fn, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Field:
				for _, id := range n.Names {
					local = local || id.Name == name.Name
				}
			case *ast.AssignStmt:
				if n.Tok == token.DEFINE {
					for _, e := range n.Lhs {
						if id, ok := e.(*ast.Ident); ok {
							local = local || id.Name == name.Name
						}
					}
				}
			case *ast.ValueSpec:
				for _, id := range n.Names {
					local = local || id.Name == name.Name
				}
			}
			return true
		})
	}
	return local
}

// TestErrorTexts wants the package's name at the beginning of every exported
// sentinel of the public packages and of every error made in place, unless it
// wraps one that has it. Causes inside a typed error, which are variables or
// fields, get the prefix from that error.
func TestErrorTexts(t *testing.T) {
	fset, list := folders(t)
	for _, f := range list {
		if strings.HasPrefix(f.path, "internal/") ||
			strings.HasPrefix(f.path, "cmd/") || f.path == "." {
			continue
		}
		for _, file := range f.files {
			for _, decl := range file.Decls {
				d, ok := decl.(*ast.GenDecl)
				if !ok || d.Tok != token.VAR {
					continue
				}
				for _, spec := range d.Specs {
					s := spec.(*ast.ValueSpec)
					for i, name := range s.Names {
						if !strings.HasPrefix(name.Name, "Err") || i >= len(s.Values) {
							continue
						}
						text, ok := errorText(s.Values[i])
						if ok && !strings.HasPrefix(text, f.name+": ") &&
							!strings.HasPrefix(text, "%w") {
							t.Errorf("%s: %s says %q without %q in front",
								fset.Position(name.Pos()), name.Name, text, f.name+": ")
						}
						if text = strings.TrimPrefix(text, f.name+": "); text != "" &&
							unicode.IsUpper(rune(text[0])) && !unicode.IsUpper(rune(text[1])) {
							t.Errorf("%s: %s begins with a capital",
								fset.Position(name.Pos()), name.Name)
						}
					}
				}
			}
		}
	}
}

// errorText returns the text of errors.New or fmt.Errorf.
func errorText(e ast.Expr) (string, bool) {
	call, ok := e.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return "", false
	}
	arg := call.Args[0]
	for {
		sum, ok := arg.(*ast.BinaryExpr)
		if !ok {
			break
		}
		arg = sum.X
	}
	lit, ok := arg.(*ast.BasicLit)
	if !ok {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}
