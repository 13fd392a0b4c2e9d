package docs_test

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// exported are the names of the public packages: cookie.Site, and for types
// their fields and methods as Site.Watch.
func exported(t *testing.T) (names, types map[string]bool) {
	names, types = map[string]bool{}, map[string]bool{}
	for _, pkg := range []string{"cookie", "sessiontoken", "machinekey", "dataprotection"} {
		for _, file := range sources(t, pkg) {
			for _, decl := range file.Decls {
				switch d := decl.(type) {
				case *ast.FuncDecl:
					if d.Recv == nil {
						names[pkg+"."+d.Name.Name] = true
					} else if name := receiver(d.Recv.List[0].Type); name != nil {
						names[name.Name+"."+d.Name.Name] = true
					}
				case *ast.GenDecl:
					for _, spec := range d.Specs {
						switch s := spec.(type) {
						case *ast.ValueSpec:
							for _, name := range s.Names {
								names[pkg+"."+name.Name] = true
							}
						case *ast.TypeSpec:
							names[pkg+"."+s.Name.Name], types[s.Name.Name] = true, s.Name.IsExported()
							members(names, s)
						}
					}
				}
			}
		}
	}
	return names, types
}

// receiver returns the name of the type of a method.
func receiver(e ast.Expr) *ast.Ident {
	if star, ok := e.(*ast.StarExpr); ok {
		e = star.X
	}
	name, _ := e.(*ast.Ident)
	return name
}

// members adds the fields of a struct and the methods of an interface.
func members(names map[string]bool, s *ast.TypeSpec) {
	var list *ast.FieldList
	switch typ := s.Type.(type) {
	case *ast.StructType:
		list = typ.Fields
	case *ast.InterfaceType:
		list = typ.Methods
	default:
		return
	}
	for _, field := range list.List {
		for _, name := range field.Names {
			names[s.Name.Name+"."+name.Name] = true
		}
	}
}

// TestNamesInDocuments wants the names of this library that the documents give
// between backquotes to exist.
func TestNamesInDocuments(t *testing.T) {
	names, types := exported(t)
	files, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range append(files, "README.md", "SECURITY.md") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := regexp.MustCompile("(?s)```.*?```").ReplaceAllString(string(data), "")
		for _, m := range regexp.MustCompile("`[^`\n]*`").FindAllString(text, -1) {
			for _, path := range regexp.MustCompile(`\b[A-Za-z]\w*(?:\.[A-Z]\w*)+`).FindAllString(m, -1) {
				if path == "Identity.Application" || path == "AspNet.Identity.SecurityStamp" { // of ASP.NET Core
					continue
				}
				parts := strings.Split(path, ".")
				for i := range parts[1:] {
					owner, name := parts[i], parts[i]+"."+parts[i+1]
					if owner == "cookie" || owner == "sessiontoken" || owner == "machinekey" || owner == "dataprotection" || types[owner] {
						if n++; !names[name] {
							t.Errorf("%s: %s does not exist (%s)", file, name, m)
						}
					}
				}
			}
		}
	}
	if n < 50 {
		t.Errorf("only %d names found", n)
	}
}
