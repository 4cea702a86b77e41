package attention_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/attention"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
	"cxseal/internal/inventory"
	"cxseal/internal/vocabularytest"
)

// Fails when a word is declared that its list lacks.
func TestTheListsHoldEveryWord(t *testing.T) {
	vocabularytest.Complete(t, attention.Kinds())
	vocabularytest.Complete(t, attention.States())
	vocabularytest.Complete(t, attention.Resolutions(), attention.Unresolved)
}

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// log is a ledger and the findings that its records make, one table at a time.
type log struct {
	t     *testing.T
	seq   int64
	items []attention.Item
}

func (l *log) append(op audit.Operation, outcome audit.Outcome, run, kms, detail string, columns ...string) {
	l.t.Helper()
	r := audit.NewRecord(noon.Add(time.Duration(l.seq)*time.Hour), op, outcome, audit.Actor{Name: "x", Role: "system"})
	r.AuditID, r.Connection, r.DatastoreID, r.TableID, r.RunID, r.Columns, r.Detail = fmt.Sprint("r", l.seq+1), "c", "d", "t", run, columns, detail
	if kms != "" {
		r.KMS = &audit.KMS{Status: kms}
	}
	l.seq++
	for _, changed := range attention.Apply(audit.Entry{Seq: l.seq, Record: r}, l.items) {
		if changed.Seq == 0 {
			changed.Seq = int64(len(l.items) + 1)
			l.items = append(l.items, changed)
			continue
		}
		l.items[changed.Seq-1] = changed
	}
}

const (
	lost     = "The column is no longer encrypted, and no run of this console did that."
	wentBack = "The key version went back from 3 to 2."
	gone     = "The column is gone; it was encrypted."
)

func (l *log) play(steps string) {
	l.t.Helper()
	for step := range strings.SplitSeq(steps, ";") {
		words := strings.Fields(step)
		columns := strings.Split(words[1], ",")
		run := ""
		if len(words) > 2 {
			run = words[2]
		}
		switch words[0] {
		case "lost":
			l.append(audit.DriftDetected, audit.Failure, "", "", lost, columns...)
		case "back":
			l.append(audit.DriftDetected, audit.Failure, "", "", wentBack, columns...)
		case "gone":
			l.append(audit.DriftDetected, audit.Success, "", "", gone, columns...)
		case "others":
			l.append(audit.DriftDetected, audit.Success, "", "", "The column was encrypted by someone else.", columns...)
		case "overdue":
			l.append(audit.RotationOverdue, audit.Failure, "", "", "Due.", columns...)
		case "observed":
			l.append(audit.RotationObserved, audit.Success, "", "", "Key version 2.", columns...)
		case "verified":
			l.append(audit.ColumnEncryption, audit.Success, run, "VERIFIED", "", columns...)
		case "rotated":
			l.append(audit.KeyRotation, audit.Success, run, "VERIFIED", "", columns...)
		case "rejected":
			l.append(audit.ColumnEncryption, audit.Failure, run, "REJECTED", "", columns...)
		case "unconfirmed":
			l.append(audit.ColumnEncryption, audit.Failure, run, "UNCONFIRMED", "", columns...)
		case "failed":
			l.append(audit.ColumnEncryption, audit.Failure, run, "NOT_REACHED", "", columns...)
		case "callback":
			l.append(audit.KMSCallback, audit.Success, run, "VERIFIED", "", columns...)
		case "refusal":
			l.append(audit.KMSCallback, audit.Failure, run, "REJECTED", "", columns...)
		default:
			l.t.Fatal(step)
		}
	}
}

// told is the kinds of the items with what became of each.
func (l *log) told() string {
	var out []string
	for _, i := range l.items {
		say := string(i.Kind)
		if i.Resolution != attention.Unresolved {
			say += "=" + string(i.Resolution) + "@" + i.ResolvedBy
		} else if len(i.Left) < len(i.Columns) {
			say += "+" + strings.Join(i.Left, ",")
		}
		out = append(out, say)
	}
	return strings.Join(out, " ")
}

// Fails when an item of attention stays red though the facts have settled it, or is called settled by facts that say
// nothing of it.
func TestFactsOpenAndResolve(t *testing.T) {
	for _, c := range []struct{ what, steps, want string }{
		{"a lost column is encrypted and verified again", "lost a;verified a x", "column_lost=verified@r2"},
		{"it is encrypted by somebody: nothing vouches for it", "lost a;others a", "column_lost"},
		{"another column is verified", "lost a;verified b x", "column_lost"},
		{"it is gone", "lost a;gone a", "column_lost=gone@r2"},
		{"it is lost again", "lost a;lost a", "column_lost=superseded@r2 column_lost"},
		{"and again after it was verified", "lost a;verified a x;lost a", "column_lost=verified@r2 column_lost"},
		{"a refused run is followed by a verified one", "rejected a x;rotated a y", "run_rejected=verified@r2"},
		{"an unconfirmed one too", "unconfirmed a x;rotated a y", "run_unconfirmed=verified@r2"},
		{"a failed one too", "failed a x;verified a y", "run_failed=verified@r2"},
		{"one of two columns is verified", "rejected a,b x;rotated a y", "run_rejected+b"},
		{"and then the other", "rejected a,b x;rotated a y;rotated b z", "run_rejected=verified@r3"},
		{"the right callback comes late", "unconfirmed a x;callback a x", "run_unconfirmed=confirmed@r2"},
		{"after a refusal", "refusal a x;rejected a x;callback a x", "run_rejected=confirmed@r3"},
		{"a callback while the run goes on settles nothing", "lost a;callback a x", "column_lost"},
		{"a late callback settles what was found before its run ended", "lost a;unconfirmed a x;callback a x", "column_lost=verified@r3 run_unconfirmed=confirmed@r3"},
		{"and not what was found after", "unconfirmed a x;lost a;callback a x", "run_unconfirmed=superseded@r2 column_lost"},
		{"a late callback of a run that a later one took over from", "lost a;unconfirmed a x;unconfirmed a y;callback a x",
			"column_lost=verified@r4 run_unconfirmed=superseded@r3 run_unconfirmed"},
		{"a run that failed says nothing of a refused one", "rejected a x;failed a y", "run_rejected run_failed"},
		{"nor one that is unconfirmed", "rejected a x;unconfirmed a y", "run_rejected run_unconfirmed"},
		{"a refused one says more than a failed and an unconfirmed one", "failed a x;unconfirmed a y;rejected a z",
			"run_failed=superseded@r2 run_unconfirmed=superseded@r3 run_rejected"},
		{"a loss says more than a refusal", "rejected a x;lost a", "run_rejected=superseded@r2 column_lost"},
		{"a loss says nothing of a run that changed nothing", "failed a x;lost a", "run_failed column_lost"},
		{"an overdue rotation is made", "overdue a;observed a", "rotation_overdue=rotated@r2"},
		{"a verified rotation without a newer version is none", "overdue a;rotated a x", "rotation_overdue"},
		{"a first encryption begins anew", "overdue a;verified a x", "rotation_overdue=verified@r2"},
		{"what is not encrypted has no key", "overdue a;lost a", "rotation_overdue=superseded@r2 column_lost"},
		{"a key version that went back is passed", "back a;observed a", "key_went_back=rotated@r2"},
		{"or a run is verified", "back a;rotated a x", "key_went_back=verified@r2"},
	} {
		l := &log{t: t}
		l.play(c.steps)
		if got := l.told(); got != c.want {
			t.Errorf("%s (%s): %s, want %s", c.what, c.steps, got, c.want)
		}
	}
}

// Fails when an item does not say when it was resolved, or by which run.
func TestAnItemSaysWhenAndByWhatItWasResolved(t *testing.T) {
	l := &log{t: t}
	l.play("rejected a x;failed b y;rotated a z")
	i := l.items[0]
	if !i.ResolvedAt.Equal(noon.Add(2*time.Hour)) || i.ResolvedBy != "r3" || i.ResolvedRun != "z" || i.State() != attention.Resolved {
		t.Errorf("%+v", i)
	}
	if !i.OpenedAt.Equal(noon) || i.OpenedBy != "r1" || i.OpenedSeq != 1 || i.RunID != "x" {
		t.Errorf("opened: %+v", i)
	}
	if l.items[1].State() != attention.Open {
		t.Errorf("%+v", l.items[1])
	}
}

// Fails when what a reading of a table found is taken for something else: the sentence is all that the record has.
func TestAReadingsSentencesAreReadBack(t *testing.T) {
	before := []inventory.Column{{Name: "a", Encrypted: true, KeyVersion: 3}, {Name: "b", Encrypted: true, KeyVersion: 3}, {Name: "c"}, {Name: "d"}}
	after := []inventory.Column{{Name: "a"}, {Name: "b", Encrypted: true, KeyVersion: 2}, {Name: "d", Encrypted: true}}
	want := map[string]inventory.Finding{"a": inventory.Lost, "b": inventory.WentBack, "c": inventory.Gone, "d": inventory.Other}
	changes := inventory.Compare(before, after, nil)
	if len(changes) != len(want) {
		t.Fatalf("%+v", changes)
	}
	for _, change := range changes {
		r := audit.Record{Operation: audit.DriftDetected, Outcome: change.Outcome, Detail: change.Detail}
		if got := inventory.FindingOf(r); got != want[change.Column] {
			t.Errorf("%s (%s) is taken for %q", change.Column, change.Detail, got)
		}
	}
}

func TestMonthsAreOpenedByTheCalendarAndClosedByReviews(t *testing.T) {
	began := time.Date(2026, 6, 10, 8, 0, 0, 0, time.UTC)
	reviewOf := func(at time.Time, from, to string) (audit.Record, audit.Line) {
		date := func(s string) time.Time { d, err := time.Parse(time.DateOnly, s); fatal(t, err); return d }
		r, err := audit.Review{From: date(from), To: date(to), UpToSeq: 1, Note: "Nothing unusual."}.Record(at, audit.Actor{Name: "olga"})
		fatal(t, err)
		e := audit.Entry{Record: r}
		return r, e.Line()
	}
	at := time.Date(2026, 8, 3, 0, 0, 0, 0, time.UTC)
	if attention.NewMonth(at, time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)) || !attention.NewMonth(at, time.Time{}) {
		t.Error("July is over on 3 August, and nothing later")
	}
	items, looked := attention.Months(began, at, nil, time.Time{}, nil, audit.Record{})
	if len(items) != 2 || items[0].ID != "month-2026-06" || items[1].ID != "month-2026-07" || !items[1].OpenedAt.Equal(time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)) {
		t.Fatalf("%+v", items)
	}
	if more, _ := attention.Months(began, at, nil, looked, items, audit.Record{}); len(more) > 0 {
		t.Errorf("a month is opened twice: %+v", more)
	}
	part, partLine := reviewOf(at, "2026-06-01", "2026-06-20")
	if changed, _ := attention.Months(began, at, []audit.Line{partLine}, looked, items, part); len(changed) > 0 {
		t.Errorf("a part of a month is taken for all of it: %+v", changed)
	}
	rest, restLine := reviewOf(at, "2026-06-20", "2026-07-01")
	changed, _ := attention.Months(began, at, []audit.Line{partLine, restLine}, looked, items, rest)
	if len(changed) != 1 || changed[0].ID != "month-2026-06" || changed[0].Resolution != attention.ByReview || changed[0].ResolvedBy != rest.AuditID {
		t.Errorf("%+v", changed)
	}
	if month, ok := changed[0].MonthOf(); !ok || month.Month() != time.June {
		t.Errorf("the month of %s is %v", changed[0].ID, month)
	}
}

// memory keeps items and records.
type memory struct {
	item    attention.Item
	records []audit.Record
}

func (m *memory) AttentionItem(_ context.Context, id string) (attention.Item, error) {
	if id != m.item.ID {
		return attention.Item{}, fault.New(fault.NotFound, "none")
	}
	return m.item, nil
}

func (m *memory) AppendRecords(_ context.Context, records ...audit.Record) error {
	m.records = append(m.records, records...)
	return nil
}

// Fails when somebody takes an item on who may not, without a note or owner, or without a record.
func TestAcknowledging(t *testing.T) {
	l := &log{t: t}
	l.play("rejected a x")
	m := &memory{item: l.items[0]}
	s := attention.NewService(m, func() time.Time { return noon })
	officer := access.Caller{Name: "olga", Role: access.Officer}
	for what, c := range map[string]struct {
		caller      access.Caller
		ids         []string
		owner, note string
		want        fault.Code
	}{
		"an approver":          {access.Caller{Name: "paul", Role: access.Approver}, []string{"r1"}, "x", "y", fault.Denied},
		"without an item":      {officer, nil, "x", "y", fault.Invalid},
		"an unknown item":      {officer, []string{"r9"}, "x", "y", fault.NotFound},
		"without a note":       {officer, []string{"r1"}, "x", "  ", fault.Invalid},
		"a note nobody sees":   {officer, []string{"r1"}, "x", "\u200b", fault.Invalid},
		"an owner nobody sees": {officer, []string{"r1"}, "\u200b", "y", fault.Invalid},
		"a note that rings":    {officer, []string{"r1"}, "x", "\a", fault.Invalid},
		"a note without end":   {officer, []string{"r1"}, "x", strings.Repeat("y", 2001), fault.TooLarge},
		"an owner without end": {officer, []string{"r1"}, strings.Repeat("x", 201), "y", fault.TooLarge},
		"an owner of lines":    {officer, []string{"r1"}, "x\ny", "y", fault.Invalid},
		"broken text":          {officer, []string{"r1"}, "x", "\xff", fault.Invalid},
		"too many":             {officer, make([]string, 51), "x", "y", fault.TooLarge},
	} {
		before := len(m.records)
		if err := s.Acknowledge(t.Context(), c.caller, c.ids, c.owner, c.note); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %s", what, err, c.want)
		}
		if denied := c.want == fault.Denied; len(m.records)-before != map[bool]int{true: 1}[denied] {
			t.Errorf("%s: %d records", what, len(m.records)-before)
		}
	}
	m.records = nil
	fatal(t, s.Acknowledge(t.Context(), officer, []string{"r1"}, "", `She said: "Owner: x. Note: y". Note: done`))
	if len(m.records) != 1 || m.records[0].RunID != "x" || m.records[0].TableID != "t" || m.records[0].Outcome != audit.Success {
		t.Fatalf("%+v", m.records)
	}
	a, ok := audit.AcknowledgementOf(m.records[0])
	if !ok || a.Owner != "olga" || a.Item != "r1" || a.Note != `She said: "Owner: x. Note: y". Note: done` {
		t.Errorf("read back as %+v", a)
	}
	taken := attention.Apply(audit.Entry{Seq: 9, Record: m.records[0]}, l.items)
	if len(taken) != 1 || taken[0].State() != attention.Acknowledged || taken[0].Taken.Owner != "olga" || taken[0].Taken.AuditID != m.records[0].AuditID {
		t.Errorf("%+v", taken)
	}
	fatal(t, s.Acknowledge(t.Context(), officer, []string{"r1", "r1"}, "x", "named twice"))
	if len(m.records) != 2 {
		t.Errorf("an item named twice has %d records", len(m.records)-1)
	}
	m.item.Resolution = attention.ByRun
	if err := s.Acknowledge(t.Context(), officer, []string{"r1"}, "x", "y"); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("a resolved item is taken on: %v", err)
	}
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
