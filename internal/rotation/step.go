package rotation

import (
	"fmt"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/encryption"
)

// Notice is a transition to a new phase, from which an alarm is made.
type Notice struct {
	Column  Column
	Phase   Phase
	Unknown bool // nothing can be said: the tenant shows no key version
}

// Step brings the column's phase up to the clock. It announces the phase that
// holds now and none that was passed over meanwhile, and never one again: a
// clock that jumps back finds the phase where it was. The record is nil unless
// the rotation is overdue.
func (c *Column) Step(now time.Time, leads Leads, rule Rule) (*Notice, *audit.Record) {
	c.GraceDays = rule.GraceDays
	phase := c.PhaseAt(now, leads)
	if phase <= c.Phase {
		c.NextAt = c.boundary(c.Phase, leads)
		return nil, nil
	}
	c.Phase = phase
	c.NextAt = c.boundary(c.Phase, leads)
	n := &Notice{Column: *c, Phase: phase, Unknown: !c.Knowable()}
	if phase != Overdue || n.Unknown {
		return n, nil
	}
	r := c.Record(now, audit.RotationOverdue, audit.Failure)
	r.Detail = fmt.Sprintf("Due on %s with %d days of grace, and no key version above %d was seen by %s; the table was last read on %s.",
		c.DueAt.UTC().Format(time.DateOnly), c.GraceDays, c.KeyVersion, now.UTC().Format(time.DateOnly), c.lastSeen())
	return n, &r
}

func (c *Column) lastSeen() string {
	if c.SeenAt.IsZero() {
		return "no day yet"
	}
	return c.SeenAt.UTC().Format("2006-01-02 15:04") + " UTC"
}

// OursToRotate reports whether the phase that was reached is when the rule has
// this console rotate by itself.
func (n Notice) OursToRotate(rule Rule) bool {
	if !rule.AutoRotate {
		return false
	}
	return n.Phase == Overdue || n.Phase == Due && n.Column.Strategy == encryption.Manual
}

// ScanOptions tune the scan.
type ScanOptions struct {
	Leads Leads

	// AutoRotate says which connections' own setting has this console rotate
	// by itself, whatever the policies say. Nil: none.
	AutoRotate func(connection string) bool

	// AutoRotateBy names who set a connection so, empty for the operator. Nil: nobody.
	AutoRotateBy func(connection string) string
}

// Rule is what holds for a column: its policy, and its connection's setting.
func (o ScanOptions) Rule(policies Policies, c Column, category string) Rule {
	rule := policies.For(c.Connection, c.DatastoreID, category).Rule
	rule.AutoRotate = rule.AutoRotate || o.AutoRotate != nil && o.AutoRotate(c.Connection)
	return rule
}

// RunScope is what the columns of one rotation run share.
type RunScope struct {
	Connection, DatastoreID, TableID string
	Strategy                         string
	IntervalDays                     int
}

// RunScope is the scope of a run that rotates the column's key.
func (c Column) RunScope() RunScope {
	return RunScope{c.Connection, c.DatastoreID, c.TableID, c.Strategy, c.IntervalDays}
}
