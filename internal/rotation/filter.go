package rotation

import "time"

// Filter narrows the ledger; the zero value is every column that is encrypted
// now.
type Filter struct {
	Connection, DatastoreID, TableID string

	Status Status
	Now    time.Time // for Status
	Leads  Leads     // for Status

	From, Until time.Time // by due date; From inclusive, Until exclusive
}
