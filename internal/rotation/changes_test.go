package rotation_test

import (
	"testing"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/rotation"
)

// dated is a step of a run on the column ssn that asked for a date.
func dated(op audit.Operation, from encryption.State, keyVersion int64, at time.Time) *encryption.Transition {
	return &encryption.Transition{From: from,
		Run: encryption.Run{ID: "r", Operation: op, Connection: key.Connection, DatastoreID: key.DatastoreID, TableID: key.TableID},
		Rotations: []encryption.RotationDate{{Connection: key.Connection, DatastoreID: key.DatastoreID, TableID: key.TableID, Column: key.Column,
			Strategy: encryption.Manual, IntervalDays: 30, DueAt: at.Add(30 * day), KeyVersion: keyVersion, RunID: "r", UpdatedAt: at}}}
}

func TestWhatARunShowsOfAColumnThatIsNotInTheLedger(t *testing.T) {
	policies := rotation.Policies{{ID: 1, Scope: rotation.Scope{Connection: "default"}, Rule: rotation.Rule{Strategy: encryption.Automatic, IntervalDays: 60, GraceDays: 3}}}
	step := dated(audit.ColumnEncryption, encryption.Verifying, 0, start)
	step.Run.After = []encryption.ColumnState{{Name: "ssn", Encrypted: true, KeyVersion: 4}}
	got := rotation.AfterRun(step, nil, policies)
	if len(got.Moved) != 1 || len(got.Seen)+len(got.Records) != 0 {
		t.Fatalf("%+v", got)
	}
	c := got.Moved[0]
	if c.Key != key || c.KeyVersion != 4 || c.GraceDays != 3 || c.IntervalDays != 30 || c.Strategy != encryption.Manual ||
		c.Origin != rotation.FromRun || c.RunID != "r" || !c.DueAt.Equal(start.Add(30*day)) {
		t.Errorf("%+v", c)
	}
}

func TestARunsStepMovesTheLedgerOnlyByWhatItProves(t *testing.T) {
	at := start.Add(95 * day) // after the date, within the grace
	for _, c := range []struct {
		what     string
		step     *encryption.Transition
		shown    int64 // in the table right after the PATCH
		inline   bool
		version  int64
		due      time.Time
		how      rotation.How // of the rotation; empty: none
		interval int
	}{
		{"a rotation that was sent and nothing of it seen", dated(audit.KeyRotation, encryption.Patching, 0, at), 0, false, 1, start.Add(90 * day), "", 30},
		{"a rotation that the table shows", dated(audit.KeyRotation, encryption.Patching, 0, at), 2, false, 2, at.Add(30 * day), rotation.ByAnswer, 30},
		{"a rotation that a callback confirmed", dated(audit.KeyRotation, encryption.Verifying, 2, at), 0, false, 2, at.Add(30 * day), rotation.ByCallback, 30},
		{"one confirmed in the answer itself", dated(audit.KeyRotation, encryption.Verifying, 2, at), 0, true, 2, at.Add(30 * day), rotation.ByAnswer, 30},
		{"an encryption: a new promise, and no rotation", dated(audit.ColumnEncryption, encryption.Patching, 2, at), 0, false, 2, at.Add(30 * day), "", 30},
		{"an encryption confirmed after it had ended: its old date is not brought back", dated(audit.ColumnEncryption, encryption.Unconfirmed, 2, at), 0, false,
			2, start.Add(90 * day), "", 90},
	} {
		known := watched()
		if c.shown > 0 {
			c.step.Run.After = []encryption.ColumnState{{Name: "ssn", Encrypted: true, KeyVersion: c.shown}}
		}
		if c.inline {
			c.step.Verification = &encryption.Verification{Inline: true}
		}
		changes := rotation.AfterRun(c.step, map[string]rotation.Column{"ssn": known}, nil)
		if len(changes.Moved) != 1 {
			t.Fatalf("%s: %+v", c.what, changes)
		}
		got := changes.Moved[0]
		if got.KeyVersion != c.version || !got.DueAt.Equal(c.due) || got.Rotated.How != c.how || got.IntervalDays != c.interval {
			t.Errorf("%s: version %d, due %s, seen by %q, every %d days", c.what, got.KeyVersion, got.DueAt, got.Rotated.How, got.IntervalDays)
		}
		if rotated := c.how != ""; rotated != (len(changes.Records) == 1) {
			t.Errorf("%s: records %+v", c.what, changes.Records)
		}
	}
	if got := rotation.AfterRun(&encryption.Transition{}, nil, nil); len(got.Moved)+len(got.Records) != 0 {
		t.Errorf("a step without dates: %+v", got)
	}
}

func TestAReadingTellsWhatIsNewSeenRotatedAndGone(t *testing.T) {
	at := start.Add(10 * day)
	column := func(name string, wantsRun string) rotation.Column {
		c := watched()
		c.Column, c.WantsRun, c.NextAt = name, wantsRun, start
		return c
	}
	gone := column("left", "")
	gone.GoneAt = start
	known := map[string]rotation.Column{"same": column("same", ""), "newer": column("newer", ""), "plain": column("plain", "run"),
		"dropped": column("dropped", "run"), "left": gone}
	read := []rotation.Reading{
		{Column: "same", Encrypted: true, KeyVersion: 1},
		{Column: "newer", Encrypted: true, KeyVersion: 2},
		{Column: "plain"},
		{Column: "added", Encrypted: true, KeyVersion: 7, Strategy: encryption.Manual, IntervalDays: 30, Next: at.Add(5 * day)},
		{Column: "never"},
	}
	policies := rotation.Policies{{ID: 1, Scope: rotation.Scope{Connection: "default", DatastoreID: "ds"}, Rule: rotation.Rule{GraceDays: 2}}}
	table := key
	table.Column = ""
	got := rotation.AfterReading(table, at, read, known, policies)
	moved := map[string]rotation.Column{}
	for _, c := range got.Moved {
		moved[c.Column] = c
	}
	if len(got.Moved) != 4 || len(got.Seen) != 1 || got.Seen[0].Column != "same" || !got.Seen[0].SeenAt.Equal(at) {
		t.Fatalf("moved %v, seen %v", got.Moved, got.Seen)
	}
	if len(got.Records) != 1 || got.Records[0].Operation != audit.RotationObserved || got.Records[0].Columns[0] != "newer" {
		t.Errorf("records %+v", got.Records)
	}
	if c := moved["added"]; c.Connection != "default" || c.TableID != "t" || c.KeyVersion != 7 || c.GraceDays != 2 || c.Strategy != encryption.Manual ||
		c.Origin != rotation.FromTenant || !c.DueAt.Equal(at.Add(5*day)) {
		t.Errorf("new: %+v", c)
	}
	for _, name := range []string{"plain", "dropped"} {
		if c := moved[name]; !c.GoneAt.Equal(at) || !c.NextAt.IsZero() || c.WantsRun != "" {
			t.Errorf("%s is gone as %+v", name, c)
		}
	}
	if !rotation.AnyNew(read, known) || rotation.AnyNew(read[:3], known) || rotation.AnyNew(read[4:], known) {
		t.Error("a new column is one that is encrypted and not in the ledger")
	}
}

func TestAScanStepsEachColumnAndJoinsTheRunsOfATable(t *testing.T) {
	now := start.Add(98 * day) // overdue: 90 days and 7 of grace
	column := func(table, name string) rotation.Column {
		c := watched()
		c.TableID, c.Column, c.NextAt = table, name, now
		return c
	}
	resting := column("t", "resting")
	resting.Phase = rotation.Overdue
	due := []rotation.Column{column("t", "a"), column("t", "b"), column("u", "c"), column("t", "card"), resting}
	policies := rotation.Policies{
		{ID: 1, Scope: rotation.Scope{Category: "card"}, Rule: rotation.Rule{GraceDays: 30}},
		{ID: 2, Scope: rotation.Scope{Connection: "default"}, Rule: rotation.Rule{GraceDays: 7, AutoRotate: true}},
	}
	o := rotation.ScanOptions{Leads: rotation.DefaultLeads}
	got := rotation.StepAll(now, o, due, policies, map[rotation.Key]string{due[3].Key: "card"})
	if len(got.Columns) != 5 {
		t.Fatalf("%d columns", len(got.Columns))
	}
	a, b, c, card, rest := got.Columns[0], got.Columns[1], got.Columns[2], got.Columns[3], got.Columns[4]
	if a.WantsRun == "" || b.WantsRun != a.WantsRun || c.WantsRun == "" || c.WantsRun == a.WantsRun {
		t.Errorf("runs %q, %q of one table and %q of another", a.WantsRun, b.WantsRun, c.WantsRun)
	}
	if card.WantsRun != "" || card.GraceDays != 30 || card.Phase != rotation.Due {
		t.Errorf("the card's own policy does not hold: %+v", card)
	}
	if rest.WantsRun != "" || rest.Phase != rotation.Overdue {
		t.Errorf("a phase was announced twice: %+v", rest)
	}
	if len(got.Records) != 3 || len(got.Alarms) != 3 { // t overdue (a, b), u overdue, the card due
		t.Errorf("%d records and %d alarms", len(got.Records), len(got.Alarms))
	}
	if got := rotation.StepAll(now, o, due[:1], policies[:1], nil); got.Columns[0].WantsRun != "" {
		t.Error("the console rotates though nobody said so")
	}
}
