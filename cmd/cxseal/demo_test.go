package main

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"cxseal/internal/attention"
	"cxseal/internal/protection"
)

// A demo that is started again on its folder must find the tenant as it was:
// a fresh tenant would read as columns that lost their encryption or keys that
// went back.
func TestADemoThatIsStartedAgainFindsNoDrift(t *testing.T) {
	db := filepath.Join(t.TempDir(), "cxseal.db")
	first, again := demoDrift(t, db), demoDrift(t, db)
	if first == 0 {
		t.Fatal("the demo's story has no drift, so this test proves nothing")
	}
	if again != first {
		t.Errorf("%d drifts on record after the first start, %d after the second", first, again)
	}
}

// demoDrift starts the demo on a database, stops it, and counts the drift on
// record.
func demoDrift(t *testing.T, db string) int {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	a := &app{ctx: ctx, stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard, getenv: func(string) string { return "" }}
	d, err := (&demoCmd{Addr: "127.0.0.1:0", Days: 180}).open(a, db)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	running := make(chan error, 1)
	go func() { running <- d.console.Run(ctx) }()
	if err := d.people(ctx); err != nil {
		t.Fatal(err)
	}
	if err := d.liveHistory(ctx, 180, io.Discard); err != nil {
		t.Fatal(err)
	}
	n := ask[int](t, db, `SELECT count(*) FROM audit_records WHERE operation = 'DRIFT_DETECTED'`)
	stop()
	if err := <-running; err != nil {
		t.Fatal(err)
	}
	return n
}

// Fails when a person who tries the demo cannot see what a state of a column looks like.
func TestTheDemosStoryEndsWithEachStateOfAColumn(t *testing.T) {
	db := filepath.Join(t.TempDir(), "cxseal.db")
	demoDrift(t, db)
	for _, state := range protection.States() {
		if n := ask[int](t, db, `SELECT count(*) FROM inventory_columns WHERE gone_at IS NULL AND state = 'sensitive' AND protection = '`+string(state)+`'`); n == 0 {
			t.Errorf("no sensitive column is %s", state)
		}
	}
	if n := ask[int](t, db, `SELECT count(*) FROM inventory_columns WHERE gone_at IS NULL AND observed = 1`); n == 0 {
		t.Error("no column has a key version that was only observed")
	}
}

func TestTheDemosStoryHasEachStateOfAttention(t *testing.T) {
	db := filepath.Join(t.TempDir(), "cxseal.db")
	demoDrift(t, db)
	for _, state := range attention.States() {
		if n := ask[int](t, db, `SELECT count(*) FROM attention_items WHERE state = '`+string(state)+`'`); n == 0 {
			t.Errorf("nothing that needs attention is %s", state)
		}
	}
}

// Fails when a person who tries the demo cannot see what becomes of a decision, or what the chart marks of it.
func TestTheDemosStoryHasEachKindOfDecision(t *testing.T) {
	db := filepath.Join(t.TempDir(), "cxseal.db")
	demoDrift(t, db)
	for what, query := range map[string]string{
		"column was declared not sensitive by one person": `SELECT count(*) FROM sensitivity_decisions WHERE decided = 'not_sensitive' AND was = 'sensitive' AND approved_by = ''`,
		"column was declared sensitive":                   `SELECT count(*) FROM sensitivity_decisions WHERE decided = 'sensitive' AND was <> 'sensitive'`,
		"decision was taken back":                         `SELECT count(*) FROM sensitivity_decisions WHERE decided = 'undecided'`,
		"decision was approved by a second person":        `SELECT count(*) FROM audit_records WHERE operation = 'SENSITIVITY_APPROVED'`,
		"request waits":                                   `SELECT count(*) FROM sensitivity_requests WHERE state = 'requested'`,
	} {
		if n := ask[int](t, db, query); n != 1 {
			t.Errorf("%d: %s", n, what)
		}
	}
	if n := ask[int](t, db, `SELECT count(*) FROM audit_records WHERE operation = 'SENSITIVITY_DECIDED'`); n != ask[int](t, db, `SELECT count(*) FROM sensitivity_decisions`) || n != 5 {
		t.Errorf("%d records of decisions", n)
	}
	if n := ask[int](t, db, `SELECT count(*) FROM coverage_totals WHERE decided_out > 0`); n == 0 {
		t.Error("the chart marks no decision")
	}
}

// Fails when a demo that cannot start panics, and hides why.
func TestADemoThatCannotStartSaysWhy(t *testing.T) {
	taken, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	a := &app{ctx: t.Context(), stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard, getenv: func(string) string { return "" }}
	dir := t.TempDir()
	for _, c := range []struct{ addr, db, want string }{
		{taken.Addr().String(), filepath.Join(dir, "cxseal.db"), "cannot listen on"},
		{"127.0.0.1:0", dir, "directory"},
	} {
		d, err := (&demoCmd{Addr: c.addr}).open(a, c.db)
		if err == nil || !strings.Contains(err.Error(), c.want) || d != nil {
			t.Errorf("a demo on %s with the database %s is opened as %v, %v: want an error that says %q", c.addr, c.db, d, err, c.want)
		}
	}
}
