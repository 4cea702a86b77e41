package store

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/rotation"
)

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// filters are one of each kind, with what a record must be like to match.
var filters = map[string]struct {
	f     audit.Filter
	match func(i int, r audit.Record) bool
}{
	"none":       {audit.Filter{}, func(int, audit.Record) bool { return true }},
	"operation":  {audit.Filter{Operation: "KEY_ROTATION"}, func(_ int, r audit.Record) bool { return r.Operation == "KEY_ROTATION" }},
	"outcome":    {audit.Filter{Outcome: "FAILURE"}, func(_ int, r audit.Record) bool { return r.Outcome == "FAILURE" }},
	"actor":      {audit.Filter{Actor: "eve"}, func(_ int, r audit.Record) bool { return r.Actor.Name == "eve" }},
	"connection": {audit.Filter{Connection: "second"}, func(_ int, r audit.Record) bool { return r.Connection == "second" }},
	"datastore":  {audit.Filter{DatastoreID: "ds-customers"}, func(_ int, r audit.Record) bool { return r.DatastoreID == "ds-customers" }},
	"table":      {audit.Filter{TableID: "tbl-3"}, func(_ int, r audit.Record) bool { return r.TableID == "tbl-3" }},
	"run":        {audit.Filter{RunID: "run-40"}, func(_ int, r audit.Record) bool { return r.RunID == "run-40" }},
	"words":      {audit.Filter{Query: "SERIES record*"}, func(_ int, r audit.Record) bool { return strings.Contains(r.Detail, "series") }},
	"plain word": {audit.Filter{Query: "series"}, func(_ int, r audit.Record) bool { return strings.Contains(r.Detail, "series") }},
	"rare word":  {audit.Filter{Query: "40"}, func(i int, _ audit.Record) bool { return i == 40 }},
	"one word":   {audit.Filter{Query: "credit_card"}, func(_ int, r audit.Record) bool { return slices.Contains(r.Columns, "+credit_card") }},
	"accents":    {audit.Filter{Query: "NANDU"}, func(_ int, r audit.Record) bool { return strings.Contains(r.Detail, "ñandú") }},
	"not a word": {audit.Filter{Query: "-series"}, func(_ int, r audit.Record) bool { return !strings.Contains(r.Detail, "series") }},
	"phrase":     {audit.Filter{Query: `"OF the series"`}, func(_ int, r audit.Record) bool { return strings.Contains(r.Detail, "of the series") }},
	"no phrase":  {audit.Filter{Query: `"the of series"`}, func(int, audit.Record) bool { return false }},
	"column":     {audit.Filter{Query: `column:"a,\"b\"" column:<script>`}, func(_ int, r audit.Record) bool { return slices.Contains(r.Columns, `a,"b"`) }},
	"no column":  {audit.Filter{Query: "column:credit_card"}, func(int, audit.Record) bool { return false }}, // it is +credit_card
	"not column": {audit.Filter{Query: "-column:ssn"}, func(_ int, r audit.Record) bool { return !slices.Contains(r.Columns, "ssn") }},
	"role":       {audit.Filter{Query: "role:admin"}, func(int, audit.Record) bool { return true }},
	"not actor":  {audit.Filter{Query: "-actor:eve -actor:admin"}, func(_ int, r audit.Record) bool { return r.Actor.Name == "scheduler" }},
	"not table":  {audit.Filter{Query: "-table:tbl-3"}, func(_ int, r audit.Record) bool { return r.TableID != "tbl-3" }},
	"any of": {audit.Filter{Query: "table:tbl-1 table:tbl-3 actor:eve actor:admin"}, func(_ int, r audit.Record) bool {
		return (r.TableID == "tbl-1" || r.TableID == "tbl-3") && r.Actor.Name != "scheduler"
	}},
	"any, words": {audit.Filter{Query: "table:tbl-1 table:tbl-3 series"}, func(_ int, r audit.Record) bool { return r.TableID == "tbl-1" || r.TableID == "tbl-3" }},
	"contradict": {audit.Filter{Query: "actor:eve", Actor: "admin"}, func(int, audit.Record) bool { return false }},
	"from":       {audit.Filter{From: noon.Add(190 * time.Minute)}, func(i int, _ audit.Record) bool { return i >= 190 }},
	"to":         {audit.Filter{To: noon.Add(45 * time.Minute)}, func(i int, _ audit.Record) bool { return i < 45 }},
	"period":     {audit.Filter{From: noon.Add(45 * time.Minute), To: noon.Add(150 * time.Minute)}, func(i int, _ audit.Record) bool { return i >= 45 && i < 150 }},
	"elsewhen":   {audit.Filter{From: noon.Add(1000 * time.Hour)}, func(int, audit.Record) bool { return false }},
	"all at once": {audit.Filter{Operation: "COLUMN_ENCRYPTION", Outcome: "SUCCESS", Actor: "admin", Connection: "default", Query: "ssn series", To: noon.Add(200 * time.Minute)},
		func(i int, r audit.Record) bool {
			return r.Operation == "COLUMN_ENCRYPTION" && r.Outcome == "SUCCESS" && r.Actor.Name == "admin" && r.Connection == "default" &&
				slices.Contains(r.Columns, "ssn") && i < 200
		}},
}

func facetsOf(t *testing.T, s *Store, f audit.Filter) (audit.Facets, error) {
	totals, err := s.AuditTotals(t.Context(), f, 10_000)
	return totals.Facets, err
}

func counted(list []audit.FacetCount) map[string]int64 {
	counts := map[string]int64{}
	for _, c := range list {
		counts[c.Value] = c.Count
	}
	return counts
}

func TestEveryFilterFindsExactlyItsRecordsOnPagesCountsAndExports(t *testing.T) {
	s := open(t)
	const size = 240
	fill(t, s, 0, size)
	// The writer, whose count it is, does not index them by itself.
	if err := s.write(t.Context(), func(t *tx) error { t.s.behind.lag = math.MinInt32; return nil }); err != nil {
		t.Fatal(err)
	}
	for name, c := range filters {
		for _, indexed := range []bool{false, true} { // or still in memory
			t.Run(fmt.Sprint(name, "/", indexed), func(t *testing.T) {
				if indexed {
					if err := s.derived(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				var want []int64 // newest first
				for i := size - 1; i >= 0; i-- {
					if c.match(i, variety(i)) {
						want = append(want, int64(i+1))
					}
				}
				var down []int64
				for before := int64(0); ; before = down[len(down)-1] {
					page, err := s.AuditPage(t.Context(), c.f, before, 23)
					if err != nil {
						t.Fatal(err)
					}
					if len(page) == 0 {
						break
					}
					for _, e := range page {
						down = append(down, e.Seq)
					}
				}
				if diff := cmp.Diff(want, down); diff != "" {
					t.Errorf("paging back (-want +got):\n%s", diff)
				}
				var up []int64
				for after := int64(0); ; after = up[0] {
					page, err := s.AuditPageAfter(t.Context(), c.f, after, 23)
					if err != nil {
						t.Fatal(err)
					}
					if len(page) == 0 {
						break
					}
					var seqs []int64
					for _, e := range page {
						seqs = append(seqs, e.Seq)
					}
					up = append(seqs, up...)
				}
				if diff := cmp.Diff(want, up); diff != "" {
					t.Errorf("paging forward (-want +got):\n%s", diff)
				}
				n, exact, err := s.AuditCount(t.Context(), c.f, 10_000)
				if err != nil || !exact || n != int64(len(want)) {
					t.Errorf("count %d, exact %v, %v; want %d", n, exact, err, len(want))
				}
				if len(want) > 3 && name != "none" {
					if n, exact, err := s.AuditCount(t.Context(), c.f, 3); err != nil || exact || n != 3 {
						t.Errorf("capped count %d, exact %v, %v", n, exact, err)
					}
				}
				facets, err := facetsOf(t, s, c.f)
				if err != nil || facets.Of != int64(len(want)) || !facets.All {
					t.Errorf("facets of %d, %v; want %d", facets.Of, err, len(want))
				}
				operations, actors := map[string]int64{}, map[string]int64{}
				for i := range size {
					if r := variety(i); c.match(i, r) {
						operations[string(r.Operation)]++
						actors[r.Actor.Name]++
					}
				}
				if diff := cmp.Diff(operations, counted(facets.Operations)) + cmp.Diff(actors, counted(facets.Actors)); diff != "" {
					t.Errorf("facets (-want +got):\n%s", diff)
				}
				exportsMatch(t, s, c.f, want)
			})
		}
	}
}

// exportsMatch compares both exports with what a plain loop over the entries
// makes of them; newest lists the seqs, newest first.
func exportsMatch(t *testing.T, s *Store, f audit.Filter, newest []int64) {
	t.Helper()
	csvWant, jsonWant := audit.AppendCSVHeader(nil), []byte(nil)
	var rows [][]string
	for _, seq := range slices.Backward(newest) {
		e, err := scanEntry(s.queryRow(t.Context(), `SELECT `+entryColumns+` FROM audit_records r WHERE seq = ?`, seq))
		if err != nil {
			t.Fatal(err)
		}
		csvWant = audit.AppendCSV(csvWant, &e)
		jsonWant = audit.AppendJSONL(jsonWant, e.Raw)
		rows = append(rows, []string{fmt.Sprint(seq), e.Record.AuditID})
	}
	var got bytes.Buffer
	n, err := s.ExportCSV(t.Context(), f, &got)
	if err != nil || n != int64(len(newest)) {
		t.Errorf("ExportCSV = %d, %v; want %d", n, err, len(newest))
	}
	if diff := cmp.Diff(string(csvWant), got.String()); diff != "" {
		t.Errorf("CSV (-want +got):\n%s", diff)
	}
	parsed, err := csv.NewReader(&got).ReadAll()
	if err != nil || len(parsed) != len(rows)+1 {
		t.Fatalf("the CSV parses to %d rows, %v; want %d", len(parsed), err, len(rows)+1)
	}
	for i, row := range rows {
		if parsed[i+1][0] != row[0] || parsed[i+1][1] != row[1] {
			t.Fatalf("row %d is %v, want %v", i, parsed[i+1][:2], row)
		}
	}
	got.Reset()
	n, err = s.ExportJSONL(t.Context(), f, &got)
	if err != nil || n != int64(len(newest)) || !bytes.Equal(got.Bytes(), jsonWant) {
		t.Errorf("ExportJSONL: %d rows, %v, equal %v", n, err, bytes.Equal(got.Bytes(), jsonWant))
	}
}

func TestExportOverManyChunksIsComplete(t *testing.T) {
	s := open(t)
	fill(t, s, 0, 2*chunkRows)
	all := make([]int64, 2*chunkRows)
	for i := range all {
		all[i] = int64(2*chunkRows - i)
	}
	exportsMatch(t, s, audit.Filter{}, all)
	exportsMatch(t, s, audit.Filter{Query: "moved"}, nil)

	// Rows too large for one chunk's memory.
	big := audit.NewRecord(noon, audit.Login, audit.Denied, audit.Actor{Name: "eve"})
	for range 200 {
		r := audit.NewRecord(noon, audit.Login, audit.Denied, big.Actor)
		r.Detail = strings.Repeat("long ", 6000)
		if err := s.AppendRecords(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	denied := make([]int64, 200)
	for i := range denied {
		denied[i] = int64(2*chunkRows + 200 - i)
	}
	exportsMatch(t, s, audit.Filter{Outcome: "DENIED"}, denied)
	mustVerify(t, s, 2*chunkRows+200)
}

// appendingWriter appends a record whenever it is written to.
type appendingWriter struct {
	t *testing.T
	s *Store
	bytes.Buffer
}

func (w *appendingWriter) Write(p []byte) (int, error) {
	fill(w.t, w.s, 0, 5)
	return w.Buffer.Write(p)
}

func TestExportEndsWhereItBeganThoughRecordsKeepComing(t *testing.T) {
	s := open(t)
	fill(t, s, 0, chunkRows+10)
	w := &appendingWriter{t: t, s: s}
	n, err := s.ExportJSONL(t.Context(), audit.Filter{}, w)
	if err != nil || n != chunkRows+10 {
		t.Errorf("%d rows, %v; want %d", n, err, chunkRows+10)
	}
	if lines := bytes.Count(w.Bytes(), []byte("\n")); lines != chunkRows+10 {
		t.Errorf("%d lines", lines)
	}
}

type brokenWriter struct{ n int }

func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.n--; w.n < 0 {
		return 0, errors.New("client gone")
	}
	return len(p), nil
}

func TestExportTellsWhenTheClientIsGone(t *testing.T) {
	s := open(t)
	fill(t, s, 0, chunkRows+10)
	if n, err := s.ExportCSV(t.Context(), audit.Filter{}, &brokenWriter{2}); err == nil || n != chunkRows {
		t.Errorf("%d rows, %v; want an error after the first chunk", n, err)
	}
}

func TestPagesStayStableWhileRecordsAreAppended(t *testing.T) {
	s := open(t)
	fill(t, s, 0, 200)
	var got []int64
	for before := int64(0); ; before = got[len(got)-1] {
		page, err := s.AuditPage(t.Context(), audit.Filter{Operation: "LOGIN"}, before, 9)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			got = append(got, e.Seq)
		}
		fill(t, s, 0, 20)
	}
	if len(got) != 50 || !slices.IsSortedFunc(got, func(a, b int64) int { return int(b - a) }) || len(slices.Compact(slices.Clone(got))) != 50 {
		t.Errorf("%d records on the pages, want the 50 of the start, each once: %v", len(got), got)
	}
}

func TestClockThatStepsBackHidesNoRecord(t *testing.T) {
	s := open(t)
	for _, minutes := range []int{0, 61, 5, 130, 62, 119, 3} {
		if err := s.AppendRecords(t.Context(), record(noon.Add(time.Duration(minutes)*time.Minute))); err != nil {
			t.Fatal(err)
		}
	}
	page, err := s.AuditPage(t.Context(), audit.Filter{From: noon.Add(5 * time.Minute), To: noon.Add(62 * time.Minute)}, 0, 0)
	if err != nil || len(page) != 2 || page[0].Seq != 3 || page[1].Seq != 2 {
		t.Errorf("%v, %v; want records 3 and 2", page, err)
	}
}

// Each filter has to be answered from an index in the order of the page:
// neither a scan of the table nor a sort, or page 18,000 takes seconds.
func TestFacetsOfAManyAreOfTheNewestAndSaySo(t *testing.T) {
	s := open(t)
	fill(t, s, 0, facetDepth*8/7+50) // more than facetDepth that did not fail
	f, err := facetsOf(t, s, audit.Filter{Outcome: "SUCCESS"})
	if err != nil || f.All || f.Of != facetDepth || f.Outcomes[0] != (audit.FacetCount{Value: "SUCCESS", Count: facetDepth}) {
		t.Errorf("%+v, %v", f, err)
	}
	plan(t, s, "facets", `SELECT value, records FROM audit_values WHERE field = ? ORDER BY records DESC LIMIT 5`, "actor")
}

func TestNoPageScansOrSorts(t *testing.T) {
	s := open(t)
	fill(t, s, 0, 50)
	equal := func(list map[string]where, from, order string) {
		for name, w := range list {
			w.and(`seq < ?`, 40)
			plan(t, s, name, `SELECT * FROM `+from+w.sql()+order, w.args...)
		}
	}
	yes := true
	equal(map[string]where{
		"runs: state":      runFilter(encryptionRuns{State: "queued"}),
		"runs: operation":  runFilter(encryptionRuns{Operation: "x"}),
		"runs: connection": runFilter(encryptionRuns{Connection: "x"}),
		"runs: datastore":  runFilter(encryptionRuns{DatastoreID: "x"}),
		"runs: table":      runFilter(encryptionRuns{TableID: "x"}),
		"runs: actor":      runFilter(encryptionRuns{RequestedBy: "x"}),
		"runs: period":     runFilter(encryptionRuns{From: noon}),
	}, `runs`, ` ORDER BY seq DESC LIMIT 50`)
	equal(map[string]where{
		"callbacks: run":        verificationFilter(encryptionCallbacks{RunID: "x"}),
		"callbacks: connection": verificationFilter(encryptionCallbacks{Connection: "x"}),
		"callbacks: table":      verificationFilter(encryptionCallbacks{TableID: "x"}),
		"callbacks: accepted":   verificationFilter(encryptionCallbacks{Accepted: &yes}),
	}, `verifications`, ` ORDER BY seq DESC LIMIT 50`)
	for name, f := range map[string]rotation.Filter{
		"rotations": {}, "rotations: connection": {Connection: "x"}, "rotations: overdue": {Status: rotation.StatusOverdue},
		"rotations: unknown": {Status: rotation.StatusUnknown}, "rotations: late": {Status: rotation.StatusLate},
	} {
		w := ledgerFilter(f)
		w.and(`(due_at, connection, datastore_id, table_id, column_name) > (?, ?, ?, ?, ?)`, 1, "", "", "", "")
		plan(t, s, name, ledgerText(w), append(w.args, 50)...)
	}
	plan(t, s, "rotations: scan", dueText, 1, 50)
	feed := feedFilter(noon, noon.AddDate(1, 0, 0), rotation.Key{Connection: "x"})
	plan(t, s, "rotations: feed", feedText(feed), append(feed.args, 50)...)
}

func plan(t *testing.T, s *Store, name, text string, args ...any) {
	t.Helper()
	steps, err := collect(t.Context(), s, func(row scanner) (step string, err error) {
		var id, parent, unused int
		return step, row.Scan(&id, &parent, &unused, &step)
	}, `EXPLAIN QUERY PLAN `+text, args...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, text)
	}
	all := strings.Join(steps, "; ")
	for _, step := range steps {
		if strings.Contains(step, "TEMP B-TREE") || strings.HasPrefix(step, "SCAN ") {
			t.Errorf("%s: %s", name, all)
			return
		}
	}
}

// Each statement of a search has to find what it reads by a key: whatever else
// walks through the log or its index.
func TestNoSearchWalksThroughTheLogOrItsIndex(t *testing.T) {
	s := open(t)
	fill(t, s, 0, 240)
	if err := s.derived(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, c := range filters {
		var mu sync.Mutex
		texts := map[string][]any{}
		w := watcher(func(by, text string, args []any) {
			if by != byWriter {
				mu.Lock()
				defer mu.Unlock()
				texts[text] = args
			}
		})
		before := watching.Swap(&w)
		_, listErr := s.AuditLines(t.Context(), c.f, 200, 50)
		_, _, countErr := s.AuditCount(t.Context(), c.f, 1000)
		_, facetErr := facetsOf(t, s, c.f)
		watching.Store(before)
		if err := errors.Join(listErr, countErr, facetErr); err != nil {
			t.Fatal(err)
		}
		for text, args := range texts {
			steps, err := stepsOf(t.Context(), s.pages.db, text, args)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			for _, step := range steps {
				if m := stepForm.FindStringSubmatch(step); m != nil && m[1] == "SCAN" && strings.Contains(step, "audit_") || strings.HasPrefix(step, "SCAN r") ||
					strings.HasPrefix(step, "SCAN t") || strings.Contains(step, "TEMP B-TREE") {
					t.Errorf("%s: %s\n%s", name, step, text)
				}
			}
		}
	}
}

type (
	encryptionRuns      = encryption.RunFilter
	encryptionCallbacks = encryption.VerificationFilter
)
