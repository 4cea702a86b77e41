// Package vocabularytest checks in a test that a package's list of its words (states, operations, codes)
// holds every constant of their type. Other tests then range over that list, so that a new word fails each of
// them that has nothing for it yet: a filter, a label, an HTTP status. Only tests may import it.
package vocabularytest

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Complete fails the test unless list holds each constant of type T that the package under test declares, once;
// the order is the list's own. It reads the package's source in the test's folder, so T must be declared there.
// Constants named in except are words that the list leaves out on purpose.
func Complete[T ~string | ~int](t testing.TB, list []T, except ...T) {
	t.Helper()
	want := declared[T](t)
	if len(want) == 0 {
		t.Fatalf("no constant of type %s is declared here", reflect.TypeFor[T]())
	}
	want = slices.DeleteFunc(want, func(w T) bool { return slices.Contains(except, w) })
	for _, w := range want {
		if !slices.Contains(list, w) {
			t.Errorf("the list of %s lacks %v", reflect.TypeFor[T](), w)
		}
	}
	if !t.Failed() && len(list) != len(want) {
		t.Errorf("the list of %s is %v, its constants are %v", reflect.TypeFor[T](), list, want)
	}
}

// declared returns the constants of type T in the order of files and lines. Imports of the source are not
// resolved: no constant of a vocabulary needs them.
func declared[T ~string | ~int](t testing.TB) []T {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	conf := types.Config{Error: func(error) {}} // unknown imports
	pkg, _ := conf.Check("here", fset, files, nil)
	var found []*types.Const
	for _, name := range pkg.Scope().Names() {
		c, ok := pkg.Scope().Lookup(name).(*types.Const)
		if !ok {
			continue
		}
		if named, ok := c.Type().(*types.Named); ok && named.Obj().Name() == reflect.TypeFor[T]().Name() {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b *types.Const) int { return int(a.Pos() - b.Pos()) })
	var out []T
	for _, c := range found {
		v := reflect.New(reflect.TypeFor[T]()).Elem()
		switch c.Val().Kind() {
		case constant.String:
			v.SetString(constant.StringVal(c.Val()))
		case constant.Int:
			n, _ := constant.Int64Val(c.Val())
			v.SetInt(n)
		default:
			t.Fatalf("%s has no value that can be read", c.Name())
		}
		out = append(out, v.Interface().(T))
	}
	return out
}
