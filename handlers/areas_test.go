package handlers_test

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cxseal/handlers"
)

// areas are the packages of pages, each with the struct of what it is handed.
var areas = map[string]string{"frame": "Config", "tables": "Deps", "runs": "Deps", "ledger": "Deps", "keys": "Deps",
	"people": "Deps", "overview": "Deps", "settings": "Deps"}

// Mutation: a field added to keys.Deps, or a method to keys.Feeds, that no page
// uses is named here.
func TestNoAreaHoldsAReaderThatItDoesNotUse(t *testing.T) {
	exports := exportData(t)
	for name, held := range areas {
		a := readArea(t, name, exports)
		config := a.pkg.Scope().Lookup(held).Type().Underlying().(*types.Struct)
		for i := range config.NumFields() {
			if field := config.Field(i); !a.uses(field) {
				t.Errorf("%s.%s.%s is handed to no page", name, held, field.Name())
			}
		}
		for _, declared := range a.pkg.Scope().Names() {
			named, ok := a.pkg.Scope().Lookup(declared).(*types.TypeName)
			if !ok {
				continue
			}
			i, ok := named.Type().Underlying().(*types.Interface)
			if !ok {
				continue
			}
			for n := range i.NumExplicitMethods() {
				if m := i.ExplicitMethod(n); !a.uses(m) {
					t.Errorf("%s.%s.%s is called by no page", name, declared, m.Name())
				}
			}
		}
	}
}

func TestNoAreaKnowsAnotherOne(t *testing.T) {
	for name := range areas {
		for _, file := range parseArea(t, token.NewFileSet(), name) {
			for _, spec := range file.Imports {
				path := strings.Trim(spec.Path.Value, `"`)
				if below, ok := strings.CutPrefix(path, "cxseal/handlers"); ok && (name == "frame" || below != "/frame" && below != "/rows") {
					t.Errorf("handlers/%s imports %s", name, path)
				}
			}
		}
	}
}

// What an area cannot do without is required by its New, or says that it is
// optional.
//
// Mutation: with "Feeds" left out of the list in keys.New, this test names it.
func TestWhatIsMissingIsNamed(t *testing.T) {
	if _, err := handlers.New(handlers.Config{}); err == nil || !strings.Contains(err.Error(), "Config.Frame.Sessions is missing") {
		t.Errorf("a console without parts: %v", err)
	}
	for name, held := range areas {
		required, fields := map[string]bool{}, map[string]string{}
		for _, file := range parseArea(t, token.NewFileSet(), name) {
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					if isMissing(n) {
						ast.Inspect(n.Args[1], func(n ast.Node) bool {
							if key, ok := n.(*ast.BasicLit); ok && key.Kind == token.STRING {
								required[strings.Trim(key.Value, `"`)] = true
							}
							return true
						})
					}
				case *ast.TypeSpec:
					if s, ok := n.Type.(*ast.StructType); ok && n.Name.Name == held {
						for _, f := range s.Fields.List {
							for _, id := range f.Names {
								fields[id.Name] = f.Doc.Text() + f.Comment.Text()
							}
						}
					}
				}
				return true
			})
		}
		if len(fields) == 0 {
			t.Errorf("%s has no %s", name, held)
		}
		for field, says := range fields {
			if optional := strings.Contains(says, "Optional"); optional == required[field] {
				t.Errorf("%s.%s.%s: optional %v, required %v", name, held, field, optional, required[field])
			}
		}
	}
}

func isMissing(call *ast.CallExpr) bool {
	name := types.ExprString(call.Fun)
	return name == "Missing" || name == "frame.Missing"
}

// area is a package of pages with its types.
type area struct {
	pkg  *types.Package
	used map[types.Object]bool
}

func (a area) uses(o types.Object) bool { return a.used[o] }

// readArea type-checks an area and gathers what its code uses. To look whether
// it is there is no use.
func readArea(t *testing.T, name string, exports map[string]string) area {
	t.Helper()
	fset := token.NewFileSet()
	files := parseArea(t, fset, name)
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})}
	pkg, err := config.Check("cxseal/handlers/"+name, fset, files, info)
	must(t, err)
	a := area{pkg, map[types.Object]bool{}}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				return !isMissing(n)
			case *ast.Ident:
				a.used[info.Uses[n]] = true
			}
			return true
		})
	}
	return a
}

func parseArea(t *testing.T, fset *token.FileSet, name string) []*ast.File {
	t.Helper()
	paths, err := filepath.Glob(name + "/*.go")
	must(t, err)
	paths = slices.DeleteFunc(paths, func(p string) bool { return strings.HasSuffix(p, "_test.go") })
	if len(paths) == 0 {
		t.Fatalf("handlers/%s has no files", name)
	}
	var files []*ast.File
	for _, p := range paths {
		f, err := parser.ParseFile(fset, p, nil, parser.ParseComments)
		must(t, err)
		files = append(files, f)
	}
	return files
}

// exportData is where the compiler left each package's types.
func exportData(t *testing.T) map[string]string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}", "./...").Output()
	must(t, err)
	paths := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if path, file, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			paths[path] = file
		}
	}
	return paths
}
