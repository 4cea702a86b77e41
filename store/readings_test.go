package store

import (
	"strings"
	"testing"

	"cxseal/internal/audit"
)

func verifyReadings(t testing.TB, s *Store) (list []string) {
	t.Helper()
	add := func(p audit.Problem) {
		if p.Kind != audit.ReadingChanged {
			t.Errorf("%s is of the kind %s", p.Message, p.Kind)
		}
		list = append(list, p.Message)
	}
	if err := s.VerifySurroundings(t.Context(), "", add); err != nil {
		t.Fatal(err)
	}
	if err := s.VerifyReadings(t.Context(), add); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestWhatSearchesReadIsFoundRightWhenNobodyTouchedIt(t *testing.T) {
	s := open(t)
	if got := verifyReadings(t, s); got != nil {
		t.Errorf("an empty log: %q", got)
	}
	fill(t, s, 0, 1200)
	for _, text := range []string{
		"", "…", "Ünïcode naïve Ærø ß İstanbul ﬁ Ж 漢字 e\u0301 ²", "\u2028 \u2029 \x7f \x01 \t\r\n", `"\`, "a\x00b", "\xff", "\ufeffbom \u200b", strings.Repeat("x", 9_000),
		"one ONE oNe", "“quoted” – it's", "𝔸 \U0001F600 \ue000",
	} {
		r := record(noon)
		r.Detail, r.Actor.Name, r.Columns, r.TableID = text, "a"+text, []string{text, "ssn"}, text
		if err := s.AppendRecords(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if got := verifyReadings(t, s); got != nil {
		t.Errorf("%q", got)
	}
}

func TestAppendingWhileVerifyingRaisesNoAlarm(t *testing.T) {
	s := open(t)
	fill(t, s, 0, 2500)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 40 {
			fill(t, s, 2500+i*20, 2520+i*20)
		}
	}()
	for range 5 {
		if got := verifyReadings(t, s); got != nil {
			t.Errorf("%q", got)
		}
	}
	<-done
}

func TestWhoEditsBesideTheRecordsIsNamed(t *testing.T) {
	// The definition without a column's generation, an edit, and the definition
	// as it was: the record and its hash never change.
	edit := func(column, path, set string) string {
		generated := `GENERATED ALWAYS AS (json_extract(record, ''` + path + `'')) STORED`
		return `PRAGMA writable_schema = ON;
			CREATE TABLE kept AS SELECT sql FROM sqlite_master WHERE name = 'audit_records';
			UPDATE sqlite_master SET sql = replace(sql, '` + generated + `', '') WHERE name = 'audit_records';
			PRAGMA writable_schema = RESET;
			UPDATE audit_records SET ` + column + ` = ` + set + ` WHERE seq = 31;
			PRAGMA writable_schema = ON;
			UPDATE sqlite_master SET sql = (SELECT sql FROM kept) WHERE name = 'audit_records';
			DROP TABLE kept`
	}
	const update = `DROP TRIGGER audit_records_no_update; `
	for name, c := range map[string]struct{ edit, want string }{
		"actor":             {update + edit("actor", "$.actor.name", "'bob'"), `The column actor beside record 31 was changed: it holds "bob", and the record says "admin"`},
		"detail":            {update + edit("detail", "$.detail", "NULL"), `The column detail beside record 31 was changed: it holds nothing`},
		"columns":           {update + edit("columns", "$.columns", `'["x"]'`), `The column columns beside record 31 was changed`},
		"timestamp":         {update + edit("timestamp", "$.timestamp", `'2001'`), `The column timestamp beside record 31 was changed`},
		"count":             {`UPDATE audit_values SET records = records + 1 WHERE value = 'eve'`, `The counts by actor say 34 for "eve"`},
		"count is gone":     {`DELETE FROM audit_values WHERE value = 'eve'`, `The log has 33 records with actor "eve"`},
		"terms are gone":    {`DELETE FROM audit_terms`, `The index of terms does not match records 1 to 100`},
		"word is gone":      {`DELETE FROM audit_terms WHERE term = 'w32'`, `The index of terms does not match record 33`},
		"word is added":     {`INSERT INTO audit_terms VALUES (0, 'wghost', x'20')`, `The index of terms does not match record 32`},
		"actor is cut":      {`UPDATE audit_terms SET seqs = x'01' WHERE term = 'ceve'`, `The index of terms does not match record`},
		"set is damaged":    {`UPDATE audit_terms SET seqs = x'0000' WHERE term = 'wseries'`, `The index of terms cannot be read`},
		"record is made up": {`INSERT INTO audit_terms VALUES (0, 'wghost', x'c801')`, `The index of terms goes on to record 200`},
		"block is made up":  {`INSERT INTO audit_terms VALUES (9, 'wghost', x'01')`, `The index of terms goes on to record 36865`},
		"trigger is gone":   {update, `The ledger's trigger audit_records_no_update is gone`},
		"trigger is added":  {`CREATE TRIGGER swallow BEFORE INSERT ON audit_records BEGIN SELECT RAISE(IGNORE); END`, `a trigger swallow that no release of cxseal made`},
		"index is gone":     {`DROP INDEX audit_records_run_id`, `The ledger's index audit_records_run_id is gone`},
		"index is narrower": {`DROP INDEX audit_records_run_id; CREATE INDEX audit_records_run_id ON audit_records (run_id) WHERE run_id <> 'run-4'`, `The ledger's index audit_records_run_id is not as this release makes it`},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			fill(t, s, 0, 100)
			if err := s.derived(t.Context()); err != nil {
				t.Fatal(err)
			}
			shell(t, s, c.edit)
			mustVerify(t, s, 100)
			if got := strings.Join(verifyReadings(t, s), "\n"); !strings.Contains(got, c.want) {
				t.Errorf("want %q, got\n%s", c.want, got)
			}
		})
	}
}
