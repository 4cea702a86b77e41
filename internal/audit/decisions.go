package audit

import (
	"context"
	"html/template"
)

// maxOutBytes and maxOtherBytes bound the summary's rows of decisions, beside those of tables (maxCoverageBytes): of
// those that took a column out of what counts, and of the others.
const maxOutBytes, maxOtherBytes = 384 << 10, 128 << 10

// decisions are the decisions of a pack's period about what counts as sensitive, whatever else the pack is filtered by:
// how many they are, and as many of them as the summary has room for. Those that took a column out of what counts come
// first.
type decisions struct {
	Sensitive, NotSensitive, TakenBack int // by what was decided
	Out, In                            int // columns that no longer count since, and that count since

	out, others          []decisionRow
	outBytes, otherBytes int // of all of them, those without room too
}

// decisionRow is a decision as the summary shows it.
type decisionRow struct {
	Seq                                      int64
	At, Connection, DatastoreID, TableID, By string
	Column, Decided, Was, Is, Proposed       string
	Reason, ApprovedBy                       string
}

func (d *decisions) add(e *Entry) {
	r := &e.Record
	if r.Decision == nil || len(r.Columns) == 0 {
		return
	}
	switch r.Decision.Decided {
	case "sensitive":
		d.Sensitive++
	case "not_sensitive":
		d.NotSensitive++
	default:
		d.TakenBack++
	}
	row := decisionRow{e.Seq, r.Timestamp, r.Connection, r.DatastoreID, r.TableID, r.Actor.Name,
		r.Columns[0], r.Decision.Decided, r.Decision.Was, r.Decision.Is, r.Decision.Proposed, r.Decision.Reason, r.Decision.ApprovedBy}
	const markup = 260 // of a row
	size := markup + len(template.HTMLEscapeString(row.Connection+row.DatastoreID+row.TableID+row.By+row.Column+row.Reason+row.ApprovedBy))
	switch {
	case row.Was == "sensitive" && row.Is != "sensitive":
		d.Out++
		if d.outBytes += size; d.outBytes <= maxOutBytes {
			d.out = append(d.out, row)
		}
		return
	case row.Was != "sensitive" && row.Is == "sensitive":
		d.In++
	}
	if d.otherBytes += size; d.otherBytes <= maxOtherBytes {
		d.others = append(d.others, row)
	}
}

// All returns how many decisions the period has.
func (d *decisions) All() int { return d.Sensitive + d.NotSensitive + d.TakenBack }

// Rows returns those that the summary has room for.
func (d *decisions) Rows() []decisionRow { return append(d.out, d.others...) }

// More returns how many did not fit.
func (d *decisions) More() int { return d.All() - len(d.out) - len(d.others) }

// decisionsOf reads the decisions of the query's period about the tables that it leaves in, among the log's first size
// records.
func (l *Log) decisionsOf(ctx context.Context, query *Query, size int64) (*decisions, error) {
	d := &decisions{}
	f := Filter{Operation: string(SensitivityDecided), Outcome: string(Success), From: query.From, To: query.To}
	for e, err := range l.entries(ctx, f, size) {
		if err != nil {
			return nil, err
		}
		if query.concerns(TableCoverage{Connection: e.Record.Connection, DatastoreID: e.Record.DatastoreID, TableID: e.Record.TableID}) {
			d.add(&e)
		}
	}
	return d, nil
}
