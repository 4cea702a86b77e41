package store

import "sync/atomic"

// watcher is told of statements: who runs it (a pool's name, or byWriter), its text
// and its arguments. Several goroutines call it at a time.
type watcher func(by, text string, args []any)

// watching is nil except in the build that prints the plans of slow searches
// (watch_bench.go) and in the tests, which look at the plan of each statement
// (plans_test.go).
var watching atomic.Pointer[watcher]

// watch tells the watcher, if there is one, of a statement that is about to run.
func watch(by, text string, args []any) {
	if w := watching.Load(); w != nil {
		(*w)(by, text, args)
	}
}

// The names of the pools, and of the writer beside them.
const (
	byPages    = "pages"
	bySearches = "searches"
	byLong     = "long"
	byWriter   = "writer"
)

// poolNames are the pools in the order in which an engine opens them.
var poolNames = [...]string{byPages, byLong, bySearches}
