package doctor

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/webfarm-go/webfarm/internal/site"
)

// use is one place in the code that takes a section of findings.txt.
type use struct {
	at    token.Position
	id    string
	words []string // that it gives
}

// TestFindings wants every section of findings.txt to be used and complete,
// and every place in its texts to get a word.
func TestFindings(t *testing.T) {
	used := map[string]bool{}
	for _, u := range uses(t) {
		used[u.id] = true
		section := findings[u.id]
		if section.Text("fix") == "" || section.Text("says") == "" &&
			!strings.HasPrefix(u.id, "fix/") {
			t.Errorf("%s: [%s] has no sentence or no fix", u.at, u.id)
		}
		for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(
			section.Text("says")+section.Text("inner")+section.Text("fix"), -1) {
			if !slices.Contains(u.words, strings.ToLower(m[1])) {
				t.Errorf("%s: no word for {%s} of [%s]", u.at, m[1], u.id)
			}
		}
	}
	for _, f := range foreigners {
		if findings[f.id].Text("is") == "" {
			t.Errorf("[%s] does not say what it is", f.id)
		}
	}
	if len(used) < 70 {
		t.Errorf("only %d uses found", len(used))
	}
	fields := []string{"says", "dotnet", "inner", "where", "fix",
		"fedauth", "encode", "forms", "refresh", "code", "roles", "anonymous", "core", "corebearer",
		"corerefresh", "coresession", "antiforgery", "protected",
		"session", "clocks", "ahead", "isolated", "issuer", "old", "custom", "katana", "settings",
		"bearer", "or-isolated", "or-katana",
		"is", "accepts", "secure", "none", "path", "domain", "size", "attribute", "targetFramework", "default"}
	places := []string{"", "web.config", "code", "proxy", "browser", "clock", "store",
		"sign-in", "none"}
	weak := regexp.MustCompile(`\b(None|Validation|Encryption|MD5|3DES|DES|SHA1|true|Use(Legacy\w+)|skew|Framework20SP1)\b`)
	for id, section := range findings {
		for _, field := range []string{"fix", "issuer", "old", "custom"} {
			if word := weak.FindString(section.Text(field)); word != "" {
				t.Errorf("[%s] proposes less protection: %s", id, word)
			}
		}
		isBase := false
		for other := range findings {
			isBase = isBase || strings.HasPrefix(other, id+"/")
		}
		isBase = isBase || strings.HasPrefix(id, "dotnet/") // below
		if !used[id] && !isBase {
			t.Errorf("[%s] is not used", id)
		}
		for field, list := range section {
			if !slices.Contains(fields, field) || len(list) != 1 || list[0] == "" {
				t.Errorf("[%s] has %s %d times, or empty", id, field, len(list))
			}
		}
		if !slices.Contains(places, section.Text("where")) {
			t.Errorf("[%s] is fixed where: %s", id, section.Text("where"))
		}
	}
}

// TestDotNetSections wants every section with texts of .NET to be used, and to have one for each
// kind.
func TestDotNetSections(t *testing.T) {
	n := 0
	for id, section := range findings {
		class, ok := strings.CutPrefix(id, "dotnet/")
		if !ok {
			continue
		}
		n++
		used := false
		for _, other := range findings {
			used = used || other.Text("dotnet") == class
		}
		kinds := []string{"fedauth", "encode"}
		for _, k := range []Kind{Forms, Katana, Bearer, Refresh, AuthCode, Roles, Anonymous,
			site.Core, site.CoreBearer, site.CoreRefresh, site.CoreSession, site.Antiforgery, site.Protected} {
			kinds = append(kinds, string(k))
		}
		for _, k := range kinds {
			if section.Text(k) == "" {
				t.Errorf("[%s] has no text for %s", id, k)
			}
		}
		if !used {
			t.Errorf("[%s] is not used", id)
		}
	}
	if n < 5 {
		t.Errorf("%d sections", n)
	}
}

// uses finds the calls of say and says in the code of this package. The first
// argument is the name of a section, and then every second one is a word.
func uses(t *testing.T) (list []use) {
	fset := token.NewFileSet()
	text := func(e ast.Expr) (string, bool) {
		if id, ok := e.(*ast.Ident); ok && id.Name == "CodeOK" {
			return CodeOK, true
		}
		lit, ok := e.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return "", false
		}
		s, err := strconv.Unquote(lit.Value)
		return s, err == nil
	}
	words := func(args []ast.Expr) (names []string) {
		for i := 0; i < len(args); i += 2 {
			if s, ok := text(args[i]); ok {
				names = append(names, s)
			}
		}
		return names
	}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".go") || strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(fset, file.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			shared := []string{}
			ast.Inspect(decl, func(n ast.Node) bool {
				if c, ok := n.(*ast.CompositeLit); ok {
					shared = append(shared, words(c.Elts)...) // words := []any{…}
				}
				return true
			})
			ast.Inspect(decl, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				given := []string{}
				switch fun := call.Fun.(type) {
				case *ast.Ident:
					switch fun.Name {
					case "say":
					case "says": // of inside
						given = append(given, "cookie", "file", "authentic")
					default:
						return true
					}
				case *ast.SelectorExpr:
					if fun.Sel.Name != "says" {
						return true
					}
					given = append(given, "cookie")
					if x, ok := fun.X.(*ast.Ident); ok && x.Name == "n" { // n.says(f, …)
						call.Args = call.Args[1:]
						given = append(given, "file")
					}
				default:
					return true
				}
				given = append(given, words(call.Args[1:])...)
				if call.Ellipsis.IsValid() {
					given = append(given, shared...)
				}
				at := fset.Position(call.Pos())
				id, ok := text(call.Args[0])
				switch name, _ := call.Args[0].(*ast.Ident); {
				case ok:
					list = append(list, use{at, id, given})
				case name != nil && name.Name == "id": // says itself
				case name != nil && name.Name == "what":
					for _, f := range foreigners {
						list = append(list, use{at, f.id, given})
					}
				default: // the code of a repair
					for _, id := range []string{"duplicate_cookie", "stale_chunk", "url_encoded",
						"plus_to_blank", "quoted", "other_dress"} {
						list = append(list, use{at, id, given})
					}
				}
				return true
			})
		}
	}
	return list
}
