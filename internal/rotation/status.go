package rotation

import "time"

// Phase is how near a due date is. Each is announced once for a date.
type Phase int

// The phases in their order. The values are stored; they are never renumbered.
const (
	Calm Phase = iota
	Soon
	VerySoon
	Due
	Overdue
)

// Status is what the ledger says of a column.
type Status string

// The statuses. Unknown comes before every other: without a key version
// nothing can be said.
const (
	StatusUnknown Status = "unknown"
	StatusOverdue Status = "overdue"
	StatusDue     Status = "due"
	StatusSoon    Status = "soon"
	StatusLate    Status = "late" // rotated, but after due date and grace; until the next date comes near
	StatusOnTime  Status = "on_time"
)

// Statuses lists every status, the most pressing first.
func Statuses() []Status {
	return []Status{StatusOverdue, StatusDue, StatusSoon, StatusUnknown, StatusLate, StatusOnTime}
}

// Leads are how long before a due date it is announced, first and second.
type Leads struct{ First, Second time.Duration }

// DefaultLeads are 30 and 7 days.
var DefaultLeads = Leads{30 * day, 7 * day}

// in returns the leads that make sense for an interval: one longer than half
// of it would announce the next date as soon as the last was met.
func (l Leads) in(intervalDays int) Leads {
	half := time.Duration(intervalDays) * day / 2
	if l.First > half {
		l.First = 0
	}
	if l.Second > half {
		l.Second = 0
	}
	return l
}

// PhaseAt is the phase that the clock alone gives.
func (c Column) PhaseAt(now time.Time, leads Leads) Phase {
	leads = leads.in(c.IntervalDays)
	switch {
	case !now.Before(c.OverdueAt()):
		return Overdue
	case !now.Before(c.DueAt):
		return Due
	case leads.Second > 0 && !now.Before(c.DueAt.Add(-leads.Second)):
		return VerySoon
	case leads.First > 0 && !now.Before(c.DueAt.Add(-leads.First)):
		return Soon
	}
	return Calm
}

// boundary is when the phase after p begins; zero after the last.
func (c Column) boundary(p Phase, leads Leads) time.Time {
	leads = leads.in(c.IntervalDays)
	if p < Soon && leads.First > 0 {
		return c.DueAt.Add(-leads.First)
	}
	if p < VerySoon && leads.Second > 0 {
		return c.DueAt.Add(-leads.Second)
	}
	if p < Due {
		return c.DueAt
	}
	if p < Overdue {
		return c.OverdueAt()
	}
	return time.Time{}
}

// StatusAt is computed from facts and the clock alone.
func (c Column) StatusAt(now time.Time, leads Leads) Status {
	if !c.Knowable() {
		return StatusUnknown
	}
	switch c.PhaseAt(now, leads) {
	case Overdue:
		return StatusOverdue
	case Due:
		return StatusDue
	case Soon, VerySoon:
		return StatusSoon
	}
	if c.Rotated.Timeliness == Late {
		return StatusLate
	}
	return StatusOnTime
}

var statusText = map[Status]string{
	StatusUnknown: "unknown", StatusOverdue: "overdue", StatusDue: "due", StatusSoon: "due soon",
	StatusLate: "rotated late", StatusOnTime: "on time",
}

// Text is the status as a person says it.
func (s Status) Text() string { return statusText[s] }
