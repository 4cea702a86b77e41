package inventory

import (
	"slices"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/protection"
)

// AfterRun is a table as a run that ended left it: its columns as the tenant
// showed them after the change, read at ShownAt. ok is false for a
// run that has not ended, or to which the tenant showed nothing.
func AfterRun(r *encryption.Run) (table Table, columns []Column, ok bool) {
	if !r.State.Ended() || r.After == nil {
		return Table{}, nil, false
	}
	table = Table{Connection: r.Connection, DatastoreID: r.DatastoreID, TableID: r.TableID, Name: r.NameOfTable(), ReadAt: r.ShownAt}
	if r.Plan != nil {
		table.MaxFields = r.Plan.MaxFields
	}
	columns = make([]Column, len(r.After))
	for i, c := range r.After {
		columns[i] = Column{Name: c.Name, Type: c.Type, Encrypted: c.Encrypted, KeyVersion: c.KeyVersion, KeyID: c.KeyID}
	}
	return table, columns, true
}

// DriftAfterRun returns the columns of a table as a run that ended left it, and
// records of what changed of them that no run explains: a run is shown the whole
// table, and may be the first to see what somebody else did. before has the columns
// as they were known, none where the table was not read before; readError is why
// the last reading failed, and ours has the columns that runs were sent for, this
// one too. What another run is at work on, or was a moment ago, stays as it was
// known.
func DriftAfterRun(r *encryption.Run, table Table, readError string, before, columns []Column, ours map[string]encryption.Sent) ([]Column, []audit.Record) {
	if len(before) == 0 {
		return columns, nil
	}
	columns = slices.Clone(columns)
	changes := slices.DeleteFunc(Compare(before, columns, ours), func(c Change) bool {
		if ours[c.Column].RunID == r.ID || !unsettled(c, ours, r.FinishedAt) {
			return false
		}
		named := func(of Column) bool { return of.Name == c.Column }
		columns[slices.IndexFunc(columns, named)] = before[slices.IndexFunc(before, named)]
		return true
	})
	return columns, recordsOf(r.FinishedAt, table, readError, changes)
}

// Replaces reports whether the reading of a table takes the place of the one
// that is known, made at knownAt (zero: there is none). A run may end long
// after its change, and the table may have been read since.
func (t Table) Replaces(knownAt time.Time) bool { return !knownAt.After(t.ReadAt) }

// VerdictOf is what the KMS said of the change of a run: a yes where the run is
// verified, a no where it is rejected. ok is false for a run without a verdict.
func VerdictOf(r *encryption.Run) (v protection.Verdict, ok bool) {
	v = protection.Verdict{RunID: r.ID, At: r.FinishedAt, ChangedAt: r.ShownAt}
	if v.ChangedAt.IsZero() { // nobody saw the change: the verdict is all there is
		v.ChangedAt = v.At
	}
	switch r.State {
	case encryption.Verified:
		v.Answer, v.KeyVersion, v.KeyID = protection.Yes, r.ProvenKeyVersion(), r.KeyID
	case encryption.Rejected:
		v.Answer = protection.No
	default:
		return protection.Verdict{}, false
	}
	return v, true
}
