package web

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Fails when a view model or the words of a page stand under a name that no template has, so that nobody finds
// them from the page, or when a generated file outlived its template (tried by renaming runs_text.go).
func TestEveryFileIsNamedAfterItsTemplate(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil || len(names) == 0 {
		t.Fatal(len(names), err)
	}
	for _, name := range names {
		for _, kind := range []string{"_view.go", "_text.go", "_templ.go"} {
			page, is := strings.CutSuffix(name, kind)
			if !is {
				continue
			}
			if _, err := os.Stat(page + ".templ"); err != nil {
				t.Errorf("%s stands without its template: %v", name, err)
			}
		}
	}
}
