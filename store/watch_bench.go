//go:build bench

package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync"

	"cxseal/internal/audit"
)

// WatchedQuery is a read that a console of this build has done.
type WatchedQuery struct {
	Text string
	Args []WatchedArg
}

// WatchedArg is an argument as the driver took it; of the fields at most one is
// set, none for NULL.
type WatchedArg struct {
	Int  *int64
	Real *float64
	Text *string
	Blob []byte
}

func (a WatchedArg) value() any {
	switch {
	case a.Int != nil:
		return *a.Int
	case a.Real != nil:
		return *a.Real
	case a.Text != nil:
		return *a.Text
	case a.Blob != nil:
		return a.Blob
	}
	return nil
}

// With CXSEAL_BENCH_QUERIES, which names a file, every read is appended to it
// as a line of JSON.
func init() {
	path := os.Getenv("CXSEAL_BENCH_QUERIES")
	if path == "" {
		return
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // G304: whoever runs the bench
	if err != nil {
		panic(err)
	}
	var mu sync.Mutex
	lines := json.NewEncoder(f)
	watch = func(by, text string, args []any) {
		if by == byWriter {
			return
		}
		q := WatchedQuery{Text: text}
		for _, arg := range args {
			q.Args = append(q.Args, watched(arg))
		}
		mu.Lock()
		defer mu.Unlock()
		if err := lines.Encode(q); err != nil {
			panic(err)
		}
	}
}

// PlanOfSearch returns the plans of the statements that a page of a search and its totals run.
func (s *Store) PlanOfSearch(ctx context.Context, f audit.Filter) (plan []string) {
	before := watch
	defer func() { watch = before }()
	type statement struct {
		text string
		args []any
	}
	var list []statement
	watch = func(_, text string, args []any) { list = append(list, statement{text, args}) }
	_, err := s.AuditLines(ctx, f, 0, 51)
	_, totalsErr := s.AuditTotals(ctx, f, 10_000)
	watch = nil
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

func watched(arg any) (a WatchedArg) {
	value, err := driver.DefaultParameterConverter.ConvertValue(arg)
	if err != nil {
		panic(err)
	}
	switch v := value.(type) {
	case int64:
		a.Int = &v
	case float64:
		a.Real = &v
	case bool:
		n := int64(0)
		if v {
			n = 1
		}
		a.Int = &n
	case string:
		a.Text = &v
	case []byte:
		a.Blob = v
	case nil:
	default:
		panic("a query has an argument of a type that the bench does not know")
	}
	return a
}

// Repeat does a read again as the store does it, prepared, and takes every
// value of every row without making anything of it.
func (s *Store) Repeat(ctx context.Context, q WatchedQuery) error {
	args := make([]any, len(q.Args))
	for i, a := range q.Args {
		args[i] = a.value()
	}
	if strings.Contains(q.Text, `cxseal_emit(?`) {
		id := lastSink.Add(1)
		sinks.Store(id, noSink{})
		defer sinks.Delete(id)
		args[0] = id
	}
	rows, err := s.pages.query(ctx, q.Text, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	values, into := make([]sql.RawBytes, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
	}
	return rows.Err()
}

// noSink drops the rows of a long read.
type noSink struct{}

func (noSink) row([]driver.Value) {}
