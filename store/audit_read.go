package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// scanEntry reads a row for showing. Bytes that are no longer a record (someone
// edited the file) leave an empty Record beside them, so that the page can
// still be drawn; that they are wrong is for the verification to say.
func scanEntry(row scanner) (audit.Entry, error) {
	var (
		e    audit.Entry
		leaf []byte
	)
	if err := row.Scan(&e.Seq, &e.Raw, &leaf); err != nil {
		return audit.Entry{}, err
	}
	copy(e.LeafHash[:], leaf)
	if json.Unmarshal(e.Raw, &e.Record) != nil {
		e.Record = audit.Record{}
	}
	return e, nil
}

const entryColumns = `r.seq, r.record, r.leaf_hash`

// AuditPage lists the records that match, newest first: those before the given
// seq (0: from the newest), limit at most.
func (s *Store) AuditPage(ctx context.Context, f audit.Filter, before int64, limit int) ([]audit.Entry, error) {
	q, err := s.auditQuery(ctx, f)
	if err != nil {
		return nil, err
	}
	if before > 0 {
		q.before(before)
	}
	return s.auditEntries(ctx, q, `DESC`, limit)
}

// AuditPageAfter is the page on the other side: the limit records that match
// and come right after the given seq, newest first too.
func (s *Store) AuditPageAfter(ctx context.Context, f audit.Filter, after int64, limit int) ([]audit.Entry, error) {
	q, err := s.auditQuery(ctx, f)
	if err != nil {
		return nil, err
	}
	q.after(after)
	list, err := s.auditEntries(ctx, q, `ASC`, limit)
	slices.Reverse(list)
	return list, err
}

func (s *Store) auditEntries(ctx context.Context, q auditQuery, direction string, limit int) ([]audit.Entry, error) {
	text, args := q.rows(entryColumns, direction, int64(pageSize(limit)))
	list, err := collect(ctx, s, scanEntry, text, args...)
	if err != nil {
		return nil, fmt.Errorf("list audit records: %w", err)
	}
	return list, nil
}

// AuditEntry returns the record with this id, or fault.NotFound.
func (s *Store) AuditEntry(ctx context.Context, auditID string) (audit.Entry, error) {
	e, err := scanEntry(s.queryRow(ctx, `SELECT `+entryColumns+` FROM audit_records r WHERE r.audit_id = ?`, auditID))
	if errors.Is(err, sql.ErrNoRows) {
		return audit.Entry{}, fault.New(fault.NotFound, "There is no such audit record.")
	}
	if err != nil {
		return audit.Entry{}, fmt.Errorf("read audit record: %w", err)
	}
	return e, nil
}

// AuditCount counts the records that match, up to most; exact is false when
// there are more.
func (s *Store) AuditCount(ctx context.Context, f audit.Filter, most int64) (n int64, exact bool, err error) {
	q, err := s.auditQuery(ctx, f)
	if err != nil {
		return 0, false, err
	}
	if q.everything() {
		n, err = s.TreeSize(ctx) // records are numbered without gaps
		return n, true, err
	}
	text, args := q.rows(`r.seq`, ``, most+1)
	err = s.queryRow(ctx, `SELECT count(*) FROM (`+text+`) AS some`, args...).Scan(&n)
	if err != nil {
		return 0, false, fmt.Errorf("count audit records: %w", err)
	}
	return min(n, most), n <= most, nil
}

// AuditFacets is how the newest records that match divide by a few columns.
type AuditFacets struct {
	Operations  []FacetCount
	Outcomes    []FacetCount
	Actors      []FacetCount
	Connections []FacetCount
	Of          int64 // how many records were looked at
	All         bool  // that was every record that matches
}

// FacetCount is one value of a column and how often it stands there.
type FacetCount struct {
	Value string
	Count int64
}

// facetDepth bounds how many records facets are counted over.
const facetDepth = 10_000

// AuditFacets counts the newest 10,000 records that match by operation, outcome,
// actor and connection, the most frequent value first.
func (s *Store) AuditFacets(ctx context.Context, f audit.Filter) (AuditFacets, error) {
	q, err := s.auditQuery(ctx, f)
	if err != nil {
		return AuditFacets{}, err
	}
	type group struct {
		values [4]string
		n      int64
	}
	text, args := q.rows(`r.seq, r.operation, r.outcome, r.actor, r.connection`, `DESC`, facetDepth+1)
	groups, err := collect(ctx, s, func(row scanner) (g group, err error) {
		v := &g.values
		return g, row.Scan(&v[0], &v[1], &v[2], &v[3], &g.n)
	}, `SELECT coalesce(operation, ''), coalesce(outcome, ''), coalesce(actor, ''), coalesce(connection, ''), count(*)
		FROM (`+text+`) AS newest GROUP BY 1, 2, 3, 4`, args...)
	if err != nil {
		return AuditFacets{}, fmt.Errorf("count facets: %w", err)
	}
	var counts [4]map[string]int64
	for i := range counts {
		counts[i] = make(map[string]int64)
	}
	var of int64
	for _, g := range groups {
		of += g.n
		for i, v := range g.values {
			counts[i][v] += g.n
		}
	}
	return AuditFacets{
		Operations: facet(counts[0]), Outcomes: facet(counts[1]), Actors: facet(counts[2]), Connections: facet(counts[3]),
		Of: min(of, facetDepth), All: of <= facetDepth,
	}, nil
}

func facet(counts map[string]int64) []FacetCount {
	var list []FacetCount
	for v, n := range counts {
		if v != "" {
			list = append(list, FacetCount{v, n})
		}
	}
	slices.SortFunc(list, func(a, b FacetCount) int {
		if a.Count != b.Count {
			return int(b.Count - a.Count)
		}
		return strings.Compare(a.Value, b.Value)
	})
	return list
}
