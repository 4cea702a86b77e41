package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// TestMain notes every statement that the tests make the store run, and looks at
// the plan of each in a database with a history. So a new statement is covered by
// the test of its method.
func TestMain(m *testing.M) { goleak.VerifyTestMain(planned{m}) }

type planned struct{ m *testing.M }

func (p planned) Run() int {
	seen := &statements{args: map[string][]any{}, called: map[string]bool{}}
	note := watcher(seen.note)
	watching.Store(&note)
	code := p.m.Run()
	watching.Store(nil)
	if code != 0 || len(seen.args) == 0 {
		return code
	}
	if err := errors.Join(seen.check(context.Background()), notRun(seen.called)); err != nil {
		fmt.Println(err)
		return 1
	}
	return code
}

// statements are those that the store itself ran, with the arguments of the first
// time: a partial index may depend on them.
type statements struct {
	mu     sync.Mutex
	args   map[string][]any
	called map[string]bool // the exported methods that ran one
}

// note leaves out the statements of tests, what nobody waits for (long reads and
// searches have connections of their own), and lists that are read by page, newest
// first: those may walk past what a filter leaves out.
func (s *statements) note(by, text string, args []any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	methods, looked := fromProduct()
	for _, name := range methods {
		s.called[name] = true
	}
	if by != byPages && by != byWriter || s.args[text] != nil || !planable.MatchString(text) || !looked {
		return
	}
	s.args[text] = append([]any{}, args...)
}

var planable = regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b`)

// fromProduct returns the exported methods on the way to the statement that is being run, and whether its plan is to be
// looked at: it is one that such a method or the writer runs, and no page of a list.
func fromProduct() (methods []string, looked bool) {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	looked = true
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		switch {
		case strings.HasSuffix(f.File, "/store/numbered.go"):
			looked = false
		case strings.HasSuffix(f.File, "_test.go"):
			return methods, looked && methods != nil
		}
		if m := exportedMethod.FindStringSubmatch(f.Function); m != nil {
			methods = append(methods, m[1])
		}
	}
	return methods, looked
}

// exportedMethod is in the name of a function of such a method, also where the compiler put it into its caller.
var exportedMethod = regexp.MustCompile(`/store\.(?:\w+\.)?\(\*\w+\)\.([A-Z]\w*)`)

// manyRows is more rows than a statement may look at because of what has
// happened in the past.
const manyRows = 1000

// check answers what is wrong with the plans, without statistics and with them:
// the product never runs ANALYZE, but an operator may.
func (s *statements) check(ctx context.Context) error {
	folder, err := os.MkdirTemp("", "cxseal-plans")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	db, err := withHistory(ctx, folder)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	plain, err := s.plans(ctx, db)
	if err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, `ANALYZE`); err != nil {
		return err
	}
	analyzed, err := s.plans(ctx, db)
	if err != nil {
		return err
	}
	size, err := sizesOf(ctx, db)
	if err != nil {
		return err
	}
	var wrong []error
	for _, text := range slices.Sorted(maps.Keys(s.args)) {
		for with, plan := range map[string][]string{"without statistics": plain[text], "with statistics": analyzed[text]} {
			for _, step := range plan {
				if n := size.rows(step, text, plan); n > manyRows && !allowed(text) {
					wrong = append(wrong, fmt.Errorf("%s, a statement looks at %d rows: %s\n%s", with, n, step, text))
				}
			}
		}
	}
	return errors.Join(wrong...)
}

// allowed reports whether the statement may look at many rows.
func allowed(text string) bool {
	for part := range mayLook {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

func (s *statements) plans(ctx context.Context, db *sql.DB) (map[string][]string, error) {
	plans := map[string][]string{}
	for text, args := range s.args {
		steps, err := stepsOf(ctx, db, text, args)
		if err != nil {
			return nil, fmt.Errorf("%w\n%s", err, text)
		}
		plans[text] = steps
	}
	return plans, nil
}

func stepsOf(ctx context.Context, db *sql.DB, text string, args []any) (steps []string, err error) {
	rows, err := db.QueryContext(ctx, `EXPLAIN QUERY PLAN `+text, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return steps, rows.Err()
}

// tableSizes are the rows of each table and index, and how many have the same
// values of an index's first columns, as ANALYZE counted them.
type tableSizes struct {
	tables  map[string]int
	indexes map[string][]int
	of      map[string]string // the table of an index
}

func sizesOf(ctx context.Context, db *sql.DB) (z tableSizes, err error) {
	z = tableSizes{map[string]int{}, map[string][]int{}, map[string]string{}}
	rows, err := db.QueryContext(ctx, `SELECT m.name, m.type, m.tbl_name, coalesce(s.stat, '0') FROM sqlite_master m
		LEFT JOIN sqlite_stat1 s ON s.tbl = m.tbl_name AND (s.idx = m.name OR s.idx IS NULL OR m.type = 'table') WHERE m.type IN ('table', 'index')`)
	if err != nil {
		return z, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name, kind, table, stat string
		if err := rows.Scan(&name, &kind, &table, &stat); err != nil {
			return z, err
		}
		var counts []int
		for number := range strings.FieldsSeq(stat) {
			if n, err := strconv.Atoi(number); err == nil {
				counts = append(counts, n)
			}
		}
		if kind == "table" {
			z.tables[name] = max(z.tables[name], counts[0])
		} else {
			z.indexes[name], z.of[name] = counts, table
		}
	}
	for name, n := range z.tables {
		if n < manyRows && !slices.Contains(presentTables, name) && !strings.HasPrefix(name, "audit_") && !strings.HasPrefix(name, "sqlite_") {
			return z, fmt.Errorf("the table %s has %d rows in the history of the tests, and is none of those that do not grow", name, n)
		}
	}
	for name, counts := range z.indexes {
		of := z.of[name]
		if (len(counts) == 0 || counts[0] == 0) && !slices.Contains(rareIndexes, name) && !slices.Contains(presentTables, of) &&
			!strings.HasPrefix(of, "audit_") {
			return z, fmt.Errorf("the index %s holds nothing in the history of the tests, so reading it seems to cost nothing", name)
		}
	}
	return z, rows.Err()
}

var stepForm = regexp.MustCompile(`^(SCAN|SEARCH) (\S+)(?: USING (?:AUTOMATIC )?(?:PARTIAL )?(?:COVERING )?(?:INDEX|INTEGER PRIMARY KEY|PRIMARY KEY) ?([^ (]\S*)?)?(?: ?\((.*)\))?`)

// rows estimates how many rows a step of a plan looks at. A range (a seq after a
// mark, a date until now) counts for nothing: its bound says what is wanted.
//
// A LIMIT bounds what is read in the order of an index when no condition is left
// to be looked at row by row.
func (z tableSizes) rows(step, text string, plan []string) int {
	m := stepForm.FindStringSubmatch(step)
	if m == nil || strings.Contains(step, "VIRTUAL TABLE") || strings.Contains(text, "1 = 0") {
		return 0
	}
	_, conditions, _ := strings.Cut(text, " WHERE ")
	left := len(regexp.MustCompile(`(=|<>|<|>| IN| NULL)`).FindAllString(conditions, -1)) - strings.Count(m[4], "?")
	sorted := strings.Contains(strings.Join(plan, ""), "TEMP B-TREE")
	limited := strings.Contains(text, " LIMIT ") && !sorted
	if limited && left == 0 {
		return 0
	}
	if m[1] == "SEARCH" && m[4] == "" {
		return 0 // the first or last of an index, for min and max
	}
	index, table := m[3], m[2]
	if alias := regexp.MustCompile(`\b(\w+) (?:AS )?`+regexp.QuoteMeta(table)+`\b`).FindAllStringSubmatch(text, -1); alias != nil && z.tables[table] == 0 {
		for _, a := range alias {
			if z.tables[a[1]] > 0 {
				table = a[1]
			}
		}
	}
	if slices.Contains(presentTables, z.of[index]) || slices.Contains(presentTables, table) {
		return 0
	}
	if limited && (slices.Contains(tenantTables, z.of[index]) || slices.Contains(tenantTables, table)) {
		return 0 // a page of a list, which may walk past what a filter leaves out
	}
	if m[1] == "SCAN" {
		if counts, ok := z.indexes[index]; ok {
			return counts[0]
		}
		return z.tables[table]
	}
	if strings.ContainsAny(m[4], "<>") {
		return 0
	}
	counts, ok := z.indexes[index]
	if !ok || len(counts) == 1 {
		return 0 // by the primary key, or by an index that holds nothing
	}
	return counts[min(strings.Count(m[4], "=?"), len(counts)-1)]
}
