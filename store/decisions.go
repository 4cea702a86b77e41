package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
	"cxseal/internal/sensitivity"
	"cxseal/internal/trend"
)

// SensitivityOf returns the columns with these keys, in their order. One that is
// not there (any more) is fault.NotFound.
func (s *Store) SensitivityOf(ctx context.Context, keys []sensitivity.Key) ([]sensitivity.Column, error) {
	tables := map[sensitivity.Key]map[string]sensitivity.Column{}
	list := make([]sensitivity.Column, len(keys))
	for i, k := range keys {
		table := k
		table.Column = ""
		if tables[table] == nil {
			columns, err := collect(ctx, s, scanSensitivity, `SELECT `+sensitivityColumns+sensitivitySource+
				` WHERE c.gone_at IS NULL AND t.gone_at IS NULL AND c.connection = ? AND c.datastore_id = ? AND c.table_id = ?`,
				k.Connection, k.DatastoreID, k.TableID)
			if err != nil {
				return nil, fmt.Errorf("read the columns of %s by sensitivity: %w", k.TableID, err)
			}
			tables[table] = map[string]sensitivity.Column{}
			for _, c := range columns {
				tables[table][c.Column] = c
			}
		}
		var there bool
		if list[i], there = tables[table][k.Column]; !there {
			return nil, fault.New(fault.NotFound, "The table %s has no column %q any more. Nothing was changed.", k.TableID, k.Column)
		}
	}
	return list, nil
}

// CoverageOf sums the coverage of a scope as it is now.
func (s *Store) CoverageOf(ctx context.Context, scope sensitivity.Scope) (audit.CoverageFigures, error) {
	w := where{}
	w.and(`gone_at IS NULL`)
	w.equals(`connection`, scope.Connection)
	w.equals(`datastore_id`, scope.DatastoreID)
	w.equals(`table_id`, scope.TableID)
	var c trend.Counts
	err := s.queryRow(ctx, `SELECT coalesce(sum(total_columns), 0), coalesce(sum(encrypted_columns), 0), coalesce(sum(sensitive_columns), 0),
			coalesce(sum(sensitive_verified), 0), coalesce(sum(sensitive_unverified), 0), coalesce(sum(sensitive_refused), 0) FROM inventory_tables`+w.sql(), w.args...).Scan(countFields(&c)...)
	if err != nil {
		return audit.CoverageFigures{}, fmt.Errorf("sum the coverage of %s: %w", scope, err)
	}
	return figuresOf(c), nil
}

// Decide keeps a batch of decisions with its records, what waits for a second
// person, and the coverage that follows, in one transaction. A column that is not
// as its change says, or a request that was answered meanwhile, is fault.Conflict,
// and nothing is kept.
func (s *Store) Decide(ctx context.Context, b sensitivity.Batch) error {
	if len(b.Records) != len(b.Changes) {
		return errors.New("each decision has a record")
	}
	decided, err := canonical(b.Records)
	if err != nil {
		return err
	}
	var others []audit.Record
	if b.Settled != nil {
		others = append(others, b.Settled.Record)
	}
	for _, r := range b.Requests {
		others = append(others, r.Record)
	}
	raw, err := canonical(others)
	if err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		if b.Settled != nil {
			if err := t.settleRequest(b.Settled.Request); err != nil {
				return err
			}
		}
		if err := t.append(raw); err != nil {
			return err
		}
		for _, r := range b.Requests {
			if err := t.insertRequest(r); err != nil {
				return err
			}
		}
		if err := t.insertDecisions(b); err != nil {
			return err
		}
		if err := t.append(decided); err != nil {
			return err
		}
		return t.decide(b)
	})
}

// insertDecisions keeps the decisions whose records are appended next.
func (t *tx) insertDecisions(b sensitivity.Batch) error {
	if len(b.Changes) == 0 {
		return nil
	}
	seq, err := t.nextSeq()
	if err != nil {
		return err
	}
	for i, c := range b.Changes {
		_, err := t.exec(`INSERT INTO sensitivity_decisions (seq, at, connection, datastore_id, table_id, column_name, decided, was, state, proposed,
				reason, decided_by, approved_by)
			VALUES (`+placeholders(13)+`)`, seq+int64(i), micros(b.At), c.Connection, c.DatastoreID, c.TableID, c.Key.Column,
			string(c.To), string(c.State), string(c.Is()), string(c.Proposal.State), b.Reason, b.By, b.With)
		if err != nil {
			return fmt.Errorf("keep the decision about %q: %w", c.Key.Column, err)
		}
	}
	return nil
}

// decide changes the columns table by table, and counts each table again.
func (t *tx) decide(b sensitivity.Batch) error {
	var order []tableKey
	tables := map[tableKey][]sensitivity.Change{}
	for _, c := range b.Changes {
		k := tableKey{c.Connection, c.DatastoreID, c.TableID}
		if tables[k] == nil {
			order = append(order, k)
		}
		tables[k] = append(tables[k], c)
	}
	for _, k := range order {
		if err := t.decideTable(k, tables[k], b); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) decideTable(k tableKey, changes []sensitivity.Change, b sensitivity.Batch) error {
	before, err := t.countsOf(k)
	if err != nil {
		return err
	}
	for _, c := range changes {
		by, at, with, reason := b.By, micros(b.At), b.With, b.Reason
		if c.Decided() == "" {
			by, at, with, reason = "", nil, "", ""
		}
		n, err := t.exec(`UPDATE inventory_columns SET decided = ?4, decided_by = ?5, decided_at = ?6, decided_reason = ?7, approved_by = ?8, state = ?9
			WHERE name = ?10 AND gone_at IS NULL AND state = ?11 AND decided = ?12 AND proposed = ?13 AND protection = ?14 AND `+ofTable,
			k.args(string(c.Decided()), by, at, reason, with, string(c.Is()),
				c.Key.Column, string(c.State), string(c.Column.Decided), string(c.Proposal.State), string(c.Protection))...)
		if err != nil {
			return fmt.Errorf("decide about %q: %w", c.Key.Column, err)
		}
		if n == 0 {
			return fault.New(fault.Conflict, "The column %q of %s has changed meanwhile. Nothing was changed; look again.", c.Key.Column, c.TableName)
		}
	}
	why := sensitivity.Told(changes, b.By)
	return t.recountMembers(k, b.At, before, trend.Cause{Table: changes[0].TableName, Reasons: []string{why.Sentence}, Decided: trend.Moves{Out: why.Out, In: why.In}})
}

const requestColumns = `seq, id, connection, decision, reason, columns, effect, asked_by, asked_role, asked_ip, approval`

func scanRequest(row scanner) (r sensitivity.Request, err error) {
	return r, row.Scan(&r.Seq, &r.ID, &r.Connection, &r.State, &r.Reason, &r.Columns, &r.Effect, &r.Asked.Name, &r.Asked.Role, &r.Asked.IP, jsonText{&r.Approval})
}

func (t *tx) insertRequest(r sensitivity.NewRequest) error {
	_, err := t.exec(`INSERT INTO sensitivity_requests (id, connection, state, decision, reason, columns, effect, asked_by, asked_role, asked_ip, approval)
		VALUES (`+placeholders(11)+`)`, r.ID, r.Connection, string(r.Approval.State), string(r.State), r.Reason, len(r.Changes), r.Effect,
		r.Asked.Name, r.Asked.Role, r.Asked.IP, jsonText{r.Approval})
	if err != nil {
		return fmt.Errorf("keep a request for decisions: %w", err)
	}
	for i, c := range r.Changes {
		_, err := t.exec(`INSERT INTO sensitivity_request_columns (request_id, position, datastore_id, table_id, column_name, was, proposed)
			VALUES (`+placeholders(7)+`)`, r.ID, i, c.DatastoreID, c.TableID, c.Key.Column, string(c.State), string(c.Proposal.State))
		if err != nil {
			return fmt.Errorf("keep a column of a request: %w", err)
		}
	}
	return nil
}

// settleRequest keeps the answer to a request that still waits for one.
func (t *tx) settleRequest(r sensitivity.Request) error {
	n, err := t.exec(`UPDATE sensitivity_requests SET state = ?, approval = ? WHERE id = ? AND state = `+literals(access.Requested),
		string(r.Approval.State), jsonText{r.Approval}, r.ID)
	if err != nil {
		return fmt.Errorf("answer the request %s: %w", r.ID, err)
	}
	if n == 0 {
		return fault.New(fault.Conflict, "This request was answered meanwhile.")
	}
	return nil
}

// SensitivityRequest returns one request, or fault.NotFound.
func (s *Store) SensitivityRequest(ctx context.Context, id string) (sensitivity.Request, error) {
	r, err := scanRequest(s.queryRow(ctx, `SELECT `+requestColumns+` FROM sensitivity_requests WHERE id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return r, fault.New(fault.NotFound, "There is no such request.")
	}
	if err != nil {
		return r, fmt.Errorf("read a request for decisions: %w", err)
	}
	return r, nil
}

// OpenSensitivityRequests lists the requests of a connection (of all, when it is
// empty) that wait for an answer, oldest first.
func (s *Store) OpenSensitivityRequests(ctx context.Context, connection string) ([]sensitivity.Request, error) {
	w := where{}
	w.and(`state = ` + literals(access.Requested))
	w.equals(`connection`, connection)
	list, err := collect(ctx, s, scanRequest, `SELECT `+requestColumns+` FROM sensitivity_requests`+w.sql()+` ORDER BY seq`, w.args...)
	if err != nil {
		return nil, fmt.Errorf("list requests for decisions: %w", err)
	}
	return list, nil
}

// SensitivityRequestColumns lists a request's columns from a place on.
func (s *Store) SensitivityRequestColumns(ctx context.Context, id string, from, limit int) ([]sensitivity.RequestColumn, error) {
	list, err := collect(ctx, s, func(row scanner) (c sensitivity.RequestColumn, err error) {
		return c, row.Scan(&c.Connection, &c.DatastoreID, &c.TableID, &c.Column, &c.Was, &c.Proposed, &c.TableName)
	}, `SELECT r.connection, c.datastore_id, c.table_id, c.column_name, c.was, c.proposed, coalesce(t.name, c.table_id)
		FROM sensitivity_request_columns c JOIN sensitivity_requests r ON r.id = c.request_id
			LEFT JOIN inventory_tables t ON t.connection = r.connection AND t.datastore_id = c.datastore_id AND t.table_id = c.table_id
		WHERE c.request_id = ? AND c.position >= ? ORDER BY c.position LIMIT ?`, id, from, pageSize(limit))
	if err != nil {
		return nil, fmt.Errorf("list the columns of a request: %w", err)
	}
	return list, nil
}

var decisionLines = numbered[sensitivity.Decision]{"decisions", `SELECT d.seq, d.at, d.connection, d.datastore_id, d.table_id, d.column_name, coalesce(t.name, d.table_id),
		coalesce(r.audit_id, ''), d.decided, d.was, d.state, d.proposed, d.reason, d.decided_by, d.approved_by
	FROM sensitivity_decisions d LEFT JOIN audit_records r ON r.seq = d.seq
		LEFT JOIN inventory_tables t ON t.connection = d.connection AND t.datastore_id = d.datastore_id AND t.table_id = d.table_id`, `d.seq`,
	func(row scanner) (d sensitivity.Decision, err error) {
		return d, row.Scan(&d.Seq, stamp{&d.At}, &d.Connection, &d.DatastoreID, &d.TableID, &d.Column, &d.TableName, &d.AuditID,
			&d.Decided, &d.Was, &d.Is, &d.Proposed, &d.Reason, &d.By, &d.Approver)
	}}

func decisionFilter(f sensitivity.DecisionFilter) where {
	w := where{}
	w.equals(`d.connection`, f.Connection)
	w.equals(`d.datastore_id`, f.DatastoreID)
	w.equals(`d.table_id`, f.TableID)
	w.equals(`d.column_name`, f.Column)
	w.equals(`d.decided`, string(f.Decided))
	w.equals(`d.decided_by`, f.By)
	if f.TakenOut != nil && *f.TakenOut {
		w.and(`d.was = ` + literals(sensitivity.Sensitive) + ` AND d.state <> ` + literals(sensitivity.Sensitive))
	} else if f.TakenOut != nil {
		w.and(`NOT (d.was = ` + literals(sensitivity.Sensitive) + ` AND d.state <> ` + literals(sensitivity.Sensitive) + `)`)
	}
	if !f.From.IsZero() {
		w.and(`d.at >= ?`, micros(f.From))
	}
	if !f.To.IsZero() {
		w.and(`d.at < ?`, micros(f.To))
	}
	return w
}

// Decisions lists decisions about what is sensitive, newest first: those before
// the given record's number (0: from the newest), limit at most.
func (s *Store) Decisions(ctx context.Context, f sensitivity.DecisionFilter, before int64, limit int) ([]sensitivity.Decision, error) {
	return decisionLines.before(ctx, s, decisionFilter(f), before, limit)
}

// DecisionsAfter is the page on the other side of Decisions.
func (s *Store) DecisionsAfter(ctx context.Context, f sensitivity.DecisionFilter, after int64, limit int) ([]sensitivity.Decision, error) {
	return decisionLines.after(ctx, s, decisionFilter(f), after, limit)
}

// DeclaredNotSensitive counts the decisions since a time that declared a column
// not sensitive that counted as sensitive.
func (s *Store) DeclaredNotSensitive(ctx context.Context, since time.Time) (int, error) {
	var n int
	err := s.queryRow(ctx, `SELECT count(*) FROM sensitivity_decisions WHERE decided = `+literals(sensitivity.NotSensitive)+
		` AND was = `+literals(sensitivity.Sensitive)+` AND at >= ?`, micros(since)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count what was declared not sensitive: %w", err)
	}
	return n, nil
}
