package audit

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxseal/internal/fault"
)

func day(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }

func TestTheSearchBoxUnderstands(t *testing.T) {
	for in, want := range map[string]Query{
		"":   {},
		"  ": {},
		"operation:COLUMN_ENCRYPTION actor:admin outcome:FAILURE table:tbl-contacts after:2026-01-01 -actor:scheduler ssn": {
			Terms: []Term{{FieldOperation, "COLUMN_ENCRYPTION", false}, {FieldActor, "admin", false}, {FieldOutcome, "FAILURE", false},
				{FieldTable, "tbl-contacts", false}, {FieldActor, "scheduler", true}},
			Words: []Word{{"ssn", false}}, From: day(2026, 1, 1),
		},
		`actor:"Jane \"J\" Doe" "key version" -"rolled back"`: {
			Terms: []Term{{FieldActor, `Jane "J" Doe`, false}},
			Words: []Word{{"key version", false}, {"rolled back", true}},
		},
		"outcome:failure Outcome:denied":        {Terms: []Term{{FieldOutcome, "FAILURE", false}, {FieldOutcome, "DENIED", false}}},
		"from:2026-01-01 to:2026-01-31":         {From: day(2026, 1, 1), To: day(2026, 2, 1)},
		"after:2026-01-01 before:2026-01-31":    {From: day(2026, 1, 1), To: day(2026, 1, 31)},
		"to:2026-01-31T10:00:00+02:00":          {To: time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC)},
		"after:2026-01-01 after:2026-03-01":     {From: day(2026, 3, 1)},
		"from:2026-02-01 before:2026-02-01":     {From: day(2026, 2, 1), To: day(2026, 2, 1), Nothing: true},
		"10:30 ::1 a-b":                         {Words: []Word{{"10:30", false}, {"::1", false}, {"a-b", false}}},
		"-ssn":                                  {Words: []Word{{"ssn", true}}},
		`"outcome:FAILURE"`:                     {Words: []Word{{"outcome:FAILURE", false}}},
		"actor:-x":                              {Terms: []Term{{FieldActor, "-x", false}}},
		"run:a:b":                               {Terms: []Term{{FieldRun, "a:b", false}}},
		"actor:x actor:x":                       {Terms: []Term{{FieldActor, "x", false}}},
		"role:officer connection:eu column:ssn": {Terms: []Term{{FieldRole, "officer", false}, {FieldConnection, "eu", false}, {FieldColumn, "ssn", false}}},
		"datastore:ds-1":                        {Terms: []Term{{FieldDatastore, "ds-1", false}}},
	} {
		got, err := ParseQuery(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", in, diff)
		}
	}
}

func TestAMistypedSearchSaysHowToMendIt(t *testing.T) {
	for in, want := range map[string]string{
		"colour:red":                  `There is no qualifier "colour:": use one of operation:`,
		"https://x":                   "or put the words in quotes",
		"outcome:MAYBE":               `"MAYBE" is not an outcome: it is SUCCESS, FAILURE or DENIED`,
		"operation:1":                 "COLUMN_ENCRYPTION",
		"actor:":                      "actor: needs a value",
		`actor:""`:                    "actor: needs a value",
		"after:yesterday":             `"yesterday" is not a date: write 2026-01-31`,
		"after:2026-02-30":            "is not a date",
		"-after:2026-01-01":           "use after: or before: instead",
		`"open`:                       "never closed",
		`"a"b`:                        "there must be a space",
		`a"b"`:                        "in quotes",
		"-":                           "nothing to search for",
		`""`:                          "nothing to search for",
		"\xff":                        "UTF-8",
		strings.Repeat("x ", 60):      "more than 50 parts",
		strings.Repeat("x", 3000):     "longer than",
		"from:9999-12-31T23:59:59-9x": "is not a date",
	} {
		_, err := ParseQuery(in)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v, want %q", in, err, want)
		}
		if code := fault.CodeOf(err); code != fault.Invalid && code != fault.TooLarge {
			t.Errorf("%.40s: code %s", in, code)
		}
	}
}

func TestTheFilterAndTheSearchBoxMustBothHold(t *testing.T) {
	f := Filter{From: day(2026, 1, 1), To: day(2026, 6, 1), Outcome: "FAILURE", TableID: "tbl-1", Query: "outcome:FAILURE outcome:DENIED after:2026-02-01 ssn"}
	got, err := f.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	want := Query{
		Terms: []Term{{FieldOutcome, "FAILURE", false}, {FieldTable, "tbl-1", false}},
		Words: []Word{{"ssn", false}}, From: day(2026, 2, 1), To: day(2026, 6, 1),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, f := range []Filter{
		{Outcome: "SUCCESS", Query: "outcome:FAILURE"},
		{Actor: "admin", Query: "-actor:admin"},
		{From: day(2026, 5, 1), Query: "before:2026-02-01"},
	} {
		if q, err := f.Resolve(); err != nil || !q.Nothing {
			t.Errorf("%+v: %+v %v", f, q, err)
		}
	}
	if _, err := (Filter{Outcome: "x"}).Resolve(); fault.CodeOf(err) != fault.Invalid {
		t.Error(err)
	}
}

func FuzzParseQuery(f *testing.F) {
	for _, s := range []string{`operation:X -actor:"a \"b\"" after:2026-01-01 to:2026-01-02T03:04:05.6Z "x y" -z`, `10:30`, `-"-"`, `run:a"`, `"\\"x`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := ParseQuery(s)
		if err != nil {
			return
		}
		again, err := ParseQuery(q.String())
		if err != nil && fault.CodeOf(err) != fault.TooLarge { // quoting may lengthen it
			t.Fatalf("%q writes as %q: %v", s, q.String(), err)
		}
		if diff := cmp.Diff(q, again); err == nil && diff != "" {
			t.Errorf("%q writes as %q:\n%s", s, q.String(), diff)
		}
	})
}
