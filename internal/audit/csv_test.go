package audit

import (
	"encoding/csv"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// hostileTexts are cells that spreadsheets, parsers and people trip over.
var hostileTexts = []string{
	`=HYPERLINK("http://evil","x")`, "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\tx", "\rx", "\nx",
	`a,b`, `say "hi"`, "two\nlines", `'quoted'`, ` lead`, `;`, "ünïcode ✓", `\.`, "a=b",
}

func entry(t testing.TB, seq int64, r Record) Entry {
	t.Helper()
	raw, err := Canonical(r)
	if err != nil {
		t.Fatal(err)
	}
	return Entry{Seq: seq, Record: r, Raw: raw, LeafHash: LeafHash(raw)}
}

func hostileEntries(t testing.TB) []Entry {
	entries := []Entry{entry(t, 1, fullRecord())}
	bare := fullRecord()
	bare.Columns, bare.Metrics, bare.Compliance, bare.KMS, bare.Detail = nil, nil, nil, nil, ""
	entries = append(entries, entry(t, 2, bare))
	for i, s := range hostileTexts {
		r := fullRecord()
		r.Actor.Name, r.Detail, r.Connection = s, s, s
		r.Columns = []string{s, "b"}
		r.KMS = &KMS{PermissionHash: s, Status: "REJECTED"}
		r.Metrics = &Metrics{LatencyMs: -5}
		entries = append(entries, entry(t, int64(i+3), r))
	}
	return entries
}

func TestCSVIsTheContractsByteForByte(t *testing.T) {
	got := AppendCSVHeader(nil)
	for _, e := range hostileEntries(t) {
		got = AppendCSV(got, &e)
	}
	golden := filepath.Join("testdata", "hostile.csv")
	if *update {
		if err := os.WriteFile(golden, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Error(diff)
	}
	if !strings.HasPrefix(string(got), "seq,audit_id,timestamp,operation,outcome,actor,actor_role,actor_ip,connection,datastore_id,table_id,columns,run_id,latency_ms,coverage_rate,fields_encrypted,total_fields,query_degradation_risk,gdpr_aligned,algorithm,key_rotation_enabled,key_version,permission_hash,kms_status,detail,leaf_hash\r\n1,") {
		t.Error("the header is not the contract's")
	}
}

func TestCSVParsesBackToTheSameRowsWithFormulasInert(t *testing.T) {
	entries := hostileEntries(t)
	out := AppendCSVHeader(nil)
	for _, e := range entries {
		out = AppendCSV(out, &e)
	}
	rows, err := csv.NewReader(strings.NewReader(string(out))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(entries)+1 {
		t.Fatalf("%d rows, want %d", len(rows), len(entries)+1)
	}
	if diff := cmp.Diff(CSVHeader(), rows[0]); diff != "" {
		t.Error(diff)
	}
	guarded := func(s string) string {
		if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
			return "'" + s
		}
		return s
	}
	for i, e := range entries {
		row, r := rows[i+1], e.Record
		for col, want := range map[int]string{
			5: guarded(r.Actor.Name), 8: guarded(r.Connection), 11: guarded(strings.Join(r.Columns, ";")),
			24: guarded(r.Detail), 25: HexHash(e.LeafHash),
		} {
			if row[col] != want {
				t.Errorf("row %d, %s: %q, want %q", i+1, csvHeader[col], row[col], want)
			}
		}
		if r.Metrics == nil {
			if got := strings.Join(row[13:24], ""); got != "" {
				t.Errorf("row %d: a record without figures shows %q", i+1, got)
			}
		} else if r.Metrics.LatencyMs == -5 && row[13] != "-5" {
			t.Errorf("row %d: a number was guarded as if it were text: %q", i+1, row[13])
		}
	}
}

func TestAListFromTheDatabaseReadsLikeTheRecords(t *testing.T) {
	for in, want := range map[string]string{
		``: "", `[]`: "", `["a"]`: "a", `["a","b"]`: "a;b", `["a\"","b"]`: `a";b`, `["a,b"]`: "a,b",
		`["\",\"","c"]`: `",";c`, `not json`: "not json",
	} {
		if got := joinList(in); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

func benchCells(b *testing.B) [CSVColumns]Cell {
	e := entry(b, 123456, fullRecord())
	sum := string(e.LeafHash[:])
	r := e.Record
	return [CSVColumns]Cell{
		IntCell(e.Seq), TextCell(r.AuditID), TextCell(r.Timestamp), TextCell("COLUMN_ENCRYPTION"), TextCell("SUCCESS"),
		TextCell("admin"), TextCell("admin"), TextCell("127.0.0.1"), TextCell("default"), TextCell("ds-customers"), TextCell("tbl-contacts"),
		ListCell(`["ssn"]`), TextCell("run-1"), IntCell(412), FloatCell(37.5), IntCell(3), IntCell(8), TextCell("LOW"),
		BoolCell(true), TextCell("AES-256-GCM"), BoolCell(true), IntCell(1), TextCell("ab12"), TextCell("VERIFIED"), TextCell(r.Detail), HashCell(sum),
	}
}

func BenchmarkAppendCSVRow(b *testing.B) {
	cells := benchCells(b)
	buf := AppendCSVRow(nil, &cells)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendCSVRow(buf[:0], &cells)
	}
}
