package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// mutant is one edit and the tests that must notice it.
type mutant struct {
	name string
	file string   // relative to the module
	old  string   // stands exactly once in the file
	new  string   // takes its place
	test []string // arguments of go test
}

// verdict is the result of trying a mutant.
type verdict string

const (
	killed   verdict = "killed"   // a test failed
	survived verdict = "SURVIVED" // every test passed
	stale    verdict = "STALE"    // the edit no longer fits the code, or does not compile
)

// parse reads a list of mutants. Each is a block of lines that begins with
// "name"; a line is a key, a colon and a value, and "#" begins a comment:
//
//	name: a run may be claimed twice
//	file: store/runs.go
//	old:  AND state = ?
//	new:  AND 1 = 1
//	test: ./store -run Claim
func parse(text string) ([]mutant, error) {
	var list []mutant
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if key == "name" {
			list = append(list, mutant{name: value})
		}
		if !ok || len(list) == 0 {
			return nil, fmt.Errorf("line %d is not a key and a value, or stands before the first name", n)
		}
		m := &list[len(list)-1]
		switch key {
		case "name":
		case "file":
			m.file = value
		case "old":
			m.old = value
		case "new":
			m.new = value
		case "test":
			m.test = strings.Fields(value)
		default:
			return nil, fmt.Errorf("line %d has the unknown key %q", n, key)
		}
	}
	for _, m := range list {
		if m.file == "" || m.old == "" || m.old == m.new || len(m.test) == 0 {
			return nil, fmt.Errorf("the mutant %q lacks a file, an old text that differs from the new one, or a test", m.name)
		}
	}
	return list, lines.Err()
}

// try makes the edit in an overlay and runs the tests on it.
func (m mutant) try(ctx context.Context) (verdict, string) {
	overlay, cleanup, err := m.overlay()
	if err != nil {
		return stale, err.Error()
	}
	defer cleanup()
	// Without vet, which judges the program's text: an edit is to be noticed by a test.
	out, err := goCommand(ctx, "test", append([]string{"-overlay", overlay, "-vet=off", "-failfast", "-count=1", "-timeout=5m"}, m.test...))
	var failed *exec.ExitError
	switch {
	case strings.Contains(out, "[build failed]") || strings.Contains(out, "[setup failed]"):
		return stale, "the edit does not compile: " + lastLine(out) // which proves nothing
	case errors.As(err, &failed):
		return killed, ""
	case err != nil:
		return stale, err.Error()
	case strings.Contains(out, "no tests to run"):
		return stale, "no test matches " + strings.Join(m.test, " ")
	}
	return survived, "no test failed: go test " + strings.Join(m.test, " ")
}

// overlay writes the edited file and an overlay that replaces the real one by it, and returns the overlay's path.
func (m mutant) overlay() (path string, cleanup func(), err error) {
	source, err := os.ReadFile(m.file)
	if err != nil {
		return "", nil, err
	}
	if n := strings.Count(string(source), m.old); n != 1 {
		return "", nil, fmt.Errorf("%q stands %d times in it, and must stand once", m.old, n)
	}
	dir, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return "", nil, err
	}
	cleanup = func() { _ = os.RemoveAll(dir) } // a leftover in the temporary folder harms nobody
	real, err := filepath.Abs(m.file)
	if err != nil {
		return "", cleanup, err
	}
	edited := filepath.Join(dir, filepath.Base(m.file))
	raw, err := json.Marshal(map[string]map[string]string{"Replace": {real: edited}})
	if err != nil {
		return "", cleanup, err
	}
	path = filepath.Join(dir, "overlay.json")
	mutated := strings.Replace(string(source), m.old, m.new, 1)
	return path, cleanup, errors.Join(os.WriteFile(edited, []byte(mutated), 0o600), os.WriteFile(path, raw, 0o600))
}

func goCommand(ctx context.Context, verb string, args []string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", append([]string{verb}, args...)...).CombinedOutput() //nolint:gosec // G204: the list is part of the source
	return string(out), err
}

// lastLine returns the last line of a failed build's output that names the error.
func lastLine(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for len(lines) > 1 && strings.HasPrefix(lines[len(lines)-1], "FAIL") {
		lines = lines[:len(lines)-1]
	}
	return lines[len(lines)-1]
}
