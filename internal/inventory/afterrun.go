package inventory

import (
	"time"

	"cxseal/internal/encryption"
)

// AfterRun is a table as a run that ended left it: its columns as the tenant
// showed them after the change, read when the change was made. ok is false for a
// run that has not ended, or to which the tenant showed nothing.
func AfterRun(r *encryption.Run) (table Table, columns []Column, ok bool) {
	if !r.State.Ended() || r.After == nil {
		return Table{}, nil, false
	}
	table = Table{Connection: r.Connection, DatastoreID: r.DatastoreID, TableID: r.TableID, Name: r.NameOfTable(), ReadAt: r.PatchedAt}
	if r.Plan != nil {
		table.MaxFields = r.Plan.MaxFields
	}
	columns = make([]Column, len(r.After))
	for i, c := range r.After {
		columns[i] = Column{Name: c.Name, Type: c.Type, Encrypted: c.Encrypted, KeyVersion: c.KeyVersion, KeyID: c.KeyID}
	}
	return table, columns, true
}

// Replaces reports whether the reading of a table takes the place of the one
// that is known, made at knownAt (zero: there is none). A run may end long
// after its change, and the table may have been read since.
func (t Table) Replaces(knownAt time.Time) bool { return !knownAt.After(t.ReadAt) }
