package handlers_test

import (
	"context"
	"strings"
	"testing"

	"cxseal/handlers"
	"cxseal/handlers/ledger"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/console/consoletest"
)

// stopping is a log whose searches for words are stopped when they have found a
// few records, and whose totals always are.
type stopping struct {
	ledger.Audit
	found int
}

func (s stopping) AuditLines(ctx context.Context, f audit.Filter, before int64, limit int) ([]audit.Line, error) {
	if f.Query == "" {
		return s.Audit.AuditLines(ctx, f, before, limit)
	}
	if s.found == 0 {
		return nil, audit.ErrSearchStopped
	}
	list, err := s.Audit.AuditLines(ctx, f, before, s.found)
	if err == nil {
		err = audit.ErrSearchStopped
	}
	return list, err
}

func (s stopping) AuditTotals(context.Context, audit.Filter, int64) (audit.Totals, error) {
	return audit.Totals{Count: 1234}, audit.ErrSearchStopped
}

func TestASearchThatIsStoppedShowsWhatItFoundAndWhatToNarrow(t *testing.T) {
	console := consoletest.Start(t)
	seed(console, 60)
	for found, want := range map[int][]string{
		3: {"Below is what it had found by then, and not all that matches.", "=seeded 59", "=seeded 58", "=seeded 57"},
		0: {"Nothing found until the search was stopped"},
	} {
		h := withPages(console, func(c *handlers.Config) { c.Ledger.Audit = stopping{c.Ledger.Audit, found} })
		a := h.As(access.Officer).Get("/audit?q=seeded")
		if a.Status != 503 {
			t.Errorf("found %d: status %d, want 503", found, a.Status)
		}
		for _, text := range append(want, "The search was stopped after 5 seconds.", "Narrow it: by a period, a run, a table or an actor") {
			if !strings.Contains(a.Body, text) {
				t.Errorf("found %d: the page lacks %q", found, text)
			}
		}
		for _, text := range []string{"=seeded 56", "No record matches", "more than", "of 3 records"} {
			if strings.Contains(a.Body, text) {
				t.Errorf("found %d: the page says %q", found, text)
			}
		}
	}
	// The list was there in time, and its number was not.
	h := withPages(console, func(c *handlers.Config) { c.Ledger.Audit = stopping{c.Ledger.Audit, 0} })
	a := h.As(access.Officer).Get("/audit?actor=seeder")
	if a.Status != 200 || !strings.Contains(a.Body, "=seeded 59") || !strings.Contains(a.Body, "They are at least 1,234: narrow the search") {
		t.Errorf("a list without its number: %d", a.Status)
	}
}
