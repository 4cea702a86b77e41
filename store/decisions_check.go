package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"cxseal/internal/audit"
	"cxseal/internal/sensitivity"
)

// checkDecisions compares the list of decisions about what is sensitive with the records that it comes from: what
// stands beside a record in it, what is in no record, and what is missing.
func (s *Store) checkDecisions(ctx context.Context, add func(audit.Problem)) error {
	type row struct {
		seq                                            int64
		connection, datastore, table, column           string
		decided, was, is, proposed, reason, by, second string
		raw                                            string
	}
	long := reading{ctx, s.long}
	for after := int64(0); ; {
		list, err := collectFrom(long, func(sc scanner) (r row, err error) {
			return r, sc.Scan(&r.seq, &r.connection, &r.datastore, &r.table, &r.column, &r.decided, &r.was, &r.is, &r.proposed, &r.reason, &r.by, &r.second, &r.raw)
		}, `SELECT d.seq, d.connection, d.datastore_id, d.table_id, d.column_name, d.decided, d.was, d.state, d.proposed, d.reason, d.decided_by, d.approved_by,
				coalesce(CAST(r.record AS TEXT), '')
			FROM sensitivity_decisions d LEFT JOIN audit_records r ON r.seq = d.seq WHERE d.seq > ? ORDER BY d.seq LIMIT 1000`, after)
		if err != nil {
			return fmt.Errorf("read the decisions with their records: %w", err)
		}
		for _, r := range list {
			after = r.seq
			var rec audit.Record
			if json.Unmarshal([]byte(r.raw), &rec) != nil || rec.Operation != audit.SensitivityDecided || rec.Decision == nil || len(rec.Columns) != 1 {
				add(changed(r.seq, r.seq, "The list of decisions has one about %q under the number %d, which is no record of a decision", brief(r.column), r.seq))
				continue
			}
			told := row{r.seq, rec.Connection, rec.DatastoreID, rec.TableID, rec.Columns[0], rec.Decision.Decided, rec.Decision.Was, rec.Decision.Is,
				rec.Decision.Proposed, rec.Decision.Reason, rec.Actor.Name, rec.Decision.ApprovedBy, r.raw}
			for _, id := range []*string{&r.connection, &r.datastore, &r.table, &r.column} { // as a record has them
				*id = strings.ToValidUTF8(strings.ReplaceAll(*id, "\x00", "\uFFFD"), "\uFFFD")
			}
			if r != told {
				add(changed(r.seq, r.seq, "The decision beside record %d was changed: the list does not say of %q what the record says", r.seq, brief(r.column)))
			}
		}
		if len(list) < chunkRows {
			break
		}
	}
	missing, err := collectFrom(long, func(sc scanner) (seq int64, err error) { return seq, sc.Scan(&seq) },
		`SELECT seq FROM audit_records WHERE operation = ? AND outcome = ? AND seq NOT IN (SELECT seq FROM sensitivity_decisions) ORDER BY seq LIMIT 1000`,
		string(audit.SensitivityDecided), string(audit.Success))
	if err != nil {
		return fmt.Errorf("look for decisions that no list has: %w", err)
	}
	for _, seq := range missing {
		add(changed(seq, seq, "The list of decisions has lost the one of record %d", seq))
	}
	return s.checkDecided(ctx, add)
}

// checkDecided compares what a person has decided about each column with the newest decision about it.
func (s *Store) checkDecided(ctx context.Context, add func(audit.Problem)) error {
	type column struct{ table, name, decided, newest string }
	list, err := collectFrom(reading{ctx, s.long}, func(sc scanner) (c column, err error) {
		return c, sc.Scan(&c.table, &c.name, &c.decided, &c.newest)
	}, `SELECT table_id, name, decided, newest FROM (
			SELECT c.table_id, c.name, c.decided, coalesce((SELECT CASE d.decided WHEN ? THEN '' ELSE d.decided END FROM sensitivity_decisions d
				WHERE d.connection = c.connection AND d.datastore_id = c.datastore_id AND d.table_id = c.table_id AND d.column_name = c.name
				ORDER BY d.seq DESC LIMIT 1), '') AS newest
			FROM inventory_columns c)
		WHERE decided <> newest LIMIT 1000`, string(sensitivity.Undecided))
	if err != nil {
		return fmt.Errorf("compare columns with the decisions about them: %w", err)
	}
	for _, c := range list {
		add(changed(0, 0, "The column %q of %s counts by the decision %q, and the newest decision on record is %q", brief(c.name), brief(c.table), c.decided, c.newest))
	}
	return nil
}
