package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"cxseal/cxone/sandbox"
)

// TestTheGuidesCallsWorkAgainstTheSandbox runs the script of the published guide
// against the sandbox: its readers try theirs there before a real tenant.
func TestTheGuidesCallsWorkAgainstTheSandbox(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("Node.js is not installed: the guide's script was not run")
	}
	for _, args := range [][]string{nil, {"--inline"}, {"--kms", "callback"}} {
		byCallback := len(args) == 2
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			tenant := launchProcess(t, nil, append([]string{"sandbox", "--addr", "127.0.0.1:0"}, args...)...)
			api := tenant.address()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			var stderr bytes.Buffer
			cmd := exec.CommandContext(ctx, node, "testdata/guide.mjs", api, //nolint:gosec // G204: our own script
				sandbox.DefaultClientID, sandbox.DefaultClientSecret, sandbox.DefaultRealm)
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, stderr.String())
			}
			var figures struct {
				Inline          bool
				CoverageRate    float64
				FieldsEncrypted int
			}
			if err := json.Unmarshal(out, &figures); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if figures.Inline == byCallback || figures.FieldsEncrypted != 3 || figures.CoverageRate != 21.43 {
				t.Errorf("the script's figures: %s", out)
			}
			if commits := tenantStats(t, api).Commits; commits["ds-customers/tbl-contacts"] != 1 {
				t.Errorf("the tenant committed %v", commits)
			}
			if byCallback {
				eventually(t, "the callback to be verified", func() bool { return tenantStats(t, api).Callbacks.Verified == 1 })
			}
		})
	}
}
