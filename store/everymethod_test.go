package store

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"cxseal/internal/audit"
)

// notCalled are the exported methods that TestEveryMethodRunsItsStatements does not call, and why.
var notCalled = map[string]string{
	"Close": "ends the store", "Backup": "writes a file",
}

// Calls every exported method of the store with made-up arguments, so that TestMain looks at the plan of each one's
// statements: what no test called was looked at by nobody, and Totals, which every view of the dashboard runs, was such
// a method. What a call answers is for the tests of its method.
func TestEveryMethodRunsItsStatements(t *testing.T) {
	s := open(t)
	save(t, s, noon, "x", columnsOf("ssn", "ssn", "id"))
	v := reflect.ValueOf(s)
	for i := range v.NumMethod() {
		method := v.Type().Method(i)
		if notCalled[method.Name] != "" {
			continue
		}
		for _, depth := range []int{0, 4} { // with zero values, and with every field filled in
			callWithin(t, v.Method(i), method.Name, depth)
		}
	}
}

func callWithin(t *testing.T, method reflect.Value, name string, depth int) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var args []reflect.Value
	for i := range method.Type().NumIn() {
		deep := depth
		if method.Type().IsVariadic() && i == method.Type().NumIn()-1 {
			deep = max(depth, 1) // nobody calls it with none
		}
		args = append(args, madeUp(ctx, method.Type().In(i), deep))
	}
	defer func() {
		if why := recover(); why != nil {
			t.Logf("%s, filled to depth %d: %v", name, depth, why)
		}
	}()
	if method.Type().IsVariadic() {
		method.CallSlice(args)
		return
	}
	method.Call(args)
}

// madeUp is a value of the type: a zero value at depth 0, else one whose fields are filled in as deep as that.
func madeUp(ctx context.Context, of reflect.Type, depth int) reflect.Value {
	v := reflect.New(of).Elem()
	switch of {
	case reflect.TypeFor[context.Context]():
		return reflect.ValueOf(&ctx).Elem()
	case reflect.TypeFor[io.Writer]():
		w := io.Discard
		return reflect.ValueOf(&w).Elem()
	case reflect.TypeFor[audit.Record]():
		return reflect.ValueOf(record(noon)) // any other is not in the ledger's form
	case reflect.TypeFor[time.Time]():
		return reflect.ValueOf(noon)
	}
	switch of.Kind() {
	case reflect.Func:
		return reflect.MakeFunc(of, func([]reflect.Value) []reflect.Value {
			var out []reflect.Value
			for i := range of.NumOut() {
				out = append(out, reflect.Zero(of.Out(i)))
			}
			return out
		})
	case reflect.String:
		if depth > 0 {
			v.SetString("x")
		}
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Bool:
		v.SetBool(depth > 0)
	case reflect.Pointer:
		if depth > 0 {
			v.Set(reflect.New(of.Elem()))
			v.Elem().Set(madeUp(ctx, of.Elem(), depth-1))
		}
	case reflect.Slice:
		if depth > 0 {
			v.Set(reflect.MakeSlice(of, 1, 1))
			v.Index(0).Set(madeUp(ctx, of.Elem(), depth-1))
		}
	case reflect.Struct:
		if depth > 0 {
			for i := range v.NumField() {
				if v.Field(i).CanSet() {
					v.Field(i).Set(madeUp(ctx, v.Field(i).Type(), depth-1))
				}
			}
		}
	}
	return v
}

// notRun names the exported methods of the store that run a statement and that no test called, in a run of all tests.
func notRun(called map[string]bool) error {
	if flag.Lookup("test.run").Value.String() != "" {
		return nil
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		return err
	}
	var missing []error
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if ok && f.Recv != nil && f.Name.IsExported() && runsAStatement(f) && !called[f.Name.Name] {
				missing = append(missing, fmt.Errorf("no test calls %s of %s: nobody looked at the plans of its statements", f.Name.Name, name))
			}
		}
	}
	return errors.Join(missing...)
}

// runsAStatement reports whether a method of *Store reads, or writes through the writer, itself.
func runsAStatement(f *ast.FuncDecl) bool {
	star, ok := f.Recv.List[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	if of, ok := star.X.(*ast.Ident); !ok || of.Name != "Store" {
		return false
	}
	runs := false
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		name := ""
		switch fun := call.Fun.(type) {
		case *ast.Ident:
			name = fun.Name
		case *ast.SelectorExpr:
			name = fun.Sel.Name
		}
		runs = runs || slices.Contains([]string{"queryRow", "collect", "write"}, name)
		return true
	})
	return runs
}
