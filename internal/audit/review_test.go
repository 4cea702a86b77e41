package audit

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cxseal/internal/fault"
)

var officer = Actor{Name: "olga", Role: "officer", IP: "10.0.0.9"}

func TestAReviewReadsBackFromItsRecordWhateverTheNoteSays(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		want := Review{
			From:    start.Add(time.Duration(rapid.Int64Range(0, 1e9).Draw(t, "from")) * time.Millisecond),
			UpToSeq: rapid.Int64Range(1, 1<<40).Draw(t, "seq"),
			Note:    strings.TrimSpace(rapid.StringN(1, 200, MaxReviewNote).Draw(t, "note")),
		}
		if rapid.Bool().Draw(t, "bound") {
			want.Size, want.Root = want.UpToSeq+rapid.Int64Range(0, 9).Draw(t, "more"), LeafHash([]byte(want.Note))
		}
		want.To = want.From.Add(time.Duration(rapid.Int64Range(1, 1e9).Draw(t, "to")) * time.Millisecond)
		if !Plain(want.Note) || !Says(want.Note) {
			t.Skip("control characters and what says nothing are refused")
		}
		rec, err := want.Record(start, officer)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := Canonical(rec)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := ReviewOf((&Entry{Record: kept}).Line())
		if diff := cmp.Diff(want, got); !ok || diff != "" {
			t.Fatalf("%v (-want +got):\n%s", ok, diff)
		}
	})
}

func TestAReviewWithoutPeriodOrNoteIsRefused(t *testing.T) {
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	good := Review{From: day, To: day.AddDate(0, 1, 0), UpToSeq: 7, Note: "Nothing unusual"}
	for name, spoil := range map[string]func(*Review){
		"no beginning":  func(r *Review) { r.From = time.Time{} },
		"no end":        func(r *Review) { r.To = time.Time{} },
		"backwards":     func(r *Review) { r.From, r.To = r.To, r.From },
		"empty period":  func(r *Review) { r.To = r.From },
		"no records":    func(r *Review) { r.UpToSeq = 0 },
		"another log":   func(r *Review) { r.Size = 6 },
		"no note":       func(r *Review) { r.Note = " \n " },
		"endless note":  func(r *Review) { r.Note = strings.Repeat("x", MaxReviewNote+1) },
		"note not text": func(r *Review) { r.Note = "\xff" },
	} {
		r := good
		spoil(&r)
		if _, err := r.Record(day, officer); err == nil || (fault.CodeOf(err) == fault.Internal) != (name == "another log") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOnlyAnAcceptedReviewCounts(t *testing.T) {
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	rec, err := Review{From: day, To: day.AddDate(0, 1, 0), UpToSeq: 7, Note: "Nothing unusual"}.Record(day, officer)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Record){
		"another operation": func(r *Record) { r.Operation = Login },
		"refused":           func(r *Record) { r.Outcome = Denied },
		"other words":       func(r *Record) { r.Detail = "Reviewed everything" },
		"no time":           func(r *Record) { r.Detail = strings.Replace(r.Detail, "2026-01-01", "yesterday-", 1) },
		"no number":         func(r *Record) { r.Detail = strings.Replace(r.Detail, " 7.", " 99999999999999999999.", 1) },
	} {
		r := rec
		spoil(&r)
		if got, ok := ReviewOf((&Entry{Record: r}).Line()); ok {
			t.Errorf("%s was taken for a review: %+v", name, got)
		}
	}
}
