package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryEditOfTheListFits holds mutants.txt to the code as it is: each text that an edit replaces stands exactly
// once in its file, no name stands twice, and the packages to test exist.
func TestEveryEditOfTheListFits(t *testing.T) {
	text, err := os.ReadFile("mutants.txt")
	if err != nil {
		t.Fatal(err)
	}
	list, err := parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, m := range list {
		if names[m.name] {
			t.Errorf("%q stands twice in the list", m.name)
		}
		names[m.name] = true
		source, err := os.ReadFile(filepath.Join("..", m.file))
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
			continue
		}
		if n := strings.Count(string(source), m.old); n != 1 {
			t.Errorf("%s: %q stands %d times in %s, and must stand once", m.name, m.old, n, m.file)
		}
		for _, arg := range m.test {
			if !strings.HasPrefix(arg, "./") {
				break // the packages come first
			}
			if _, err := os.Stat(filepath.Join("..", arg)); err != nil {
				t.Errorf("%s: %v", m.name, err)
			}
		}
	}
}
