package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// A fault from the command line is on from the start.
func TestTheSandboxStartsWithItsFaults(t *testing.T) {
	t.Parallel()
	addr := freeAddress(t)
	p := launchProcess(t, nil, "sandbox", "--addr", addr, "--tables", "0",
		"--fault", "accepted:latencyMs=3000,times=2", "--fault", `{"kind":"bom","endpoint":"token"}`)
	p.says("The sandbox tenant is serving")
	resp, err := http.Get("http://" + addr + "/_sandbox/faults")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`{"kind":"accepted","times":2,"latencyMs":3000}`, `{"kind":"bom","endpoint":"token","times":-1}`} {
		if !strings.Contains(string(body), want) {
			t.Errorf("%s is not among %s", want, body)
		}
	}
	p.stop()
}
