package store

import (
	"log/slog"
	"os"

	"cxseal/store/groupcommit"
)

var _ engine = (*sqliteEngine)(nil)

// sqliteEngine is the engine of an embedded database: one file and its write-ahead
// log.
type sqliteEngine struct {
	path string
	log  *slog.Logger
	// immutable says that the file is read without locks (openReadOnly).
	immutable bool
	wal       walLimiter // of the writer's goroutine
}

func newSQLite(path string, log *slog.Logger) *sqliteEngine {
	return &sqliteEngine{path: path, log: log, wal: walLimiter{path: path + "-wal", limit: walLimit, log: log}}
}

// rewrite leaves a text as it is: statements are written as SQLite takes them.
func (e *sqliteEngine) rewrite(text string) string { return text }

// begin takes the file's write lock at once, so that what the transaction reads
// is still true when it writes.
func (e *sqliteEngine) begin(t *groupcommit.Tx) error { return t.Control("BEGIN IMMEDIATE") }

func (e *sqliteEngine) between(t *groupcommit.Tx) { e.wal.keep(t) }

func (e *sqliteEngine) sizes() (database, log int64) { return fileSize(e.path), fileSize(e.wal.path) }

func fileSize(path string) int64 {
	fi, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return fi.Size()
}
