package web

// TrendsView is how coverage and latency went from day to day.
type TrendsView struct {
	Chrome
	Filter      TrendsFilter
	Connections []Option
	Coverage    ChartView
	Latency     []ChartView // one a stage
	Drops       []DropRow   // newest first
}

// TrendsFilter is the query of /charts, as typed: from, to, connection,
// datastore_id, table_id.
type TrendsFilter struct {
	From, To, Connection, DatastoreID, TableID string
}

// Path is a path with the filter as its query: /charts or a download.
func (f TrendsFilter) Path(path string) string {
	return listPath(path, "from", f.From, "to", f.To, "connection", f.Connection, "datastore_id", f.DatastoreID, "table_id", f.TableID)
}

// Active reports whether anything is narrowed.
func (f TrendsFilter) Active() bool { return f != TrendsFilter{} }

// DropRow is one fall of a coverage.
type DropRow struct {
	Day       string // 2026-01-31
	TableName string
	TableHref string
	Reason    string
}
