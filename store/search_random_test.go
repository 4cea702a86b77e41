package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"

	"cxseal/internal/audit"
	"cxseal/internal/audit/audittest"
)

// mixed are records of which conditions share some, few or none: common and rare
// values and words in any order, in several scripts, and a clock that steps back.
func mixed(n int) []audit.Record {
	random := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // G404: test data
	pick := func(list ...string) string {
		p := random.Float64()
		return list[int(p*p*float64(len(list)))]
	}
	words := strings.Fields(`key version of the table verified Key VERSION kms connect contact 3 30 305 ssn phone café CAFÉ naïve straße ñandú
		ключ Ключи κλειδί 監査 暗号化 데이터 ﬁn İstanbul e-mail a b ab abc ` + strings.Repeat("long", 30))
	at := noon
	var list []audit.Record
	for i := range n {
		at = at.Add(time.Duration(random.IntN(90)) * time.Second)
		if random.IntN(300) == 0 {
			at = at.Add(-7 * time.Hour)
		}
		r := audit.NewRecord(at, audit.Operation(pick("COLUMN_ENCRYPTION", "LOGIN", "RUN_REQUESTED", "KMS_CALLBACK", "LOGOUT", "SETTINGS_CHANGED")),
			audit.Outcome(pick("SUCCESS", "FAILURE", "DENIED")), audit.Actor{Name: pick("admin", "scheduler", "Eve", "дмитрий", `o"b`, strings.Repeat("x", 1100)+fmt.Sprint(i%2)), Role: pick("admin", "system")})
		if random.IntN(3) > 0 {
			r.Connection, r.DatastoreID, r.TableID = pick("default", "second"), pick("ds-1", "ds-2", "ds-3"), fmt.Sprint("tbl-", random.IntN(60))
			r.RunID = fmt.Sprint("run-", i/5)
			for range random.IntN(3) {
				r.Columns = append(r.Columns, pick("ssn", "phone", "credit card", "straße", `a,"b"`))
			}
		}
		var text []string
		for range random.IntN(7) {
			text = append(text, pick(words...))
		}
		r.Detail = strings.Join(text, pick(" ", ", ", "-"))
		list = append(list, r)
	}
	return list
}

// readLine is a line of the JSONL, as somebody without any index would read it.
type readLine struct {
	audit.Record
	at   time.Time
	text string // its words, with a space between, before and behind
}

func readLines(t *testing.T, whole []byte) (list []readLine) {
	t.Helper()
	for line := range bytes.Lines(whole) {
		var l readLine
		if err := json.Unmarshal(line, &l.Record); err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, l.Timestamp)
		if err != nil {
			t.Fatal(err)
		}
		l.at, l.text = at, " "+spelled(strings.Join(l.Columns, " ")+" "+l.Detail)+" "
		list = append(list, l)
	}
	return list
}

// plainly reports whether a record matches.
func plainly(r *readLine, q audit.Query) bool {
	if q.Nothing {
		return false
	}
	for _, field := range audit.Fields() {
		in, notIn := q.Values(field)
		have := map[audit.Field][]string{
			audit.FieldOperation: {string(r.Operation)}, audit.FieldOutcome: {string(r.Outcome)}, audit.FieldActor: {r.Actor.Name}, audit.FieldRole: {r.Actor.Role},
			audit.FieldConnection: {r.Connection}, audit.FieldDatastore: {r.DatastoreID}, audit.FieldTable: {r.TableID}, audit.FieldColumn: r.Columns, audit.FieldRun: {r.RunID},
		}[field]
		has := func(v string) bool { return slices.Contains(have, v) }
		if len(in) > 0 && !slices.ContainsFunc(in, has) || slices.ContainsFunc(notIn, has) {
			return false
		}
	}
	if r.at.Before(q.From.Truncate(time.Millisecond)) || !q.To.IsZero() && !r.at.Before(q.To.Truncate(time.Millisecond)) {
		return false
	}
	for _, w := range q.Words {
		want := " " + spelled(w.Text)
		if !strings.HasSuffix(w.Text, "*") {
			want += " "
		}
		if (strings.TrimSpace(want) != "" && strings.Contains(r.text, want)) == w.Not {
			return false
		}
	}
	return true
}

// spelled is the words of a text with a space between.
func spelled(text string) string {
	var out []rune
	for _, r := range strings.ToLower(norm.NFD.String(text)) {
		switch {
		case unicode.Is(unicode.M, r):
		case unicode.IsLetter(r), unicode.IsNumber(r), unicode.Is(unicode.Co, r):
			out = append(out, r)
		default:
			out = append(out, ' ')
		}
	}
	return strings.Join(strings.Fields(string(out)), " ")
}

func TestARandomSearchFindsWhatAPlainReadingOfTheLogFinds(t *testing.T) {
	const size, indexed, searches = blockRecords + 900, blockRecords + 500, 300
	s := open(t)
	s.behind.lag = math.MinInt32 // the writer does not index by itself
	list := mixed(size)
	for part := range slices.Chunk(list[:indexed], 500) {
		if err := s.AppendRecords(t.Context(), part...); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.derived(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.AppendRecords(t.Context(), list[indexed:]...); err != nil {
		t.Fatal(err)
	}
	var whole bytes.Buffer
	if _, err := s.ExportJSONL(t.Context(), audit.Filter{}, &whole); err != nil {
		t.Fatal(err)
	}
	lines := readLines(t, whole.Bytes())
	if len(lines) != size {
		t.Fatalf("%d records", len(lines))
	}
	random := audittest.NewSearches(3, list)
	pages := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // G404: test data
	found := 0
	for range searches {
		f := random.Next()
		q, err := f.Resolve()
		if err != nil {
			t.Fatalf("%+v: %v", f, err)
		}
		var want []int64 // newest first
		operations := map[string]int64{}
		for i := range slices.Backward(lines) {
			if plainly(&lines[i], q) {
				want = append(want, int64(i+1))
				if len(want) <= facetDepth {
					operations[string(lines[i].Operation)]++
				}
			}
		}
		found += min(1, len(want))
		name := fmt.Sprintf("%s %+v", q.String(), f)
		if len(name) > 600 {
			name = name[:600]
		}
		searched(t, s, name, f, want, 20+len(want)/8+pages.IntN(300))
		facets, err := facetsOf(t, s, f)
		if err != nil || facets.Of != int64(min(len(want), facetDepth)) || facets.All != (len(want) <= facetDepth) {
			t.Errorf("%s: facets of %d, all %v, %v; want %d", name, facets.Of, facets.All, err, len(want))
		}
		if diff := cmp.Diff(operations, counted(facets.Operations)); diff != "" {
			t.Errorf("%s: facets (-want +got):\n%s", name, diff)
		}
		if t.Failed() {
			return
		}
	}
	if found < searches/3 || found == searches {
		t.Errorf("%d of %d searches find something: that shows little", found, searches)
	}
}

// searched compares a search's pages, in both directions, its count and its export with the records that it should find.
func searched(t *testing.T, s *Store, name string, f audit.Filter, want []int64, page int) {
	t.Helper()
	seqs := func(list []audit.Line) (seqs []int64) {
		for _, l := range list {
			seqs = append(seqs, l.Seq)
		}
		return seqs
	}
	var down, up []int64
	for before := int64(0); ; before = down[len(down)-1] {
		list, err := s.AuditLines(t.Context(), f, before, page)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(list) == 0 {
			break
		}
		down = append(down, seqs(list)...)
	}
	for after := int64(0); ; after = up[0] {
		list, err := s.AuditLinesAfter(t.Context(), f, after, page)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(list) == 0 {
			break
		}
		up = append(seqs(list), up...)
	}
	if diff := cmp.Diff(want, down) + cmp.Diff(want, up); diff != "" {
		t.Errorf("%s: paging back, and forward (-want +got):\n%s", name, diff)
	}
	n, exact, err := s.AuditCount(t.Context(), f, 10_000)
	few, fewExact, fewErr := s.AuditCount(t.Context(), f, 7)
	if err := errors.Join(err, fewErr); err != nil || !exact || n != int64(len(want)) || few != min(n, 7) || fewExact != (n <= 7) {
		t.Errorf("%s: counted %d (%v), and %d (%v) of at most 7, %v; want %d", name, n, exact, few, fewExact, err, len(want))
	}
	var exported bytes.Buffer
	if n, err := s.ExportJSONL(t.Context(), f, &exported); err != nil || n != int64(len(want)) || bytes.Count(exported.Bytes(), []byte("\n")) != len(want) {
		t.Errorf("%s: %d exported, %v; want %d", name, n, err, len(want))
	}
}

// A reader that saw the mark before records were indexed must not see them in the
// index too, with places that it has from elsewhere.
func TestARecordThatIsIndexedMeanwhileIsFoundOnce(t *testing.T) {
	s := open(t)
	s.behind.lag = math.MinInt32
	fill(t, s, 0, 100)
	if err := s.derived(t.Context()); err != nil {
		t.Fatal(err)
	}
	fill(t, s, 100, 140)
	q, err := newAuditQuery(audit.Filter{Query: "series"})
	if err != nil {
		t.Fatal(err)
	}
	var indexed int
	count := func(mark int64) (n int) {
		err := s.eachTerm(reading{t.Context(), s.searches}, []int64{0, 1}, q.terms, mark, nil, func(_ int64, _ int, _ string, set *recordSet) { n += set.count() })
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	indexed = count(100)
	if err := s.derived(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now := count(100); now != indexed || count(140) <= indexed {
		t.Errorf("up to the mark of 100 the index had %d records, and then %d; in all %d", indexed, now, count(140))
	}
	shell(t, s, `INSERT INTO audit_terms VALUES (1, 'wseries', x'01')`)
	if n := count(140); n != count(seqAt(1, 0))-1 {
		t.Errorf("the index has a record of a block that is not there: %d", n)
	}
}
