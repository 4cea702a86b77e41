package store

// watch is told of every read before it runs. It is nil but in the build that
// measures how a page compares with its queries (watch_bench.go).
var watch func(text string, args []any)
