package main

import (
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/mod/sumdb/note"

	"cxseal/cxone/sandbox"
)

// TestCommandLine runs testdata/script: what a person types, what is printed
// and how it exits. Each script has a tenant of its own and two free addresses.
func TestCommandLine(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			tenant := sandbox.New(sandbox.Config{Tables: 3})
			api := httptest.NewServer(tenant)
			env.Defer(func() { tenant.Close(); api.Close() })
			env.Values[tenantKey] = tenant
			env.Setenv("USER", "tester")
			env.Setenv("TENANT", api.URL)
			env.Setenv("CXONE_BASE_URL", api.URL)
			env.Setenv("CXONE_CLIENT_ID", sandbox.DefaultClientID)
			env.Setenv("CXONE_CLIENT_SECRET", sandbox.DefaultClientSecret)
			env.Setenv("CXONE_REALM", sandbox.DefaultRealm)
			env.Setenv("CXONE_RATE", "0")
			_, other, err := note.GenerateKey(rand.Reader, "elsewhere")
			if err != nil {
				return err
			}
			env.Setenv("OTHER_KEY", other)
			for _, name := range []string{"ADDR", "ADDR2"} {
				address, err := findAddress()
				if err != nil {
					return err
				}
				env.Setenv(name, address)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   exits,
			"ready":   ready,
			"sql":     runSQL,
			"fault":   switchFault,
			"tenant":  configureTenant,
			"column":  addColumn,
			"commits": commits,
		},
	})
}

const tenantKey = "tenant"

func tenantOf(ts *testscript.TestScript) *sandbox.Sandbox {
	return ts.Value(tenantKey).(*sandbox.Sandbox)
}

// exits CODE PROGRAM ARGS… runs a program that must end with that code. An
// error is one line on stderr.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
	if said := ts.ReadFile("stderr"); code == exitUsage && (strings.Count(said, "\n") != 1 || !strings.HasPrefix(said, "cxseal: ")) {
		ts.Fatalf("a usage error is one line on stderr, not %q", said)
	}
}

// ready ADDRESS waits until a console answers there that it is ready.
func ready(ts *testscript.TestScript, _ bool, args []string) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); time.Since(began) < patience; <-tick.C {
		resp, err := http.Get("http://" + args[0] + "/readyz")
		if err != nil {
			continue
		}
		ts.Check(resp.Body.Close())
		if resp.StatusCode == http.StatusOK {
			return
		}
	}
	ts.Fatalf("no console is ready on %s", args[0])
}

// runSQL is the script command “sql FILE STATEMENT”: it changes a database as anybody with a shell can.
func runSQL(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("sqlite", "file:"+ts.MkAbs(args[0]))
	ts.Check(err)
	defer db.Close() //nolint:errcheck // checked by what comes after
	_, err = db.Exec(args[1])
	ts.Check(err)
}

// switchFault is the script command “fault JSON”, which switches a fault of the tenant on; "clear" switches all off.
func switchFault(ts *testscript.TestScript, _ bool, args []string) {
	if args[0] == "clear" {
		tenantOf(ts).ClearFaults()
		return
	}
	var f sandbox.Fault
	ts.Check(json.Unmarshal([]byte(args[0]), &f))
	tenantOf(ts).Fail(f)
}

// configureTenant is the script command “tenant JSON”, which changes the tenant's settings.
func configureTenant(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(tenantOf(ts).Configure(func(s *sandbox.Settings) { ts.Check(json.Unmarshal([]byte(args[0]), s)) }))
	tenantOf(ts).RevokeTokens()
}

// addColumn is the script command “column NAME”, which adds a column to tbl-contacts. The name is a Go string
// literal.
func addColumn(ts *testscript.TestScript, _ bool, args []string) {
	name, err := strconv.Unquote(args[0])
	ts.Check(err)
	ts.Check(tenantOf(ts).Mutate("ds-customers", "tbl-contacts", sandbox.Mutation{Action: sandbox.AddColumn, Column: name, Type: "string"}))
}

// commits N holds the changes that the tenant made against N.
func commits(ts *testscript.TestScript, _ bool, args []string) {
	total := 0
	for _, n := range tenantOf(ts).Stats().Commits {
		total += n
	}
	if strconv.Itoa(total) != args[0] {
		ts.Fatalf("the tenant made %d changes, want %s", total, args[0])
	}
}
