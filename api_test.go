package webfarm_test

import (
	"flag"
	"fmt"
	"go/ast"
	"os"
	"slices"
	"strings"
	"testing"
)

// apiFile lists every exported identifier of the packages that users import.
const apiFile = "docs/api.txt"

var writeAPI = flag.Bool("write-api", false, "write "+apiFile+" anew instead of comparing it")

// maxAPI bounds the number of exported identifiers of all that users import.
const maxAPI = 480

// TestAPI compares the exported identifiers with the list in the repository, so
// that no change of the API goes unseen, and prints their number.
func TestAPI(t *testing.T) {
	_, list := folders(t)
	var names []string
	framework := 0
	for _, f := range list {
		if f.name == "main" || strings.Contains(f.path, "internal") || strings.HasPrefix(f.path, "cmd/") {
			continue
		}
		own := exported(f)
		names = append(names, own...)
		t.Logf("%-24s %d", f.path, len(own))
		switch f.path {
		case "machinekey", "sessiontoken", "cookie":
			framework += len(own)
		}
	}
	t.Logf("%-24s %d", "the first three packages", framework)
	t.Logf("%-24s %d, at most %d", "all", len(names), maxAPI)
	if len(names) > maxAPI {
		t.Errorf("%d exported identifiers, want at most %d", len(names), maxAPI)
	}

	text := strings.Join(names, "\n") + "\n"
	if *writeAPI {
		if err := os.WriteFile(apiFile, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	recorded, err := os.ReadFile(apiFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(recorded) == text {
		return
	}
	before := strings.Split(string(recorded), "\n")
	for _, name := range names {
		if !slices.Contains(before, name) {
			t.Errorf("new: %s", name)
		}
	}
	for _, name := range before {
		if name != "" && !slices.Contains(names, name) {
			t.Errorf("gone: %s", name)
		}
	}
	t.Errorf("%s differs: if the change is meant, run go test -run TestAPI . -write-api", apiFile)
}

// exported returns the exported identifiers of a package, sorted: constants,
// variables, functions, types, their fields and their methods.
func exported(f folder) []string {
	var names []string
	add := func(what, name string) {
		names = append(names, fmt.Sprintf("%s %s %s", f.path, name, what))
	}
	for _, file := range f.files {
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				switch owner := receiver(d); {
				case !d.Name.IsExported():
				case d.Recv == nil:
					add("func", d.Name.Name)
				case ast.IsExported(owner):
					add("method", owner+"."+d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch s := spec.(type) {
					case *ast.ValueSpec:
						for _, name := range s.Names {
							if name.IsExported() {
								add(d.Tok.String(), name.Name)
							}
						}
					case *ast.TypeSpec:
						if s.Name.IsExported() {
							add("type", s.Name.Name)
							for _, member := range members(s.Type) {
								add("member", s.Name.Name+"."+member)
							}
						}
					}
				}
			}
		}
	}
	slices.Sort(names)
	return names
}

// receiver returns the type that a method belongs to, "" for a function.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if generic, ok := t.(*ast.IndexExpr); ok {
		t = generic.X
	}
	return t.(*ast.Ident).Name
}

// members returns the exported fields of a struct or methods of an interface.
func members(t ast.Expr) []string {
	var list *ast.FieldList
	switch t := t.(type) {
	case *ast.StructType:
		list = t.Fields
	case *ast.InterfaceType:
		list = t.Methods
	default:
		return nil
	}
	var names []string
	for _, field := range list.List {
		for _, name := range field.Names {
			if name.IsExported() {
				names = append(names, name.Name)
			}
		}
		if len(field.Names) == 0 { // embedded
			if name, ok := field.Type.(*ast.Ident); ok && name.IsExported() {
				names = append(names, name.Name)
			}
		}
	}
	return names
}
