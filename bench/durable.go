//go:build bench

package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"cxseal/internal/audit"
	"cxseal/store"
)

const durableRows = 1000

// durable compares two pairs: appending durable records one by one with C that writes the same rows to a
// database of the same schema, and 32 writers with one.
func (b *bench) durable() error {
	var ours, theirs, many []float64
	for i := range b.rounds {
		mine, path, err := b.appendAlone(i)
		if err != nil {
			return err
		}
		empty := filepath.Join(b.tmp, fmt.Sprintf("empty-%d.db", i))
		if err := b.empty(empty); err != nil {
			return err
		}
		c, _, err := b.child(filepath.Join(b.tmp, "insert"), path, empty)
		if err != nil {
			return err
		}
		crowd, err := b.appendTogether(i)
		if err != nil {
			return err
		}
		progress("  %v by us, %v by C, %.0f/s by 32", mine.Round(time.Millisecond), c.Round(time.Millisecond), crowd)
		ours = append(ours, durableRows/mine.Seconds())
		theirs = append(theirs, durableRows/c.Seconds())
		many = append(many, crowd)
	}
	b.atLeast("durable records one by one", "C that writes the same rows", median(ours)/median(theirs), 0.7, "")
	b.atLeast("32 writers at once", "one writer", median(many)/median(ours), 5, "")
	return nil
}

// empty makes a database with the console's schema and no rows.
func (b *bench) empty(path string) error {
	s, err := store.Open(b.ctx, path, store.Options{})
	if err != nil {
		return err
	}
	return s.Close()
}

func (b *bench) appendAlone(round int) (took time.Duration, path string, err error) {
	path = filepath.Join(b.tmp, fmt.Sprintf("alone-%d.db", round))
	s, err := store.Open(b.ctx, path, store.Options{})
	if err != nil {
		return 0, "", err
	}
	records := newHistory()
	began := time.Now()
	for range durableRows {
		if err := s.AppendRecords(b.ctx, records.next()); err != nil {
			return 0, "", errors.Join(err, s.Close())
		}
	}
	took = time.Since(began)
	return took, path, s.Close()
}

// appendTogether returns the records per second of 32 writers.
func (b *bench) appendTogether(round int) (pace float64, err error) {
	s, err := store.Open(b.ctx, filepath.Join(b.tmp, fmt.Sprintf("together-%d.db", round)), store.Options{})
	if err != nil {
		return 0, err
	}
	const rows = 8 * durableRows
	records := newHistory()
	var list []audit.Record
	for range rows {
		list = append(list, records.next())
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	failed := make([]error, 32)
	began := time.Now()
	for i := range failed {
		wg.Go(func() {
			for n := next.Add(1); n <= rows && failed[i] == nil; n = next.Add(1) {
				failed[i] = s.AppendRecords(b.ctx, list[n-1])
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	return rows / took.Seconds(), errors.Join(errors.Join(failed...), s.Close())
}
