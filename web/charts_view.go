package web

// ChartsView is how coverage and latency went from day to day.
type ChartsView struct {
	Chrome
	Filter      ChartsFilter
	Connections []Option
	Coverage    ChartView
	Latency     []ChartView // one a stage
	Drops       []DropRow   // newest first
	Counted     []CountedRow
}

// ChartsFilter is the query of /charts, as typed: from, to, connection,
// datastore_id, table_id.
type ChartsFilter struct {
	From, To, Connection, DatastoreID, TableID string
}

// Path is a path with the filter as its query: /charts or a download.
func (f ChartsFilter) Path(path string) string {
	return listPath(path, "from", f.From, "to", f.To, "connection", f.Connection, "datastore_id", f.DatastoreID, "table_id", f.TableID)
}

// Active reports whether anything is narrowed.
func (f ChartsFilter) Active() bool { return f != ChartsFilter{} }

// DropRow is one fall of a coverage.
type DropRow struct {
	Day       string // 2026-01-31
	TableName string
	TableHref string
	Kind      string // drop: protection was lost; counted: other columns are counted
	Reason    string
}

// CountedRow is a day on which the number of sensitive columns changed.
type CountedRow struct {
	Day  string
	Text string
	Net  int    // by how much
	Href string // the decisions of the day; empty where there was none
}

// fallKinds are why a coverage fell.
var fallKinds = vocabulary{
	{"drop", label{"Protection lost", ToneDanger, "alert"}},
	{"counted", label{"What counts changed", ToneInfo, "table"}},
}

func fallLabel(kind string) label { return fallKinds.label(kind) }
