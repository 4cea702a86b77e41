package store

import (
	"fmt"
	"strings"
	"testing"
)

func TestAPoolRewritesATextOnceWhileItKeepsIt(t *testing.T) {
	s := open(t)
	seen := map[string]int{}
	p := newPool(byPages, s.pages.db, func(text string) string {
		seen[text]++
		return strings.ReplaceAll(text, "$n", "?")
	})
	read := func(text string, n int) {
		t.Helper()
		var got int
		if err := firstRow(reading{t.Context(), p}, text, n).Scan(&got); err != nil || got != n {
			t.Fatalf("%s answers %d, %v; want %d", text, got, err, n)
		}
	}
	for n := range 3 {
		read(`SELECT $n`, n)
	}
	if n := seen[`SELECT $n`]; n != 1 {
		t.Errorf("the text was rewritten %d times", n)
	}
	for i := range maxCachedStmts + 5 { // more than are kept
		read(fmt.Sprintf(`SELECT $n + 0 * %d`, i), i)
	}
	if kept := len(p.stmts); kept != maxCachedStmts {
		t.Errorf("%d statements are kept prepared, want %d", kept, maxCachedStmts)
	}
	for _, st := range p.stmts {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
}
