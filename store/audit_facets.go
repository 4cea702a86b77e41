package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"cxseal/internal/audit"
)

const (
	// facetDepth bounds how many records are counted under a filter. Each may
	// lie on a page of its own.
	facetDepth = 1000
)

// facetFields are the columns that records are divided by.
var facetFields = [4]string{"operation", "outcome", "actor", "connection"}

// AuditTotals counts the records that match, up to most (1,000 where records have
// to be read to know whether they match), and divides all
// records, or under a filter the newest 1,000 that match, by operation, outcome,
// actor and connection. A search that takes too long answers
// audit.ErrSearchStopped, with what it counted until then.
func (s *Store) AuditTotals(ctx context.Context, f audit.Filter, most int64) (audit.Totals, error) {
	q, err := newAuditQuery(f)
	if err != nil {
		return audit.Totals{}, err
	}
	if q.everything() {
		return s.allTotals(ctx)
	}
	search, done := s.startSearch(ctx, &q)
	defer done()
	walk, err := s.newWalk(search, &q)
	if err != nil {
		return audit.Totals{}, fmt.Errorf("count records: %w", searchError(ctx, search, err))
	}
	key := totalsKey{f, walk.size, most}
	if known, ok := s.totals.find(key); ok {
		return known, nil
	}
	totals, err := s.countTotals(walk, most)
	if err != nil {
		return totals, fmt.Errorf("count records: %w", searchError(ctx, search, err))
	}
	s.totals.keep(key, totals)
	return totals, nil
}

// totalsKey is a search and the log that it looked at.
type totalsKey struct {
	filter     audit.Filter
	size, most int64
}

// totalsCache remembers the totals of the searches of a log of one size, so that
// going through a search's pages counts once.
type totalsCache struct {
	mu   sync.Mutex
	size int64
	of   map[totalsKey]audit.Totals
}

// mostTotals bounds how many searches are remembered.
const mostTotals = 64

func (c *totalsCache) find(key totalsKey) (audit.Totals, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, ok := c.of[key]
	return t, ok
}

func (c *totalsCache) keep(key totalsKey, t audit.Totals) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.size != key.size || len(c.of) >= mostTotals {
		c.of = map[totalsKey]audit.Totals{}
	}
	c.size = key.size
	c.of[key] = t
}

// facetRows is how many records of a block are read one by one. From more on it
// is faster to ask the index for all values in the block.
const facetRows = 24

func (s *Store) countTotals(walk *auditWalk, most int64) (totals audit.Totals, err error) {
	count := newFacetCount()
	search := walk.search
	var few []int64 // of the blocks with few records
	many := map[int64]*recordSet{}
	left := facetDepth
	if walk.q.looks() {
		most = min(most, facetDepth)
	}
	var n int64
	err = walk.each(false, int(most)+1, func(block int64, set *recordSet) (bool, error) {
		n += int64(set.count())
		more := n <= most
		if left == 0 {
			return more, nil
		}
		places := set.places(nil)
		if n := len(places) - left; n > 0 {
			set.between(places[n], blockRecords-1)
			places = places[n:]
		}
		left -= len(places)
		if len(places) >= facetRows {
			kept := *set
			many[block] = &kept
			return more, nil
		}
		for _, place := range places {
			few = append(few, seqAt(block, place))
		}
		return more, nil
	})
	totals.Count, totals.Exact = min(n, most), n <= most && err == nil
	if err != nil {
		return totals, err
	}
	if len(few) > 0 {
		list := strings.Join(facetFields[:], ", ")
		text, args := bySeq(list, few)
		if _, err := s.engine.emit(search.ctx, search.pool, &count, list, text, args...); err != nil {
			return totals, err
		}
	}
	blocks := slices.Sorted(maps.Keys(many))
	for part := range slices.Chunk(blocks, windows[len(windows)-1]) {
		err := s.eachTerm(search, part, []termRange{{facetsFrom, facetsTo}}, walk.mark, walk.tail, func(block int64, _ int, term string, set *recordSet) {
			count.add(term, many[block].common(set))
		})
		if err != nil {
			return totals, err
		}
	}
	of := int64(facetDepth - left)
	totals.Facets = audit.Facets{
		Operations: audit.FacetOf(count.of[0].values()), Outcomes: audit.FacetOf(count.of[1].values()),
		Actors: audit.FacetOf(count.of[2].values()), Connections: audit.FacetOf(count.of[3].values()),
		Of: of, All: n == of,
	}
	return totals, nil
}

// allTotals reads what the writer has counted, and counts what it has not.
func (s *Store) allTotals(ctx context.Context) (audit.Totals, error) {
	size, err := s.TreeSize(ctx)
	if err != nil {
		return audit.Totals{}, err
	}
	key := totalsKey{size: size}
	if known, ok := s.totals.find(key); ok {
		return known, nil
	}
	all, err := s.allFacets(ctx)
	totals := audit.Totals{Count: all.Of, Exact: true, Facets: all}
	if err == nil && all.Of == size {
		s.totals.keep(key, totals)
	}
	return totals, err
}

func (s *Store) allFacets(ctx context.Context) (all audit.Facets, err error) {
	for {
		mark, err := s.mark(ctx, derivedMark)
		if err != nil {
			return all, err
		}
		all, err := s.facetsUpTo(ctx, mark)
		if err != nil {
			return all, err
		}
		again, err := s.mark(ctx, derivedMark)
		if err != nil || again == mark { // else some may have been counted twice
			return all, err
		}
	}
}

func (s *Store) facetsUpTo(ctx context.Context, mark int64) (all audit.Facets, err error) {
	newest, err := s.newestFacets(ctx, mark)
	if err != nil {
		return all, err
	}
	for i, to := range []*[]audit.FacetCount{&all.Operations, &all.Outcomes, &all.Actors, &all.Connections} {
		list, err := collect(ctx, s, func(row scanner) (c audit.FacetCount, err error) {
			return c, row.Scan(&c.Value, &c.Count)
		}, `SELECT value, records FROM audit_values WHERE field = ? ORDER BY records DESC LIMIT ?`, facetFields[i], audit.FacetsMost)
		if err != nil {
			return all, fmt.Errorf("read facets: %w", err)
		}
		counts := newest.of[i].values()
		for _, c := range list {
			counts[c.Value] += c.Count
		}
		*to = audit.FacetOf(counts)
	}
	all.Of, err = s.TreeSize(ctx)
	all.All = true
	return all, err
}

// newestFacets counts the records that the writer has not counted yet.
func (s *Store) newestFacets(ctx context.Context, mark int64) (count facetCount, err error) {
	count = newFacetCount()
	list := strings.Join(facetFields[:], ", ")
	_, err = s.engine.emit(ctx, s.pages, &count, list, `SELECT `+list+` FROM audit_records
		WHERE seq > ? ORDER BY seq LIMIT ?`, mark, mostUnindexed)
	if err != nil {
		return count, fmt.Errorf("count the newest records: %w", err)
	}
	return count, nil
}

// countValues adds the records after a seq and up to another to the counts of
// values.
func (t *tx) countValues(after, upto int64) error {
	for _, field := range facetFields {
		_, err := t.exec(`INSERT INTO audit_values (field, value, records)
			SELECT '`+field+`', `+field+`, count(*) FROM audit_records WHERE seq > ? AND seq <= ? AND `+field+` <> '' GROUP BY +`+field+`
			ON CONFLICT (field, value) DO UPDATE SET records = records + excluded.records`, after, upto)
		if err != nil {
			return fmt.Errorf("count the values of audit records: %w", err)
		}
	}
	return nil
}

// add adds records that have a term, whose kind is one of the first.
func (c *facetCount) add(term string, n int) {
	if n == 0 {
		return
	}
	counts := c.of[strings.Index(termOperation+termOutcome+termActor+termConnection, term[:1])]
	value := term[1:]
	if counts[value] == nil {
		value = strings.Clone(value)
		counts[value] = new(int64)
	}
	*counts[value] += int64(n)
}

// facetCount counts the values of a few columns. A key is copied once and not at
// every row: the rows are SQLite's own memory.
type facetCount struct{ of [len(facetFields)]valueCounts }

// valueCounts counts values; the numbers are behind pointers so that counting
// needs no copy of the value.
type valueCounts map[string]*int64

func (c valueCounts) values() map[string]int64 {
	all := make(map[string]int64, len(c))
	for v, n := range c {
		all[v] = *n
	}
	return all
}

func newFacetCount() (c facetCount) {
	for i := range c.of {
		c.of[i] = valueCounts{}
	}
	return c
}

func (c *facetCount) row(args []driver.Value) {
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
