package store

// watch is called before every read. It is nil except in the build that
// measures how a page compares with its queries (watch_bench.go).
var watch func(text string, args []any)
