package sandbox_test

import (
	"os"
	"strings"
	"testing"

	"cxseal/cxone/sandbox"
)

// TestEveryFaultStandsInTheREADMEAndTheHelp fails when a kind of fault is missing from the README or from the help
// of the controls.
func TestEveryFaultStandsInTheREADMEAndTheHelp(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	tn := start(t, sandbox.Config{})
	help := tn.control("GET", "/", "").body
	for _, kind := range sandbox.FaultKinds() {
		if !strings.Contains(string(readme), "`"+string(kind)+"`") {
			t.Errorf("the README does not name %s", kind)
		}
		if !strings.Contains(help, string(kind)) {
			t.Errorf("the help does not name %s", kind)
		}
	}
}
