//go:build bench

package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/audit/audittest"
	"cxseal/store"
)

// hardSearches are those that were slow once, or that pass by much for little.
var hardSearches = []audit.Filter{
	{Query: `"version key"`}, {Query: `"the confirmed"`}, {Query: `"confirmed the"`}, {Query: `"kms table key"`},
	{Query: `"encryption of ssn" "key version 3" "the KMS confirmed"`},
	{Operation: "LOGIN", Outcome: "DENIED"}, {Operation: "KEY_ROTATION", Outcome: "DENIED"}, {Actor: "maria", Outcome: "FAILURE"},
	{Actor: "maria", Operation: "AUDIT_EXPORT", Outcome: "FAILURE"}, {Query: "operation:LOGIN -outcome:SUCCESS -actor:maria"},
	{Query: "verified actor:sam"}, {Query: "signed connection:europe"}, {Query: "confirmed", Outcome: "FAILURE"}, {Query: "ssn", Actor: "kms", Operation: "KEY_ROTATION"},
	{Query: "verified table:tbl-9876"}, {Query: "reached -reached"}, {Query: "-encryption -signed"},
	{Query: "-encryption -signed -confirmed -operation:LOGOUT"}, {Query: "-actor:nobody -outcome:SUCCESS -outcome:FAILURE -outcome:DENIED"},
	{Query: "-outcome:SUCCESS -outcome:FAILURE"}, {Query: "-a* -e* -t*"}, {Query: "c*"}, {Query: "e*"}, {Query: "1*"}, {Query: "a* b* c* d* e* f* g*"},
	{Query: "a* z*"}, {Query: "z* q* x*"}, {Query: "chg*"}, {Query: "co* ve*"}, {Query: "0* 1* 2* 3* 4* 5* 6* 7* 8* 9*"}, {Query: "ключ* 監*"},
	{Query: "nowhere"}, {Query: "nowhere verified"}, {Query: "encryption", RunID: "nowhere"}, {Query: `"key vers*" -"version 3" column:ssn`},
	{Query: "column:ssn -column:phone column:iban verified -actor:sam"}, {Query: "role:system verified"}, {Query: `"records bytes"`},
	{Query: "ssn phone email iban street diagnosis"}, {Query: strings.Repeat("verified ", 49)}, {Query: "a b c d e f g h i j k l m n o p"},
	{Outcome: "SUCCESS", From: time.Date(2022, 2, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2022, 2, 2, 0, 0, 0, 0, time.UTC)},
	{Query: "-outcome:SUCCESS -outcome:FAILURE -outcome:DENIED", From: time.Date(2022, 2, 1, 11, 30, 0, 0, time.UTC)},
	{Query: "nowhere*", To: time.Date(2023, 2, 2, 9, 13, 0, 0, time.UTC)},
}

// searched is a search and how long it took, page, count and facets.
type searched struct {
	f    audit.Filter
	took time.Duration
	work time.Duration // of the processor, when nothing else was searched; other programs do not count
	err  error
}

// searches measures random searches one after the other and 16 at a time, prints the worst twenty with their
// plans, and holds the worst to its target.
func (b *bench) searches() (err error) {
	s, err := store.Open(b.ctx, b.db, store.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	filters, err := b.randomFilters(s)
	if err != nil {
		return err
	}
	alone := make([]searched, len(filters))
	for i, f := range filters {
		if b.ctx.Err() != nil {
			return b.ctx.Err()
		}
		alone[i] = b.search(s, f)
	}
	worst := slices.SortedFunc(slices.Values(alone), func(x, y searched) int { return cmp.Compare(y.took, x.took) })
	fmt.Printf("The worst of %d searches, one at a time:\n", len(worst))
	for i, w := range worst[:min(20, len(worst))] {
		fmt.Printf("%2d. %8.1f ms (%.1f of the processor)  %s%s\n", i+1, float64(w.took)/1e6, float64(w.work)/1e6, describe(w.f), troubleOf(w.err))
		for _, step := range s.PlanOfSearch(b.ctx, w.f) {
			fmt.Printf("       %s\n", step)
		}
	}
	fmt.Println("\nThe searches that are always measured:")
	for _, w := range alone[:len(hardSearches)] {
		fmt.Printf("  %8.1f ms (%.1f)  %s%s\n", float64(w.took)/1e6, float64(w.work)/1e6, describe(w.f), troubleOf(w.err))
	}
	b.atMost("the worst of the random searches, with count and facets", "", float64(worst[0].took)/1e6, 300, " ms")
	b.note("their 99th percentile", "", float64(worst[len(worst)/100].took)/1e6, " ms")
	busiest := slices.SortedFunc(slices.Values(alone), func(x, y searched) int { return cmp.Compare(y.work, x.work) })
	b.note("the most processor time that one took", "", float64(busiest[0].work)/1e6, " ms")
	b.note("the 99th percentile of that", "", float64(busiest[len(busiest)/100].work)/1e6, " ms")
	b.note("the median of that", "", float64(busiest[len(busiest)/2].work)/1e6, " ms")
	b.note("their median", "", float64(worst[len(worst)/2].took)/1e6, " ms")

	crowd := b.crowd(s, filters)
	fmt.Println("\nThe worst of them, 16 at a time:")
	for i, w := range crowd[:min(20, len(crowd))] {
		fmt.Printf("%2d. %8.1f ms  %s%s\n", i+1, float64(w.took)/1e6, describe(w.f), troubleOf(w.err))
	}
	stopped := 0
	for _, w := range crowd {
		if errors.Is(w.err, audit.ErrSearchStopped) {
			stopped++
		}
	}
	b.atMost("random searches, 16 at a time, 99th percentile", "", float64(crowd[len(crowd)/100].took)/1e6, 1000, " ms")
	b.note("the worst of them", "", float64(crowd[0].took)/1e6, " ms")
	b.note("their median", "", float64(crowd[len(crowd)/2].took)/1e6, " ms")
	b.note("of them stopped by the deadline", "", float64(stopped), "")
	return nil
}

// crowd does the searches on 16 connections and returns them, the slowest first.
func (b *bench) crowd(s *store.Store, filters []audit.Filter) []searched {
	all := make([]searched, len(filters))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(filters) && b.ctx.Err() == nil; i = next.Add(1) - 1 {
				all[i] = b.search(s, filters[i])
			}
		})
	}
	wg.Wait()
	slices.SortFunc(all, func(x, y searched) int { return cmp.Compare(y.took, x.took) })
	return all
}

// search reads what the log's page shows: a page of records and their totals.
func (b *bench) search(s *store.Store, f audit.Filter) searched {
	began, worked := time.Now(), processor()
	lines, err := s.AuditLines(b.ctx, f, 0, 51)
	if len(lines) > 50 || err != nil { // as the page does: a list that is whole needs no totals
		_, totalsErr := s.AuditTotals(b.ctx, f, 10_000)
		err = errors.Join(err, totalsErr)
	}
	return searched{f, time.Since(began), processor() - worked, err}
}

// processor returns the processor time that this process has used.
func processor() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// randomFilters are hardSearches, then as many as wanted from a sample of the log.
func (b *bench) randomFilters(s *store.Store) ([]audit.Filter, error) {
	var sample []audit.Record
	for i := range int64(20) {
		list, err := s.AuditPageAfter(b.ctx, audit.Filter{}, i*int64(b.records)/20, 100)
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			sample = append(sample, e.Record)
		}
	}
	random := audittest.NewSearches(1, sample)
	list := slices.Clone(hardSearches)
	for range b.random {
		list = append(list, random.Next())
	}
	return list, nil
}

// describe is a search on one line.
func describe(f audit.Filter) string {
	if q, err := f.Resolve(); err == nil && !q.Nothing {
		return clipped(q.String())
	}
	text, err := json.Marshal(f)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return clipped(string(text))
}

func clipped(text string) string {
	const most = 160
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

func troubleOf(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, audit.ErrSearchStopped):
		return "  (stopped)"
	}
	return "  (" + err.Error() + ")"
}
