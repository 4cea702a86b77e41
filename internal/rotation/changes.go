package rotation

import (
	"maps"
	"slices"
	"time"

	"cxseal/internal/alarm"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
)

// Changes are what a fact makes of a table's columns in the ledger, for the
// store to keep in the transaction of the fact.
type Changes struct {
	Moved   []Column // to be saved whole
	Seen    []Column // of which nothing but SeenAt changed
	Records []audit.Record
}

// see takes a sighting into a column and keeps what follows from it.
func (ch *Changes) see(c *Column, s Sighting, baseline bool) {
	if record := c.See(s, baseline); record != nil {
		ch.Records = append(ch.Records, *record)
	}
}

// AfterRun is what a run's step shows of the ledger's columns: the date that
// was asked for, and key versions where the tenant or the KMS reported them. known
// are the table's columns in the ledger, by name.
func AfterRun(tr *encryption.Transition, known map[string]Column, policies Policies) Changes {
	var changes Changes
	r := &tr.Run
	shown := make(map[string]int64, len(r.After))
	for _, c := range r.After {
		shown[c.Name] = c.KeyVersion
	}
	for _, d := range tr.Rotations {
		s := Sighting{At: d.UpdatedAt, How: ByAnswer, KeyVersion: shown[d.Column], RunID: d.RunID,
			Strategy: d.Strategy, IntervalDays: d.IntervalDays, Next: d.DueAt}
		if d.KeyVersion > 0 {
			s.KeyVersion = d.KeyVersion
			if tr.Verification == nil || !tr.Verification.Inline {
				s.How = ByCallback
			}
		}
		c, ok := known[d.Column]
		if !ok {
			key := Key{Connection: d.Connection, DatastoreID: d.DatastoreID, TableID: d.TableID, Column: d.Column}
			c = New(key, s, policies.For(d.Connection, d.DatastoreID, "").Rule)
		}
		// A confirmation that comes after the run had ended confirms a key
		// version; it does not bring an old date back. A run that had failed
		// has asked for none yet, so its date is the first unless a later run's is there.
		if !tr.From.Ended() || tr.From == encryption.Failed && c.RunID == "" {
			c.Ask(s, r.Operation)
		}
		changes.see(&c, s, r.Operation == audit.ColumnEncryption)
		changes.Moved = append(changes.Moved, c)
	}
	return changes
}

// Reading is a column of a table that was read: whether it is encrypted, and
// what the tenant shows of its key. Zero values: not shown.
type Reading struct {
	Column       string
	Encrypted    bool
	KeyVersion   int64
	Strategy     string
	IntervalDays int
	Next         time.Time
}

// AnyNew reports whether a column was read as encrypted that is not in the
// ledger yet: AfterReading needs the policies then, and not otherwise.
func AnyNew(read []Reading, known map[string]Column) bool {
	return slices.ContainsFunc(read, func(r Reading) bool {
		_, ok := known[r.Column]
		return r.Encrypted && !ok
	})
}

// AfterReading is what a reading of a whole table makes of its columns in the
// ledger. table is the key of any of its columns, known are those of the
// ledger by name. A column that is no longer encrypted, or no longer there, is
// gone and waits for no rotation.
func AfterReading(table Key, at time.Time, read []Reading, known map[string]Column, policies Policies) Changes {
	var changes Changes
	there := map[string]bool{}
	for _, r := range read {
		if !r.Encrypted {
			continue
		}
		there[r.Column] = true
		s := Sighting{At: at, How: ByTable, KeyVersion: r.KeyVersion, Strategy: r.Strategy,
			IntervalDays: r.IntervalDays, Next: r.Next}
		c, ok := known[r.Column]
		if !ok {
			table.Column = r.Column
			c = New(table, s, policies.For(table.Connection, table.DatastoreID, "").Rule)
		}
		before := c
		changes.see(&c, s, false)
		if ok && onlyLookedAt(before, c) {
			changes.Seen = append(changes.Seen, c)
			continue
		}
		changes.Moved = append(changes.Moved, c)
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		c := known[name]
		if there[name] || !c.GoneAt.IsZero() {
			continue
		}
		c.GoneAt, c.NextAt, c.WantsRun = at, time.Time{}, ""
		changes.Moved = append(changes.Moved, c)
	}
	return changes
}

// onlyLookedAt reports whether nothing but the time of the sighting changed.
func onlyLookedAt(before, after Column) bool {
	before.SeenAt = after.SeenAt
	return before == after
}

// Stepped is what a scan makes of the columns whose next transition has come.
type Stepped struct {
	Columns []Column // each as it stands now, in the order they were given
	Alarms  []alarm.Alarm
	Records []audit.Record
}

// StepAll steps columns that are due. Those of one run scope that this console
// is to rotate wait for one run together. categories are the columns'
// sensitivity categories, needed only where a policy asks for one.
func StepAll(now time.Time, o ScanOptions, due []Column, policies Policies, categories map[Key]string) Stepped {
	s := Stepped{Columns: make([]Column, 0, len(due))}
	var notices []Notice
	runs := map[RunScope]string{}
	for _, c := range due {
		rule := o.Rule(policies, c, categories[c.Key])
		notice, record := c.Step(now, o.Leads, rule)
		if notice != nil {
			notices = append(notices, *notice)
			if notice.OursToRotate(rule) {
				scope := c.RunScope()
				if runs[scope] == "" {
					runs[scope] = audit.NewID(now)
				}
				c.WantsRun = runs[scope]
			}
		}
		if record != nil {
			s.Records = append(s.Records, *record)
		}
		s.Columns = append(s.Columns, c)
	}
	s.Alarms = Alarms(notices, now)
	return s
}
