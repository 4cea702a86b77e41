package store

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The store keeps what the domain decides. What a reason, a record or an alarm
// says is a decision: a file of the store that writes one has taken a rule in.
// The sentences of fault explain what the rows or the database refuse; they
// are the store's own.
func TestTheStoreWritesNoSentenceAndNoRecordOfItsOwn(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 30 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if called(n, "audit", "NewRecord") {
					t.Errorf("%s: the store makes an audit record", set.Position(n.Pos()))
				}
				return !called(n, "fault", "New") && !called(n, "fault", "Wrap")
			case *ast.CompositeLit:
				if of, ok := n.Type.(*ast.SelectorExpr); ok && len(n.Elts) > 0 && (is(of, "audit", "Record") || is(of, "alarm", "Alarm")) {
					t.Errorf("%s: the store makes a %s", set.Position(n.Pos()), of.Sel.Name)
				}
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING && isSentence(text) {
					t.Errorf("%s: the store writes the sentence %q", set.Position(n.Pos()), text)
				}
			}
			return true
		})
	}
}

func called(c *ast.CallExpr, pkg, name string) bool {
	f, ok := c.Fun.(*ast.SelectorExpr)
	return ok && is(f, pkg, name)
}

func is(s *ast.SelectorExpr, pkg, name string) bool {
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == pkg && s.Sel.Name == name
}

// isSentence reports words that end in a full stop, and are no piece of SQL.
func isSentence(text string) bool {
	return strings.HasSuffix(text, ".") && strings.Contains(text, " ") && !strings.Contains(text, "=")
}
