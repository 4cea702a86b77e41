//go:build bench

package store

import (
	"context"
	"errors"
	"sync"

	"cxseal/internal/audit"
)

// PlanOfSearch returns the plans of the statements that a page of a search and its totals run.
func (s *Store) PlanOfSearch(ctx context.Context, f audit.Filter) (plan []string) {
	type statement struct {
		text string
		args []any
	}
	var mu sync.Mutex
	var list []statement
	w := watcher(func(_, text string, args []any) {
		mu.Lock()
		defer mu.Unlock()
		list = append(list, statement{text, args})
	})
	before := watching.Swap(&w)
	_, err := s.AuditLines(ctx, f, 0, 51)
	_, totalsErr := s.AuditTotals(ctx, f, 10_000)
	watching.Store(before)
	mu.Lock()
	defer mu.Unlock()
	if err := errors.Join(err, totalsErr); err != nil {
		plan = append(plan, err.Error())
	}
	seen := map[string]bool{}
	for _, st := range list {
		steps, err := collectFrom(reading{ctx, s.long}, func(row scanner) (step string, err error) {
			var id, parent, unused int
			return step, row.Scan(&id, &parent, &unused, &step)
		}, `EXPLAIN QUERY PLAN `+st.text, st.args...)
		if err != nil {
			steps = []string{err.Error()}
		}
		for _, step := range steps {
			if !seen[step] {
				seen[step] = true
				plan = append(plan, step)
			}
		}
	}
	return plan
}
