package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"cxseal/internal/audit"
	"cxseal/internal/sensitivity"
	"cxseal/internal/trend"
)

var _ sensitivity.Store = (*Store)(nil)

func scanSensitivity(row scanner) (c sensitivity.Column, err error) {
	err = row.Scan(&c.Connection, &c.DatastoreID, &c.TableID, &c.Column, &c.TableName, &c.Type, &c.Encrypted, &c.Protection, &c.State,
		&c.Proposal.State, &c.Proposal.Category, &c.Proposal.Confidence, &c.Proposal.Reason, &c.Decided, &c.DecidedBy, stamp{&c.DecidedAt},
		&c.DecidedReason, &c.ApprovedBy)
	return c, err
}

// sensitivityColumns are what scanSensitivity reads of sensitivitySource.
const sensitivityColumns = `c.connection, c.datastore_id, c.table_id, c.name, t.name, c.type, c.encrypted, c.protection, c.state,
	c.proposed, c.category, c.confidence, c.reason, c.decided, c.decided_by, c.decided_at, c.decided_reason, c.approved_by`

func sensitivityFilter(f sensitivity.Filter) where {
	w := where{}
	w.and(`c.gone_at IS NULL`)
	w.equals(`c.state`, string(f.State))
	w.equals(`c.connection`, f.Connection)
	w.equals(`c.datastore_id`, f.DatastoreID)
	w.equals(`c.table_id`, f.TableID)
	w.equals(`c.category`, string(f.Category))
	if f.Query != "" {
		w.and(`instr(lower(c.name), lower(?)) > 0`, f.Query)
	}
	if f.Decided != nil {
		w.and(`(c.decided <> '') = ?`, *f.Decided)
	}
	if f.Encrypted != nil {
		w.and(`c.encrypted = ?`, *f.Encrypted)
	}
	w.equals(`c.protection`, string(f.Protection))
	return w
}

const sensitivitySource = ` FROM inventory_columns c JOIN inventory_tables t
	ON t.connection = c.connection AND t.datastore_id = c.datastore_id AND t.table_id = c.table_id`

// SensitivityColumns lists columns with what is proposed and was decided, in
// the order of their keys: those after the given one, limit at most.
func (s *Store) SensitivityColumns(ctx context.Context, f sensitivity.Filter, after *sensitivity.Key, limit int) ([]sensitivity.Column, error) {
	w := sensitivityFilter(f)
	w.and(`t.gone_at IS NULL`)
	if after != nil {
		w.and(`(c.connection, c.datastore_id, c.table_id, c.name) > (?, ?, ?, ?)`, after.Connection, after.DatastoreID, after.TableID, after.Column)
	}
	list, err := collect(ctx, s, scanSensitivity, `SELECT `+sensitivityColumns+sensitivitySource+w.sql()+
		` ORDER BY c.connection, c.datastore_id, c.table_id, c.name LIMIT ?`, append(w.args, pageSize(limit))...)
	if err != nil {
		return nil, fmt.Errorf("list columns by sensitivity: %w", err)
	}
	return list, nil
}

// mostCounted is where SensitivityCount stops: a page needs no more.
const mostCounted = 10_001

// SensitivityCount counts the columns that match, mostCounted at most.
func (s *Store) SensitivityCount(ctx context.Context, f sensitivity.Filter) (int, error) {
	w := sensitivityFilter(f)
	// Few tables are gone, if any: the database gathers them once, and looks
	// up no other.
	w.and(`(c.connection, c.datastore_id, c.table_id) NOT IN (SELECT connection, datastore_id, table_id FROM inventory_tables WHERE gone_at IS NOT NULL)`)
	var n int
	if err := s.queryRow(ctx, `SELECT count(*) FROM (SELECT 1 FROM inventory_columns c`+w.sql()+` LIMIT ?)`, append(w.args, mostCounted)...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count columns by sensitivity: %w", err)
	}
	return n, nil
}

// ApplyRules proposes for every known column anew when the rules have changed
// since it was last done, with a record of what that did to the coverage, and says
// whether they had. People's decisions stay.
func (s *Store) ApplyRules(ctx context.Context) (changed bool, err error) {
	var version string
	err = s.queryRow(ctx, `SELECT version FROM sensitivity_rules WHERE id = 1`).Scan(&version)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, fmt.Errorf("read the version of the rules: %w", err)
	}
	if version == s.rules.Version() {
		return false, nil
	}
	before, err := s.CoverageOf(ctx, sensitivity.Scope{})
	if err != nil {
		return false, err
	}
	tables, err := collect(ctx, s, func(row scanner) (k namedTable, err error) {
		return k, row.Scan(&k.connection, &k.datastore, &k.table, &k.name)
	}, `SELECT connection, datastore_id, table_id, name FROM inventory_tables WHERE gone_at IS NULL`)
	if err != nil {
		return false, fmt.Errorf("list tables to propose for: %w", err)
	}
	for chunk := range slices.Chunk(tables, tablesAtOnce) {
		err := s.write(ctx, func(t *tx) error {
			for _, k := range chunk {
				if err := t.applyRules(k); err != nil {
					return fmt.Errorf("propose for the columns of %s: %w", k.table, err)
				}
			}
			return nil
		})
		if err != nil {
			return false, err
		}
	}
	after, err := s.CoverageOf(ctx, sensitivity.Scope{})
	if err != nil {
		return false, err
	}
	var raw [][]byte
	if len(tables) > 0 && version != "" {
		if raw, err = canonical([]audit.Record{sensitivity.RulesRecord(s.now(), s.rules.Version(), before, after)}); err != nil {
			return false, err
		}
	}
	return len(tables) > 0, s.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO sensitivity_rules (id, version) VALUES (1, ?)
			ON CONFLICT (id) DO UPDATE SET version = excluded.version`, s.rules.Version())
		if err != nil {
			return fmt.Errorf("keep the version of the rules: %w", err)
		}
		return t.append(raw)
	})
}

// tablesAtOnce bounds a transaction of ApplyRules: other writers wait for it.
const tablesAtOnce = 100

type namedTable struct {
	tableKey
	name string
}

// applyRules proposes anew for the columns that a table has, and counts it
// again. Columns that are gone keep what was last proposed.
func (t *tx) applyRules(k namedTable) error {
	before, err := t.countsOf(k.tableKey)
	if err != nil {
		return err
	}
	columns, err := collectFrom(t, func(row scanner) (c sensitivity.Column, err error) {
		return c, row.Scan(&c.Column, &c.Type, &c.Decided, &c.State, &c.Proposal.State, &c.Proposal.Category, &c.Proposal.Confidence, &c.Proposal.Reason)
	}, `SELECT name, type, decided, state, proposed, category, confidence, reason FROM inventory_columns
		WHERE gone_at IS NULL AND `+ofTable+` ORDER BY position`, k.args()...)
	if err != nil {
		return err
	}
	known := slices.Clone(columns)
	t.s.rules.Apply(k.name, columns)
	for i, c := range columns {
		if c == known[i] {
			continue
		}
		p := c.Proposal
		if _, err := t.exec(`UPDATE inventory_columns SET proposed = ?4, category = ?5, confidence = ?6, reason = ?7, state = ?8
			WHERE name = ?9 AND gone_at IS NULL AND `+ofTable,
			k.args(string(p.State), string(p.Category), p.Confidence, p.Reason, string(c.State), c.Column)...); err != nil {
			return err
		}
	}
	return t.recountMembers(k.tableKey, t.s.now(), before, trend.Cause{Table: k.name, Reasons: []string{trend.RulesChanged}})
}
