package encryption

// Plan is what would be done to a table and what stands in the way. It is a
// pure function of the table, its indexes and the wish.
type Plan struct {
	Columns     []ColumnState `json:"columns"`   // every column of the table, in the tenant's order
	Targets     []ColumnState `json:"targets"`   // the columns asked for that the table has
	Blockers    []Blocker     `json:"blockers"`  // all of them, not the first
	MaxFields   int           `json:"maxFields"` // the table's limit of encrypted columns
	Before      Coverage      `json:"before"`
	After       Coverage      `json:"after"`       // if the run succeeds
	Masked      []string      `json:"masked"`      // ordinary indexes that will be masked
	Fingerprint string        `json:"fingerprint"` // what the admin approved, hex SHA-256
}

// Coverage counts a table's encrypted columns.
type Coverage struct {
	Encrypted int     `json:"encrypted"`
	Total     int     `json:"total"`
	Rate      float64 `json:"rate"` // Encrypted/Total × 100, two decimals; 0 for an empty table
}

// Blocker is one reason why a run cannot start. Column is empty when the whole
// table is meant.
type Blocker struct {
	Column  string `json:"column,omitempty"`
	Code    string `json:"code"` // unknown_column, duplicate, already_encrypted, not_encrypted, over_limit, unsupported_type, index, read_only_index, busy
	Message string `json:"message"`
	Index   string `json:"index,omitempty"` // the index that stands in the way
}
