package rotation_test

import (
	"testing"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/rotation"
)

var (
	start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	key   = rotation.Key{Connection: "default", DatastoreID: "ds", TableID: "t", Column: "ssn"}
)

// watched is a column of ours, encrypted at start with version 1 shown in its
// table, due after 90 days with 7 days of grace.
func watched() rotation.Column {
	s := rotation.Sighting{At: start, How: rotation.ByTable, KeyVersion: 1}
	c := rotation.New(key, s, rotation.DefaultRule)
	c.See(s, false)
	return c
}

func table(at time.Time, version int64) rotation.Sighting {
	return rotation.Sighting{At: at, How: rotation.ByTable, KeyVersion: version}
}

func TestOnlyAKeyVersionThatMovedForwardIsARotation(t *testing.T) {
	c := watched()
	later := table(start.Add(100*day), 1)
	later.Next = start.Add(500 * day) // the tenant's schedule moved on by itself
	if r := c.See(later, false); r != nil || !c.Rotated.At.IsZero() || !c.DueAt.Equal(start.Add(90*day)) {
		t.Errorf("a schedule read as a rotation: %+v, %+v", r, c)
	}
	run := rotation.Sighting{At: start.Add(101 * day), How: rotation.ByAnswer, RunID: "r", Strategy: encryption.Automatic, IntervalDays: 90, Next: start.Add(191 * day)}
	c.Ask(run, audit.KeyRotation)
	if c.See(run, false) != nil || !c.DueAt.Equal(start.Add(90*day)) || c.StatusAt(run.At, rotation.DefaultLeads) != rotation.StatusOverdue {
		t.Errorf("a run that showed no new key version moved the date: %+v", c)
	}
	run.KeyVersion, run.How = 2, rotation.ByCallback
	r := c.See(run, false)
	if r == nil || r.Operation != audit.RotationObserved || r.KMS == nil || !c.DueAt.Equal(run.Next) || c.Rotated.How != rotation.ByCallback {
		t.Errorf("a confirmed rotation was not one: %+v, %+v", r, c)
	}
	if c.See(run, false) != nil {
		t.Error("the same sighting was a rotation twice")
	}
}

func TestARotationIsCalledLateOnlyWhenThatIsProven(t *testing.T) {
	for _, c := range []struct {
		what string
		seen []int // days on which the old version is seen
		at   int   // day on which the new one is
		how  rotation.How
		want rotation.Timeliness
	}{
		{"before the date", nil, 80, rotation.ByTable, rotation.OnTime},
		{"within the grace", []int{91}, 97, rotation.ByTable, rotation.OnTime},
		{"old key seen when overdue", []int{98}, 100, rotation.ByTable, rotation.Late},
		{"nobody looked in between", []int{50}, 120, rotation.ByTable, rotation.Unproven},
		{"our own run, after the grace", []int{50}, 120, rotation.ByAnswer, rotation.Late},
	} {
		col := watched()
		for _, d := range c.seen {
			col.See(table(start.Add(time.Duration(d)*day), 1), false)
		}
		s := table(start.Add(time.Duration(c.at)*day), 2)
		s.How = c.how
		col.See(s, false)
		if col.Rotated.Timeliness != c.want {
			t.Errorf("%s: %s, want %s", c.what, col.Rotated.Timeliness, c.want)
		}
		if c.want == rotation.Late && col.StatusAt(s.At, rotation.DefaultLeads) != rotation.StatusLate {
			t.Errorf("%s: status %s", c.what, col.StatusAt(s.At, rotation.DefaultLeads))
		}
	}
}

func TestAKeyVersionThatWentBackIsAFindingAndComingBackUpIsNoRotation(t *testing.T) {
	c := watched()
	c.See(table(start.Add(day), 5), false)
	rotated := c.Rotated
	c.See(table(start.Add(2*day), 3), false)
	if c.BackTo != 3 || !c.BackAt.Equal(start.Add(2*day)) || c.KeyVersion != 5 {
		t.Errorf("going back is not found: %+v", c)
	}
	if c.See(table(start.Add(3*day), 5), false) != nil || c.Rotated != rotated || !c.BackAt.IsZero() {
		t.Errorf("coming back up read as a rotation: %+v", c)
	}
	late := table(start.Add(4*day), 2)
	late.How = rotation.ByCallback
	if c.See(late, false); !c.BackAt.IsZero() {
		t.Error("a late callback read as a key that went back")
	}
}

func TestWithoutAKeyVersionNothingIsClaimed(t *testing.T) {
	c := watched()
	c.See(table(start.Add(day), 0), false) // the tenant stopped showing it
	for _, d := range []int{1, 89, 91, 200} {
		if s := c.StatusAt(start.Add(time.Duration(d)*day), rotation.DefaultLeads); s != rotation.StatusUnknown {
			t.Errorf("day %d: %s", d, s)
		}
	}
	n, r := c.Step(start.Add(200*day), rotation.DefaultLeads, rotation.DefaultRule)
	if r != nil || n == nil || !n.Unknown {
		t.Errorf("an unknown rotation was recorded as overdue: %+v %+v", n, r)
	}
	c.Strategy = encryption.Manual // ours: callbacks tell
	if s := c.StatusAt(start.Add(200*day), rotation.DefaultLeads); s != rotation.StatusOverdue {
		t.Errorf("a manual key that only callbacks tell of: %s", s)
	}
}

func TestEachPhaseIsAnnouncedOnceWhateverTheClockDoes(t *testing.T) {
	c := watched()
	var phases []rotation.Phase
	step := func(d int) {
		if n, _ := c.Step(start.Add(time.Duration(d)*day), rotation.DefaultLeads, rotation.DefaultRule); n != nil {
			phases = append(phases, n.Phase)
		}
	}
	for _, d := range []int{0, 10, 61, 61, 84, 60, 84, 91, 80, 91, 98, 10, 98, 300} { // it goes back three times
		step(d)
	}
	want := []rotation.Phase{rotation.Soon, rotation.VerySoon, rotation.Due, rotation.Overdue}
	if len(phases) != len(want) {
		t.Fatalf("announced %v, want %v", phases, want)
	}
	for i := range want {
		if phases[i] != want[i] {
			t.Errorf("announced %v, want %v", phases, want)
		}
	}
	c = watched()
	if n, r := c.Step(start.Add(300*day), rotation.DefaultLeads, rotation.DefaultRule); n == nil || n.Phase != rotation.Overdue || r == nil {
		t.Errorf("after a long downtime: %+v", n)
	}
	if !c.NextAt.IsZero() {
		t.Errorf("an overdue column is scanned again at %s", c.NextAt)
	}
}

func TestAShortIntervalIsNotAnnouncedAllTheTime(t *testing.T) {
	s := table(start, 1)
	s.IntervalDays = 10
	c := rotation.New(key, s, rotation.DefaultRule)
	c.See(s, false)
	if got := c.StatusAt(start.Add(day), rotation.DefaultLeads); got != rotation.StatusOnTime {
		t.Errorf("one day after a rotation of a ten-day key: %s", got)
	}
}

// Dates are counted in UTC days of 24 hours: no clock change moves them.
func TestDueDatesAcrossALeapDayAndTheYearsEnd(t *testing.T) {
	for _, c := range []struct{ from, due string }{
		{"2027-12-01 12:00", "2028-02-29 12:00"}, {"2026-12-01 12:00", "2027-03-01 12:00"}, {"2026-10-02 12:00", "2026-12-31 12:00"},
	} {
		s := table(at(t, c.from), 1)
		if col := rotation.New(key, s, rotation.DefaultRule); !col.DueAt.Equal(at(t, c.due)) {
			t.Errorf("90 days after %s: %s, want %s", c.from, col.DueAt, c.due)
		}
	}
}
