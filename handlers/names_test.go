package handlers_test

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"cxseal/handlers/frame"
	"cxseal/internal/console/consoletest"
)

// pageless are the files whose pages only lead on to another page.
var pageless = map[string]bool{"sso": true}

// TestAPageIsNamedAlikeInItsAreaAndInWeb fails when the handler of a page stands in a file that no template
// shares its name with, so that nobody finds the one from the other (tried with
// handlers/ledger/audit_record.go named record.go, as it was).
func TestAPageIsNamedAlikeInItsAreaAndInWeb(t *testing.T) {
	seen := 0
	files := map[string]string{}
	for name := range areas {
		fset := token.NewFileSet()
		for _, file := range parseArea(t, fset, name) {
			for _, d := range file.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil {
					files["cxseal/handlers/"+name+".(*Area)."+f.Name.Name] = fset.Position(f.Pos()).Filename
				}
			}
		}
	}
	for _, rt := range consoletest.Open(t).Pages.Routes() {
		if rt.Kind != frame.Page {
			continue
		}
		handler := strings.TrimSuffix(runtime.FuncForPC(reflect.ValueOf(rt.Handle).Pointer()).Name(), "-fm")
		base := strings.TrimSuffix(filepath.Base(files[handler]), ".go")
		if pageless[base] {
			continue
		}
		if _, err := os.Stat("../web/" + base + ".templ"); base == "" || err != nil {
			t.Errorf("%s is answered by %s in %q, and web has no %s.templ", rt.Path, handler, files[handler], base)
		}
		seen++
	}
	if seen < 30 {
		t.Errorf("%d pages were looked at", seen)
	}
}

// TestTheWalkLeadsToFilesThatExist fails when docs/architecture.md leads to a file that is not there, as it
// did with a file renamed.
func TestTheWalkLeadsToFilesThatExist(t *testing.T) {
	page, err := os.ReadFile("../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`((?:cmd|handlers|internal|store|web)/[a-z_/]+\\.(?:go|templ))`").FindAllStringSubmatch(string(page), -1)
	for _, file := range named {
		if _, err := os.Stat("../" + file[1]); err != nil {
			t.Errorf("docs/architecture.md names %s: %v", file[1], err)
		}
	}
	if len(named) < 15 {
		t.Errorf("%d files are named", len(named))
	}
}
