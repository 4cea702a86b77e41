package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A runner that calls a surviving mutant killed would make every test look good.
func TestVerdictsAreTrue(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":      "module example\n\ngo 1.26\n",
		"sum.go":      "package example\n\nfunc Sum(a, b int) int { return a + b }\n\nfunc Idle(a int) int { return a + 1 }\n",
		"sum_test.go": "package example\n\nimport \"testing\"\n\nfunc TestSum(t *testing.T) {\n\tif Sum(1, 2) != 3 {\n\t\tt.Fatal(\"sum\")\n\t}\n}\n",
		"list.txt": `# three edits
name: noticed
file: sum.go
old:  a + b
new:  a - b
test: .

name: nobody looks
file: sum.go
old:  a + 1
new:  a + 2
test: .

name: does not compile
file: sum.go
old:  a + b
new:  a + c
test: .

name: no longer there
file: sum.go
old:  a * b
new:  a - b
test: .

name: no such test
file: sum.go
old:  a + b
new:  a - b
test: . -run TestNothing
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	var out, trouble bytes.Buffer
	if code := run(t.Context(), []string{"-list", "list.txt"}, &out, &trouble); code != 1 {
		t.Fatalf("exit %d, want 1: %s%s", code, out.String(), trouble.String())
	}
	for _, want := range []string{"killed    noticed", "SURVIVED  nobody looks", "STALE     does not compile", "STALE     no longer there",
		"STALE     no such test", "1 killed, 1 survived, 3 stale"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
}

func TestAListThatCannotBeReadIsRefused(t *testing.T) {
	for _, text := range []string{"file: a.go", "name: x\nfile: a.go\nold: 1\nnew: 2", "name: x\nfile: a\nold: 1\nnew: 1\ntest: .", "name: x\ncolour: red"} {
		if _, err := parse(text); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}
