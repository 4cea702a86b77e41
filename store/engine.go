package store

import (
	"context"
	"database/sql"

	"cxseal/store/groupcommit"
)

// engine is what differs from one database to another; everything else in this
// package is one copy of every statement (docs/adr/0006). The one engine is
// SQLite, in the files sqlite_*.go. PostgreSQL would be a second set of files,
// postgres_*.go, with migrations of its own.
//
// Statements are written in what both databases understand, with ? or ?1 for
// their arguments, which rewrite makes $1. What only SQLite understands and still
// stands outside of its files:
//
//   - max of two values in the rotations' statuses (rotation_columns.go), greatest
//     in PostgreSQL;
//   - INDEXED BY in the claim of a run (runs.go), which PostgreSQL, keeping
//     statistics of its own, does without;
//   - instr in the filters by name (inventory.go, sensitivity.go), strpos in
//     PostgreSQL;
//   - CAST(x AS BLOB) where a verification believes no type (tree.go, readings.go),
//     for which a bytea column needs no cast;
//   - the comparison of generated columns with a record (readings_columns.go),
//     which knows the types that SQLite gives them.
//
// Terms of the log's index (audit_terms.term) are compared by their bytes, which
// PostgreSQL does under COLLATE "C".
//
// Arguments that are true or false reach SQLite as 1 and 0; the columns they are
// kept in would be boolean in PostgreSQL.
type engine interface {
	// open opens the database, makes it when it is absent, and brings its schema
	// up to date. Its errors are sentences for the operator.
	open(ctx context.Context) (connections, error)

	// openReadOnly opens a database that is there without writing to it, and
	// unlocked reports whether it is then read without locks.
	openReadOnly(ctx context.Context) (connections, error)
	unlocked() bool
	// rewrite turns a statement's text, with ? for its arguments, into the
	// engine's. It is asked once for each text that is kept prepared.
	rewrite(text string) string

	// begin begins a transaction that writes, in which no other process can
	// append to the ledger.
	begin(t *groupcommit.Tx) error

	// between looks after the database's files when no transaction runs.
	between(t *groupcommit.Tx)

	// isDuplicate reports a violated UNIQUE or PRIMARY KEY.
	isDuplicate(err error) bool

	// notCommitted turns the error of a transaction that was not committed into
	// a sentence that may be shown to anybody, and reports whether it lasts:
	// whether no transaction can be committed until a person mends the cause.
	notCommitted(err error) (lasting bool, explained error)

	// emit is a long read: it runs inner (a SELECT with an ORDER BY and a LIMIT),
	// calls the sink with the columns of the list for each row, and returns the
	// number of rows.
	emit(ctx context.Context, p *pool, to sink, list, inner string, args ...any) (int64, error)

	// schema is how the ledger's tables, indexes and triggers are defined in the
	// database, and how this release defines them, by kind and name.
	schema(ctx context.Context, p *pool) (have, want map[string]string, err error)

	// backup writes a consistent copy of the database to a file.
	backup(ctx context.Context, dest string) error

	// sizes are the bytes of the database and of its write-ahead log.
	sizes() (database, log int64)
}

// connections are what an engine opens.
type connections struct {
	writer   *sql.DB // for the one connection that writes; nil when there is none
	pages    *pool   // short reads: pages, sessions, runs
	long     *pool   // exports and verifications, which must not make pages wait
	searches *pool   // searches of the log, whose cost depends on what is typed
}
