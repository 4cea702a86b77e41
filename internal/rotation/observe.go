package rotation

import (
	"fmt"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
)

// Sighting is what was seen of an encrypted column at one moment.
type Sighting struct {
	At         time.Time
	How        How
	KeyVersion int64  // 0: none was shown
	RunID      string // the run whose answer or callback it was

	// The tenant's own directive, or what a run asked for; zero values: none.
	Strategy     string
	IntervalDays int
	Next         time.Time
}

// New is a column that was seen encrypted for the first time. rule fills in
// what neither a run nor the tenant says.
func New(key Key, s Sighting, rule Rule) Column {
	c := Column{Key: key, FirstSeen: s.At, UpdatedAt: s.At, Strategy: s.Strategy, IntervalDays: s.IntervalDays,
		DueAt: s.Next, Origin: FromTenant, GraceDays: rule.GraceDays, RunID: s.RunID}
	if s.RunID != "" {
		c.Origin = FromRun
	}
	if c.Strategy == "" {
		c.Strategy = rule.Strategy
	}
	if c.IntervalDays == 0 {
		c.IntervalDays = rule.IntervalDays
	}
	if c.DueAt.IsZero() {
		c.DueAt, c.Origin = s.At.Add(time.Duration(c.IntervalDays)*day), FromPolicy
	}
	c.NextAt = s.At
	return c
}

// Ask notes the date that a run of this console asked for. A first encryption
// starts a new promise. A rotation does not: until a newer key version is
// seen, the old date stands, whatever was asked.
func (c *Column) Ask(s Sighting, operation audit.Operation) {
	c.Strategy, c.IntervalDays, c.RunID, c.UpdatedAt = s.Strategy, s.IntervalDays, s.RunID, s.At
	if operation == audit.ColumnEncryption && !s.Next.Equal(c.DueAt) {
		c.moveTo(s.At, s.Next, FromRun)
		c.Rotated, c.BackAt, c.BackTo = Rotation{}, time.Time{}, 0
	}
}

// moveTo starts the wait for a new date. The scan looks at the column once and
// then knows when its first phase begins: that is a matter of settings.
func (c *Column) moveTo(at, due time.Time, origin Origin) {
	if !due.Equal(c.DueAt) {
		c.Sequence++
	}
	c.DueAt, c.Origin = due, origin
	c.Phase, c.WantsRun, c.NextAt = Calm, "", at
}

// See takes in a sighting. baseline says that it belongs to a first encryption,
// whose new key is not a rotation. The record is nil unless the sighting is a
// rotation.
func (c *Column) See(s Sighting, baseline bool) *audit.Record {
	if !c.GoneAt.IsZero() { // encrypted again, under a key of its own
		c.GoneAt, baseline = time.Time{}, true
		if c.NextAt.IsZero() {
			c.moveTo(s.At, s.At.Add(time.Duration(c.IntervalDays)*day), FromPolicy)
		}
	}
	if s.How == ByTable {
		c.Shown = VersionShown
		if s.KeyVersion == 0 {
			c.Shown = VersionHidden
		}
	}
	switch {
	case s.KeyVersion == 0:
		return nil
	case s.KeyVersion < c.KeyVersion:
		// A callback may come late; only the table says what holds now.
		if s.How == ByTable && c.BackTo != s.KeyVersion {
			c.BackAt, c.BackTo = s.At, s.KeyVersion
		}
		return nil
	case s.KeyVersion == c.KeyVersion, c.KeyVersion == 0, baseline:
		c.KeyVersion, c.SeenAt, c.BackAt, c.BackTo = s.KeyVersion, s.At, time.Time{}, 0
		return nil
	}
	before := *c
	c.Rotated = Rotation{At: s.At, How: s.How, Due: c.DueAt, OldSeenAt: c.SeenAt, Timeliness: c.judge(s)}
	c.KeyVersion, c.SeenAt, c.BackAt, c.BackTo, c.UpdatedAt = s.KeyVersion, s.At, time.Time{}, 0, s.At
	if s.Strategy != "" {
		c.Strategy = s.Strategy
	}
	if s.IntervalDays > 0 {
		c.IntervalDays = s.IntervalDays
	}
	next, origin := s.Next, FromTenant
	if s.RunID != "" {
		origin = FromRun
	}
	if !next.After(s.At) {
		next, origin = s.At.Add(time.Duration(c.IntervalDays)*day), FromPolicy
	}
	c.moveTo(s.At, next, origin)
	r := c.observed(before, s)
	return &r
}

// judge says whether a rotation met its date. What came with a run's answer or
// callback happened when it was seen; what was found in the table happened at
// some time since the table was last read.
func (c *Column) judge(s Sighting) Timeliness {
	switch {
	case !s.At.After(c.OverdueAt()):
		return OnTime
	case s.How != ByTable, !c.SeenAt.Before(c.OverdueAt()):
		return Late
	}
	return Unproven
}

var howText = map[How]string{
	ByTable: "seen in the table", ByAnswer: "seen in the tenant's answer to a run", ByCallback: "confirmed by a verified KMS callback",
}

// observed is the ROTATION_OBSERVED record.
func (c *Column) observed(before Column, s Sighting) audit.Record {
	r := c.Record(s.At, audit.RotationObserved, audit.Success)
	r.RunID = s.RunID
	if s.How == ByCallback {
		r.KMS = &audit.KMS{KeyVersion: s.KeyVersion, Status: "VERIFIED"}
	}
	r.Detail = fmt.Sprintf("Key version %d, up from %d, %s. It was due on %s",
		s.KeyVersion, before.KeyVersion, howText[s.How], before.DueAt.UTC().Format(time.DateOnly))
	switch c.Rotated.Timeliness {
	case OnTime:
		r.Detail += ": on time."
	case Late:
		r.Detail += fmt.Sprintf(" with %d days of grace: rotated late.", before.GraceDays)
	case Unproven:
		r.Detail += fmt.Sprintf("; the version before was last seen on %s, so it cannot be told whether it was on time.",
			before.SeenAt.UTC().Format(time.DateOnly))
	}
	return r
}

// Record starts an audit record about the column, by the console itself.
func (c *Column) Record(at time.Time, op audit.Operation, outcome audit.Outcome) audit.Record {
	r := audit.NewRecord(at, op, outcome, audit.Actor{Name: "rotation", Role: string(access.System)})
	r.Connection, r.DatastoreID, r.TableID, r.Columns = c.Connection, c.DatastoreID, c.TableID, []string{c.Column}
	return r
}

// Rule is what a policy decides for a column.
type Rule struct {
	Strategy     string
	IntervalDays int
	GraceDays    int
	// AutoRotate: this console rotates by itself: a MANUAL key when it is due,
	// an AUTOMATIC one when it is overdue.
	AutoRotate bool
}

// DefaultRule holds where no policy does.
var DefaultRule = Rule{Strategy: encryption.Automatic, IntervalDays: encryption.DefaultIntervalDays, GraceDays: 7}
