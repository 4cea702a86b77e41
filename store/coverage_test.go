package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/internal/inventory"
	"cxseal/internal/sensitivity"
	"cxseal/internal/trend"
)

func columnsOf(encrypted string, all ...string) []inventory.Column {
	var list []inventory.Column
	for _, name := range all {
		list = append(list, inventory.Column{Name: name, Type: "string", Encrypted: strings.Contains(","+encrypted+",", ","+name+",")})
	}
	return list
}

func save(t testing.TB, s *Store, at time.Time, table string, columns []inventory.Column, records ...audit.Record) {
	t.Helper()
	saveOf(t, s, "default", at, table, columns, records...)
}

func saveOf(t testing.TB, s *Store, connection string, at time.Time, table string, columns []inventory.Column, records ...audit.Record) {
	t.Helper()
	err := s.SaveTable(t.Context(), at, inventory.Table{Connection: connection, DatastoreID: "ds", TableID: table, Name: table, MaxFields: 12, ReadAt: at}, columns, records...)
	if err != nil {
		t.Fatal(err)
	}
}

func totals(t testing.TB, s *Store, f trend.Filter) []trend.Snapshot {
	t.Helper()
	list, err := s.CoverageTotals(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func drops(t testing.TB, s *Store) []trend.Event {
	t.Helper()
	return dropsOf(t, s, "")
}

func dropsOf(t testing.TB, s *Store, connection string) []trend.Event {
	t.Helper()
	events, err := s.CoverageEvents(t.Context(), trend.Filter{Connection: connection}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var list []trend.Event
	for _, e := range events {
		if e.Kind != trend.Run {
			list = append(list, e)
		}
	}
	return list
}

const day = 24 * time.Hour

func TestTheTwoCoveragesAreKeptByDayAndApart(t *testing.T) {
	s := open(t)
	s.now = func() time.Time { return noon.Add(4 * day) }
	save(t, s, noon, "a", columnsOf("", "id", "ssn", "iban", "city"))
	save(t, s, noon.Add(time.Hour), "a", columnsOf("ssn", "id", "ssn", "iban", "city"))
	save(t, s, noon.Add(2*day), "a", columnsOf("ssn,city", "id", "ssn", "iban", "city"))
	got := totals(t, s, trend.Filter{})
	if len(got) != 5 {
		t.Fatalf("%d days, want one for each to today", len(got))
	}
	var rates []string
	for _, d := range got {
		rates = append(rates, fmt.Sprint(d.Rate(), "/", d.SensitiveRate()))
	}
	if want := []string{"25/50", "25/50", "50/50", "50/50", "50/50"}; !cmp.Equal(rates, want) {
		t.Errorf("coverage of all and of sensitive columns %v, want %v", rates, want)
	}
	var csv strings.Builder
	out := trend.NewCoverageCSV(&csv)
	if err := s.CoverageDaily(t.Context(), trend.Filter{From: noon.Add(day), To: noon.Add(2 * day)}, out.Coverage); err != nil {
		t.Fatal(err)
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	d1, d2 := noon.Add(day).Format(time.DateOnly), noon.Add(2*day).Format(time.DateOnly)
	want := "date,connection,datastore_id,table_id,total_fields,encrypted_fields,coverage_rate,sensitive_fields,sensitive_encrypted,sensitive_coverage," +
		"sensitive_verified,sensitive_unverified,sensitive_refused\r\n" +
		d1 + ",default,,,4,1,25,2,1,50,0,1,0\r\n" + d1 + ",default,ds,a,4,1,25,2,1,50,0,1,0\r\n" +
		d2 + ",default,,,4,2,50,2,1,50,0,1,0\r\n" + d2 + ",default,ds,a,4,2,50,2,1,50,0,1,0\r\n"
	if diff := cmp.Diff(want, csv.String()); diff != "" {
		t.Error(diff)
	}
}

func TestAVerifiedRunRaisesTheCoverageInTheSameCommit(t *testing.T) {
	s := open(t)
	s.now = func() time.Time { return noon }
	save(t, s, noon.Add(-time.Hour), "tbl", columnsOf("", "ssn", "id"))
	run := newRun("r", "tbl")
	run.Connection, run.DatastoreID = "default", "ds"
	run.PatchedAt, run.ShownAt, run.FinishedAt = noon, noon, noon
	run.After = []encryption.ColumnState{{Name: "ssn", Type: "string", Encrypted: true, KeyVersion: 1}, {Name: "id", Type: "string"}}
	endRun(t, s, run, encryption.Verified)
	got := totals(t, s, trend.Filter{})
	if last := got[len(got)-1]; last.Counts != (trend.Counts{Total: 2, Encrypted: 1, Sensitive: 1, Protected: trend.Protected{Verified: 1}}) {
		t.Errorf("coverage %+v after the run", last.Counts)
	}
	events, err := s.CoverageEvents(t.Context(), trend.Filter{TableID: "tbl"}, 10)
	if err != nil || len(events) != 1 || events[0].Kind != trend.Run || events[0].RunID != "r" {
		t.Errorf("the chart marks %+v, %v", events, err)
	}
}

func TestADropCarriesWhatTheInventoryFound(t *testing.T) {
	s := open(t)
	save(t, s, noon, "a", columnsOf("ssn", "ssn", "id"))
	r := audit.NewRecord(noon, audit.DriftDetected, audit.Failure, audit.Actor{Name: "inventory", Role: "system"})
	r.Columns, r.Detail = []string{"ssn"}, "The column is no longer encrypted, and no run of this console did that."
	save(t, s, noon.Add(day), "a", columnsOf("", "ssn", "id"), r)
	got := drops(t, s)
	if len(got) != 1 || !strings.Contains(got[0].Reason, "ssn: The column is no longer encrypted") {
		t.Errorf("drops %+v", got)
	}
}

func TestATableThatIsGoneLeavesTheCoverage(t *testing.T) {
	s := open(t)
	s.now = func() time.Time { return noon.Add(2 * day) }
	save(t, s, noon, "a", columnsOf("ssn", "ssn", "id"))
	save(t, s, noon, "b", columnsOf("", "ssn", "id"))
	if err := s.BeginSync(t.Context(), "default", noon.Add(day)); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveTables(t.Context(), noon.Add(day), []inventory.Table{{Connection: "default", DatastoreID: "ds", TableID: "b", Name: "b"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.EndSync(t.Context(), "default", noon.Add(day), ""); err != nil {
		t.Fatal(err)
	}
	got := totals(t, s, trend.Filter{})
	if last := got[len(got)-1].Counts; last != (trend.Counts{Total: 2, Sensitive: 1}) {
		t.Errorf("coverage %+v with the gone table still in it", last)
	}
	if d := drops(t, s); len(d) == 0 || !strings.Contains(d[len(d)-1].Reason, "gone") {
		t.Errorf("drops %+v", d)
	}
}

// olga is an officer; eyes are the connections that ask for four eyes.
var olga = access.Caller{UserID: 7, Name: "olga", Role: access.Officer}

type eyes map[string]bool

func (e eyes) FourEyes(connection string) (bool, time.Duration, bool) {
	return e[connection], 24 * time.Hour, connection != "removed"
}

func decider(s *Store, now time.Time, four ...string) *sensitivity.Service {
	asks := eyes{}
	for _, c := range four {
		asks[c] = true
	}
	return sensitivity.NewService(s, asks, func() time.Time { return now })
}

func TestAPersonsDecisionWinsOverTheRulesAndMovesTheCoverage(t *testing.T) {
	s := open(t)
	s.now = func() time.Time { return noon.Add(day) }
	save(t, s, noon, "a", columnsOf("", "ssn", "ward"))
	key := func(c string) sensitivity.Key {
		return sensitivity.Key{Connection: "default", DatastoreID: "ds", TableID: "a", Column: c}
	}
	decide := func(state sensitivity.State, columns ...sensitivity.Key) error {
		_, err := decider(s, noon).Decide(t.Context(), olga, sensitivity.Order{Columns: columns, State: state, Reason: "x", Confirmed: true})
		return err
	}
	if err := decide(sensitivity.Sensitive, key("ward")); err != nil {
		t.Fatal(err)
	}
	save(t, s, noon.Add(time.Hour), "a", columnsOf("", "ssn", "ward")) // the rules propose again
	list, err := s.SensitivityColumns(t.Context(), sensitivity.Filter{State: sensitivity.Sensitive}, nil, 10)
	if err != nil || len(list) != 2 {
		t.Fatalf("sensitive columns %+v, %v", list, err)
	}
	ward := list[1]
	if ward.Decided != sensitivity.Sensitive || ward.DecidedBy != "olga" || !ward.DecidedAt.Equal(noon) || ward.Proposal.State != sensitivity.NotSensitive {
		t.Errorf("kept as %+v", ward)
	}
	got := totals(t, s, trend.Filter{})
	if c := got[len(got)-1].Counts; c.Sensitive != 2 {
		t.Errorf("the coverage counts %d sensitive columns", c.Sensitive)
	}
	records := number(t, s, `SELECT count(*) FROM audit_records`)
	wantCode(t, decide(sensitivity.NotSensitive, key("ssn"), key("none")), fault.NotFound)
	if n := number(t, s, `SELECT count(*) FROM audit_records`); n != records {
		t.Error("a decision that was not kept left a record")
	}
	if err := decide(sensitivity.Undecided, key("ward")); err != nil {
		t.Fatal(err)
	}
	if n, err := s.SensitivityCount(t.Context(), sensitivity.Filter{State: sensitivity.Sensitive}); err != nil || n != 1 {
		t.Errorf("%d sensitive columns after the decision was taken back, %v", n, err)
	}
}

func TestNewRulesProposeAgainForKnownColumns(t *testing.T) {
	s := open(t)
	if _, err := s.ApplyRules(t.Context()); err != nil {
		t.Fatal(err)
	}
	save(t, s, noon, "a", columnsOf("", "ssn", "ward", "ward_a", "ward_b"))
	for column, state := range map[string]sensitivity.State{"ward_a": sensitivity.Sensitive, "ward_b": sensitivity.NotSensitive} {
		key := sensitivity.Key{Connection: "default", DatastoreID: "ds", TableID: "a", Column: column}
		if _, err := decider(s, noon).Decide(t.Context(), olga, sensitivity.Order{Columns: []sensitivity.Key{key}, State: state}); err != nil {
			t.Fatal(err)
		}
	}
	rules, err := sensitivity.Load(strings.NewReader("personal 90 ward"))
	if err != nil {
		t.Fatal(err)
	}
	s.rules = rules
	for _, want := range []bool{true, false} {
		if changed, err := s.ApplyRules(t.Context()); err != nil || changed != want {
			t.Errorf("changed %v, %v, want %v", changed, err, want)
		}
	}
	told, err := s.AuditPage(t.Context(), audit.Filter{Operation: string(audit.SettingsChanged)}, 0, 10)
	if err != nil || len(told) != 1 || !strings.Contains(told[0].Record.Detail, "The rules of what is sensitive changed to version "+rules.Version()) ||
		!strings.Contains(told[0].Record.Detail, "(all tables: 0 of 2 sensitive columns verified before, 0 of 3 after)") {
		t.Errorf("the record of the new rules: %+v, %v", told, err)
	}
	list, err := s.SensitivityColumns(t.Context(), sensitivity.Filter{}, nil, 10)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range list {
		got = append(got, fmt.Sprint(c.Column, " ", c.State, " ", c.Proposal.State, " ", c.Decided))
	}
	want := []string{"ssn sensitive sensitive ", "ward sensitive sensitive ", "ward_a sensitive sensitive sensitive", "ward_b not_sensitive sensitive not_sensitive"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("columns by the new rules: state, proposed, decided:\n%s", diff)
	}
}

func TestNewRulesSeeTheWholeTable(t *testing.T) {
	s := open(t)
	if _, err := s.ApplyRules(t.Context()); err != nil {
		t.Fatal(err)
	}
	save(t, s, noon, "widgets", columnsOf("", "name", "born"))
	save(t, s, noon, "gadgets", columnsOf("", "name"))
	rules, err := sensitivity.Load(strings.NewReader("subject person widget"))
	if err != nil {
		t.Fatal(err)
	}
	s.rules = rules
	if _, err := s.ApplyRules(t.Context()); err != nil {
		t.Fatal(err)
	}
	for table, want := range map[string]sensitivity.State{"widgets": sensitivity.Sensitive, "gadgets": sensitivity.NotSensitive} {
		list, err := s.SensitivityColumns(t.Context(), sensitivity.Filter{TableID: table, Query: "name"}, nil, 10)
		if err != nil || len(list) != 1 || list[0].State != want {
			t.Errorf("%s: %+v, %v, want %s", table, list, err, want)
		}
	}
}

// Whatever happens to the tables, the totals are their sum and no coverage
// falls without a reason.
func TestNoCoverageFallsWithoutAReason(t *testing.T) {
	names := []string{"ssn", "iban", "id", "city", "email"}
	s, tenant := open(t), 0
	rapid.Check(t, func(rt *rapid.T) {
		tenant++
		f := trend.Filter{Connection: fmt.Sprint("tenant-", tenant)}
		at := noon
		s.now = func() time.Time { return at }
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			at = at.Add(time.Duration(rapid.IntRange(1, 40).Draw(rt, "hours")) * time.Hour)
			before, marks := totals(t, s, f), len(dropsOf(t, s, f.Connection))
			all := rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, 5, rapid.ID[string]).Draw(rt, "columns")
			encrypted := rapid.SliceOfDistinct(rapid.SampledFrom(names), rapid.ID[string]).Draw(rt, "encrypted")
			saveOf(t, s, f.Connection, at, rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "table"), columnsOf(strings.Join(encrypted, ","), all...))
			after := totals(t, s, f)
			if len(after) > 1 && len(before) > 0 && after[len(after)-1].FellFrom(before[len(before)-1].Counts) && len(dropsOf(t, s, f.Connection)) == marks {
				rt.Fatalf("the coverage fell from %+v to %+v without a mark", before[len(before)-1], after[len(after)-1])
			}
		}
		for _, d := range dropsOf(t, s, f.Connection) {
			if d.Reason == "" {
				rt.Fatal("a drop has no reason")
			}
		}
		sum := number(t, s, `SELECT coalesce(sum(total_columns * 1000 + sensitive_verified + sensitive_unverified + sensitive_refused), 0) FROM inventory_tables WHERE connection = ?`, f.Connection)
		last := totals(t, s, f)
		if c := last[len(last)-1]; int64(c.Total*1000+c.SensitiveEncrypted()) != sum {
			rt.Fatalf("the total is %+v, the tables sum to %d", c, sum)
		}
	})
}

// Fails when the dashboard's number of columns under a later key version than the verified one is not that of the
// columns, whatever happened to them.
func TestTheKeptCountOfObservedColumnsIsThatOfTheColumns(t *testing.T) {
	s := open(t)
	at := noon
	s.now = func() time.Time { return at }
	column := func(name string, version int64) inventory.Column {
		return inventory.Column{Name: name, Type: "string", Encrypted: version > 0, KeyVersion: version}
	}
	read := func(columns ...inventory.Column) { at = at.Add(time.Hour); save(t, s, at, "tbl", columns) }
	want := func(what string, n int) {
		t.Helper()
		totals, err := s.Totals(t.Context())
		if err != nil || totals.Observed != n {
			t.Errorf("%s: %d observed, %v, want %d", what, totals.Observed, err, n)
		}
	}
	decide := func(state sensitivity.State) {
		key := sensitivity.Key{Connection: "default", DatastoreID: "ds", TableID: "tbl", Column: "ssn"}
		o := sensitivity.Order{Columns: []sensitivity.Key{key}, State: state, Reason: "x", Confirmed: true}
		if _, err := decider(s, at).Decide(t.Context(), olga, o); err != nil {
			t.Fatal(err)
		}
	}
	read(column("ssn", 0), column("id", 0))
	run := newRun("r", "tbl")
	run.Connection, run.DatastoreID, run.Columns, run.KeyVersion = "default", "ds", []string{"ssn"}, 1
	at = at.Add(time.Hour)
	run.PatchedAt, run.ShownAt, run.FinishedAt = at, at, at
	run.After = []encryption.ColumnState{{Name: "ssn", Type: "string", Encrypted: true, KeyVersion: 1}, {Name: "id", Type: "string"}}
	endRun(t, s, run, encryption.Verified)
	want("verified", 0)
	read(column("ssn", 2), column("id", 0))
	want("the tenant moved the key on", 1)
	decide(sensitivity.NotSensitive)
	want("declared not sensitive", 0)
	decide(sensitivity.Undecided)
	want("and taken back", 1)
	if err := s.BeginSync(t.Context(), "default", at.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := s.EndSync(t.Context(), "default", at.Add(time.Hour), ""); err != nil {
		t.Fatal(err)
	}
	want("the table is gone", 0)
	at = at.Add(2 * time.Hour)
	read(column("ssn", 2), column("id", 0))
	want("the table is back", 1)
	read(column("id", 0))
	want("the column is gone", 0)
}
