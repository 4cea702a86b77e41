package store

import (
	"context"
	"fmt"

	"cxseal/internal/audit"
)

// checkTerms holds the index of terms against the blocks of records that were
// read, term by term. What is not indexed yet is left out.
func (s *Store) checkTerms(ctx context.Context, c *termsCheck, add func(audit.Problem)) error {
	for _, b := range c.done {
		mark, err := s.mark(ctx, derivedMark)
		if err != nil {
			return err
		}
		if mark < seqAt(b.block, 0) {
			continue
		}
		wrong, err := s.compareTerms(ctx, b, mark)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			add(changed(0, 0, "The index of terms cannot be read: %s", brief(err.Error())))
			continue
		}
		for _, span := range spansOf(&wrong) {
			from, to := seqAt(b.block, span[0]), seqAt(b.block, span[1])
			add(changed(from, to, "The index of terms does not match %s: a search may miss or mistake what is there", records(from, to)))
		}
	}
	c.done = c.done[:0]
	return nil
}

// compareTerms returns the records of a block, up to mark, that the index has
// with other terms than they hold.
func (s *Store) compareTerms(ctx context.Context, b finishedBlock, mark int64) (wrong recordSet, err error) {
	indexed := placeIn(min(mark, seqAt(b.block, blockRecords-1)))
	unread := len(b.terms.places)
	compare := func(_ int64, _ int, term string, set *recordSet) {
		set.between(0, min(indexed, b.last))
		var want recordSet
		if b.terms.places[term] != nil {
			b.terms.addTo(&want, term)
			unread--
		}
		want.between(0, indexed)
		for i := range wrong {
			wrong[i] |= want[i] ^ set[i]
		}
	}
	err = s.eachTerm(reading{ctx, s.long}, []int64{b.block}, []termRange{{"", maxRune}}, mark, nil, compare)
	if err != nil || unread == 0 {
		return wrong, err
	}
	have := map[string]bool{}
	err = s.eachTerm(reading{ctx, s.long}, []int64{b.block}, []termRange{{"", maxRune}}, mark, nil,
		func(_ int64, _ int, term string, _ *recordSet) { have[string([]byte(term))] = true })
	for term := range b.terms.places {
		if !have[term] {
			var lost recordSet
			b.terms.addTo(&lost, term)
			lost.between(0, indexed)
			wrong.or(&lost)
		}
	}
	return wrong, err
}

// spansOf are the runs of places in a set, first and last.
func spansOf(set *recordSet) (spans [][2]int) {
	for _, place := range set.places(nil) {
		if n := len(spans); n > 0 && spans[n-1][1] == place-1 {
			spans[n-1][1] = place
			continue
		}
		spans = append(spans, [2]int{place, place})
	}
	return spans
}

// checkNoMoreTerms looks whether the index has records that the log has not.
func (s *Store) checkNoMoreTerms(ctx context.Context, add func(audit.Problem)) error {
	search := reading{ctx, s.long}
	var last int64
	if err := firstRow(search, `SELECT CAST(coalesce(max(block), -1) AS INTEGER) FROM audit_terms`).Scan(&last); err != nil {
		return fmt.Errorf("read the index of terms: %w", err)
	}
	most := int64(0)
	err := s.eachTerm(search, []int64{max(last, 0)}, []termRange{{"", maxRune}}, seqAt(last, blockRecords-1), nil, func(block int64, _ int, _ string, set *recordSet) {
		if places := set.places(nil); len(places) > 0 {
			most = max(most, seqAt(block, places[len(places)-1]))
		}
	})
	if err != nil {
		add(changed(0, 0, "The index of terms cannot be read: %s", brief(err.Error())))
		return nil
	}
	size, err := s.TreeSize(ctx) // last: the index follows the log
	if err != nil {
		return err
	}
	if most > size {
		add(changed(size+1, most, "The index of terms goes on to record %d, and the log ends with record %d", most, size))
	}
	return nil
}

func records(from, to int64) string {
	if from == to {
		return fmt.Sprintf("record %d", from)
	}
	return fmt.Sprintf("records %d to %d", from, to)
}
