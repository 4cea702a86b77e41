package store

// watch is called before every statement: a read of a pool, with the pool's
// name, or a statement of the writer's transactions (byWriter). It is nil except
// in the build that prints the plans of slow searches (watch_bench.go) and in the
// tests, which look at the plan of each
// (plans_test.go).
var watch func(by, text string, args []any)

// The names of the pools, and of the writer beside them.
const (
	byPages    = "pages"
	bySearches = "searches"
	byLong     = "long"
	byWriter   = "writer"
)

// poolNames are the pools in the order in which an engine opens them.
var poolNames = [...]string{byPages, byLong, bySearches}
