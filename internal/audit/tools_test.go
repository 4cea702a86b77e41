package audit_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxseal/internal/audit"
	"cxseal/store"
)

// tool returns the path of an external program. Without it the test is skipped, except on CI, where it fails.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s must be installed: %v", name, err)
		}
		t.Skipf("%s is not installed", name)
	}
	return path
}

// TestWhatAPlainSQLiteShellDoesToTheLogIsNamed fails when the verification misses or misnames an edit that a
// person with the database file can make; triggers do not prevent it.
func TestWhatAPlainSQLiteShellDoesToTheLogIsNamed(t *testing.T) {
	shell := tool(t, "sqlite3")
	l := newLog(t)
	l.append(t, 300)
	l.tick(t)
	backup := filepath.Join(t.TempDir(), "log.db")
	if err := l.store.Backup(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	const unlock = `DROP TRIGGER audit_records_no_update; DROP TRIGGER audit_records_no_delete; `
	for name, c := range map[string]struct {
		sql  string
		want []string // kind and range of each problem
	}{
		"untouched": {`SELECT 1`, nil},
		"one byte":  {`UPDATE audit_records SET record = replace(record, 'Sign-in 41"', 'Sign-in 47"')`, []string{"record-changed 42-42"}},
		"a byte, and the hash beside it": {`UPDATE audit_records SET record = replace(record, 'Sign-in 41"', 'Sign-in 47"'),
			leaf_hash = (SELECT leaf_hash FROM audit_records WHERE seq = 48) WHERE seq = 42`, []string{"record-changed 42-42"}},
		"one removed": {`DELETE FROM audit_records WHERE seq = 7`, []string{"records-missing 7-7"}},
		"two swapped": {`UPDATE audit_records SET seq = -1 WHERE seq = 10; UPDATE audit_records SET seq = 10 WHERE seq = 200;
			UPDATE audit_records SET seq = 200 WHERE seq = -1`, []string{"records-swapped 10-10", "records-swapped 200-200"}},
		"the last hundred cut off": {`DELETE FROM audit_records WHERE seq > 200`, []string{"records-cut 201-300"}},
		"the last hundred, with their hashes": {`DROP TRIGGER audit_hashes_no_delete; DELETE FROM audit_records WHERE seq > 200;
			DELETE FROM audit_hashes WHERE idx >= 397`, []string{"records-cut 201-300"}},
		"three things at once": {`DELETE FROM audit_records WHERE seq BETWEEN 5 AND 6;
			UPDATE audit_records SET record = replace(record, 'Sign-in 99"', 'Sign-in 00"');
			DELETE FROM audit_records WHERE seq > 290`, []string{"records-missing 5-6", "record-changed 100-100", "records-cut 291-300"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "copy.db")
			if err := os.WriteFile(path, whole, 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command(shell, "-bail", path, unlock+c.sql).CombinedOutput(); err != nil { //nolint:gosec // G204: the test's own texts
				t.Fatalf("%v: %s", err, out)
			}
			s, err := store.Open(t.Context(), path, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close() //nolint:errcheck // nothing was written
			report, err := audit.VerifyLog(t.Context(), s.LogInput(t.Context(), l.VerifierKey()))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range report.Problems {
				got = append(got, fmt.Sprintf("%s %d-%d", p.Kind, p.From, p.To))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("found %v, want %v\n%+v", got, c.want, report.Problems)
			}
			summary := report.Summary()
			if c.want == nil && (!strings.Contains(summary, "300 records checked") || !strings.Contains(summary, "checkpoint cxseal/test, 300 records")) {
				t.Errorf("the verdict does not say how many records and which checkpoint: %s", summary)
			}
		})
	}
}

// hostile are texts that break careless readers of CSV.
var hostile = []string{`=cmd|' /C calc'!A0`, `+1+1`, `-2+3`, `@SUM(A1)`, "\t=1", "a,\"b\"\r\nc", `"`, `,`, `;`, "line\nbreak", "\rreturn",
	"ünïcödé 漢字 🔒", `'already quoted`, " leading and trailing ", "\u2028", "0012", "1e5", "TRUE", "<script>alert(1)</script>"}

func hostileCSV(t *testing.T) []byte {
	t.Helper()
	l := newLog(t)
	var list []audit.Record
	for i, text := range hostile {
		r := audit.NewRecord(l.now.Add(time.Duration(i)*time.Second), audit.ColumnEncryption, audit.Failure, audit.Actor{Name: text, Role: "admin"})
		r.Connection, r.DatastoreID, r.TableID, r.Columns, r.Detail = text, text, text, []string{text, "ssn"}, text
		r.Metrics = &audit.Metrics{LatencyMs: int64(-i), CoverageRate: float64(i) / 8, QueryDegradationRisk: "LOW"}
		list = append(list, r)
	}
	if err := l.store.AppendRecords(t.Context(), list...); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := l.store.ExportCSV(t.Context(), audit.Filter{}, &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestTheCSVReadsTheSameInPythonAndGo fails when one of them reads another text than the record has. Only a
// quote before a text that a spreadsheet would calculate is allowed.
func TestTheCSVReadsTheSameInPythonAndGo(t *testing.T) {
	python := tool(t, "python3")
	file := hostileCSV(t)
	if path := os.Getenv("CXSEAL_HOSTILE_CSV"); path != "" { // to open in a spreadsheet by hand
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(python, "-c", `import csv, io, json, sys
text = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", newline="")
json.dump(list(csv.reader(text, strict=True)), sys.stdout)`)
	cmd.Stdin = bytes.NewReader(file)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var inPython [][]string
	if err := json.Unmarshal(out, &inPython); err != nil {
		t.Fatal(err)
	}
	inGo, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(inPython) != 1+len(hostile) || len(inGo) != len(inPython) {
		t.Fatalf("Python reads %d rows and Go %d, want %d", len(inPython), len(inGo), 1+len(hostile))
	}
	actor := slices.Index(inPython[0], "actor")
	for i, text := range hostile {
		want := text
		if strings.ContainsAny(text[:1], "=+-@\t\r\n") {
			want = "'" + text
		}
		if got := inPython[i+1][actor]; got != want {
			t.Errorf("Python reads %q, want %q", got, want)
		}
	}
	// Go's reader turns \r\n within a cell into \n, as its documentation says.
	for _, row := range inPython {
		for i := range row {
			row[i] = strings.ReplaceAll(row[i], "\r\n", "\n")
		}
	}
	if diff := cmp.Diff(inPython, inGo); diff != "" {
		t.Errorf("(-Python +Go):\n%s", diff)
	}
}
