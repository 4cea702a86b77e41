//go:build bench

package main

import (
	"errors"
	"time"

	"cxseal/internal/audit"
	"cxseal/store"
)

// pages compares the time of the newest page of 50 records with that of a page 900,000 records further back.
func (b *bench) pages() (err error) {
	s, err := store.Open(b.ctx, b.db, store.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	deep := int64(b.records / 10)
	page := func(f audit.Filter, before int64) (time.Duration, error) {
		began := time.Now()
		list, err := s.AuditPage(b.ctx, f, before, 50)
		took := time.Since(began)
		if err == nil && len(list) != 50 {
			err = errors.New("a filter found too few records to compare")
		}
		return took, err
	}
	for _, c := range []struct {
		name string
		f    audit.Filter
		text bool
	}{
		{"no filter", audit.Filter{}, false},
		{"operation", audit.Filter{Operation: "KEY_ROTATION"}, false},
		{"outcome", audit.Filter{Outcome: "FAILURE"}, false},
		{"actor", audit.Filter{Actor: "maria"}, false},
		{"connection", audit.Filter{Connection: "europe"}, false},
		{"data store", audit.Filter{DatastoreID: "ds-07"}, false},
		{"table", audit.Filter{TableID: "tbl-123"}, false},
		{"role", audit.Filter{Query: "role:system"}, false},
		{"period", audit.Filter{From: time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC),
			To: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}, false},
		{"column", audit.Filter{Query: "column:passport_number"}, true},
		{"a common word", audit.Filter{Query: "encryption"}, true},
		{"a rarer word", audit.Filter{Query: "reached"}, true},
		{"three words", audit.Filter{Query: "ssn diagnosis verified"}, true},
		{"beginning of a word", audit.Filter{Query: "pass*"}, true},
	} {
		var first, far []time.Duration
		for i := range 200 {
			x, err := page(c.f, 0)
			if err != nil {
				return errors.Join(errors.New(c.name), err)
			}
			y, err := page(c.f, deep)
			if err != nil {
				return errors.Join(errors.New(c.name), err)
			}
			if i >= 20 {
				first, far = append(first, x), append(far, y)
			}
		}
		newest, old := median(first), median(far)
		b.atMost("page at depth 900,000, "+c.name, "page one", float64(old)/float64(newest), 1.5, "")
		if c.text {
			b.atMost("full-text page, "+c.name, "", float64(max(newest, old))/1e6, 5, " ms")
		}
	}
	b.counts(s)
	return nil
}

// counts measures the totals that a page shows beside its rows. What was counted is remembered until the log
// grows, so each time another number is the most.
func (b *bench) counts(s *store.Store) {
	for name, f := range map[string]audit.Filter{"an outcome": {Outcome: "FAILURE"}, "a common word": {Query: "encryption"}} {
		var took []time.Duration
		for i := range 20 {
			began := time.Now()
			if _, err := s.AuditTotals(b.ctx, f, 10_000+int64(i)); err != nil {
				progress("totals: %v", err)
			}
			took = append(took, time.Since(began))
		}
		b.note("count to 10,000 and facets, "+name, "", float64(median(took))/1e6, " ms")
	}
}
