package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"

	"cxseal/internal/audit"
)

const (
	// facetDepth bounds how many records are counted under a filter. Each may
	// lie on a page of its own.
	facetDepth = 1000
	// facetValues bounds how many values of a column are listed.
	facetValues = 50
)

// facetFields are the columns that records are divided by.
var facetFields = [4]string{"operation", "outcome", "actor", "connection"}

// AuditFacets divides all records, or under a filter the newest 1,000 that
// match, by operation, outcome, actor and connection.
func (s *Store) AuditFacets(ctx context.Context, f audit.Filter) (audit.Facets, error) {
	q, err := s.auditQuery(ctx, f)
	if err != nil {
		return audit.Facets{}, err
	}
	if q.everything() {
		return s.allFacets(ctx)
	}
	count := facetCount{}
	for i := range count.of {
		count.of[i] = make(map[string]*int64)
	}
	text, args := q.rows(`r.seq, r.operation, r.outcome, r.actor, r.connection`, `DESC`, facetDepth+1)
	search, done := s.startSearch(ctx, &q)
	defer done()
	seen, err := s.engine.emit(search.ctx, search.pool, &count, strings.Join(facetFields[:], ", "), text, args...)
	if err != nil {
		return audit.Facets{}, fmt.Errorf("count facets: %w", searchError(ctx, search, err))
	}
	return audit.Facets{
		Operations: facet(count.of[0]), Outcomes: facet(count.of[1]), Actors: facet(count.of[2]), Connections: facet(count.of[3]),
		Of: count.rows, All: seen <= facetDepth,
	}, nil
}

// allFacets reads what the writer has counted.
func (s *Store) allFacets(ctx context.Context) (all audit.Facets, err error) {
	if err := s.derivedIfPossible(ctx); err != nil {
		return audit.Facets{}, err
	}
	for i, to := range []*[]audit.FacetCount{&all.Operations, &all.Outcomes, &all.Actors, &all.Connections} {
		*to, err = collect(ctx, s, func(row scanner) (c audit.FacetCount, err error) {
			return c, row.Scan(&c.Value, &c.Count)
		}, `SELECT value, records FROM audit_values WHERE field = ? ORDER BY records DESC LIMIT ?`, facetFields[i], facetValues)
		if err != nil {
			return audit.Facets{}, fmt.Errorf("read facets: %w", err)
		}
	}
	all.Of, err = s.TreeSize(ctx)
	all.All = true
	return all, err
}

// countValues adds the records after a seq to the counts of values.
func (t *tx) countValues(after int64) error {
	for _, field := range facetFields {
		_, err := t.exec(`INSERT INTO audit_values (field, value, records)
			SELECT '`+field+`', `+field+`, count(*) FROM audit_records WHERE seq > ? AND `+field+` <> '' GROUP BY +`+field+`
			ON CONFLICT (field, value) DO UPDATE SET records = records + excluded.records`, after)
		if err != nil {
			return fmt.Errorf("count the values of audit records: %w", err)
		}
	}
	return nil
}

// facetCount counts the values of a few columns, over facetDepth rows. A key is
// copied once and not at every row: the rows are SQLite's own memory.
type facetCount struct {
	of   [len(facetFields)]map[string]*int64
	rows int64
}

func (c *facetCount) row(args []driver.Value) {
	if c.rows == facetDepth {
		return // one row beyond the limit: there are more
	}
	c.rows++
	for i, v := range args {
		value, ok := v.(string)
		if !ok || value == "" {
			continue
		}
		if n := c.of[i][value]; n != nil {
			*n++
			continue
		}
		one := int64(1)
		c.of[i][strings.Clone(value)] = &one
	}
}

func facet(counts map[string]*int64) []audit.FacetCount {
	var list []audit.FacetCount
	for v, n := range counts {
		list = append(list, audit.FacetCount{Value: v, Count: *n})
	}
	slices.SortFunc(list, func(a, b audit.FacetCount) int {
		if a.Count != b.Count {
			return int(b.Count - a.Count)
		}
		return strings.Compare(a.Value, b.Value)
	})
	return list[:min(len(list), facetValues)]
}
