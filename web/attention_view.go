package web

import (
	"time"

	"github.com/a-h/templ"
)

// AttentionView lists what needed a person: open, acknowledged, resolved.
type AttentionView struct {
	Chrome
	Filter      AttentionFilter
	Totals      AttentionTotals
	Rows        []AttentionRow
	Pager       Pager
	Connections []Option
	Form        *AttentionForm // nil: this person may not acknowledge
}

// AttentionForm is the form that acknowledges findings, as typed.
type AttentionForm struct {
	Owner, Note string
	Error       string // what is wrong with it; empty: nothing yet
}

// AttentionFilter is the query of /attention, as typed: state, kind, connection, table_id, owner, from, to.
type AttentionFilter struct {
	State, Kind, Connection, TableID, Owner, From, To string
}

// Path is /attention with the filter as its query.
func (f AttentionFilter) Path() string {
	return listPath("/attention", "state", f.State, "kind", f.Kind, "connection", f.Connection, "table_id", f.TableID, "owner", f.Owner,
		"from", f.From, "to", f.To)
}

// Active reports whether anything is narrowed.
func (f AttentionFilter) Active() bool { return f != AttentionFilter{} }

// AttentionTotals are how many findings there are in each state, each with its list; an empty path: the reader may not
// open it.
type AttentionTotals struct {
	Open, Acknowledged, Resolved             int
	OpenHref, AcknowledgedHref, ResolvedHref string
}

// links are the numbers with their lists.
func (t AttentionTotals) links() []Link {
	number := func(n int, text string) string { return FormatNumber(int64(n)) + " " + text }
	return []Link{{number(t.Open, "open"), t.OpenHref}, {number(t.Acknowledged, "acknowledged"), t.AcknowledgedHref},
		{number(t.Resolved, "resolved"), t.ResolvedHref}}
}

// AttentionRow is one finding in the list.
type AttentionRow struct {
	ID, Kind, State                             string
	Connection, DatastoreID, TableID, TableName string
	Month                                       string // of a month's finding: "October 2026"
	Columns                                     []string
	Left                                        int // columns that nothing has settled yet
	RunID                                       string
	Detail                                      string
	OpenedAt                                    time.Time
	OpenedBy                                    string // the audit id of the record that says so; empty: the calendar

	Resolution  string
	ResolvedAt  time.Time
	ResolvedBy  string // the audit id of the record that says so
	ResolvedRun string

	Owner, Note, TakenBy string
	TakenAt              time.Time
	TakenRecord          string
}

// resolvedText says when and by what a finding was resolved.
func resolvedText(r AttentionRow) templ.Component {
	s := sentence{resolutions.label(r.Resolution).text, ", ", moment(r.ResolvedAt), ": "}
	if r.ResolvedRun != "" {
		s = append(s, link(RunPath(r.ResolvedRun), "run "+ShortID(r.ResolvedRun)), ", ")
	}
	return append(s, link(AuditRecordPath(r.ResolvedBy), "record"))
}

// takenText says who took a finding on, with the note.
func takenText(r AttentionRow) templ.Component {
	return sentence{"Acknowledged by " + r.TakenBy + ", ", moment(r.TakenAt), ", owner " + r.Owner + ": ", link(AuditRecordPath(r.TakenRecord), r.Note)}
}
