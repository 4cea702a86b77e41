package store

import (
	"context"
	"database/sql"

	"cxseal/internal/audit"
	"cxseal/internal/groupcommit"
)

// engine is what differs from one database to another; everything else in this
// package is one copy of every statement. The one engine is SQLite, in the files
// sqlite_*.go. PostgreSQL would be a second set of files, postgres_*.go, with
// migrations of its own.
//
// Statements are written with ? for their arguments and with functions that both
// databases have. These are not yet, and would have to be rewritten first:
//
//   - sums and comparisons of conditions, sum(a = b), and true for 1;
//   - max(a, b) and min(a, b) of two values: greatest and least elsewhere;
//   - instr, and date functions with modifiers;
//   - CAST(record AS BLOB), and reading audit_words and audit_vocabulary in the
//     checks of VerifyReadings.
type engine interface {
	// open opens the database, makes it when it is absent, and brings its schema
	// up to date. Its errors are sentences for the operator.
	open(ctx context.Context) (connections, error)

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

	// notCommitted turns why a transaction was not committed into a sentence for
	// anybody, and tells whether nothing can be written until somebody mends
	// something.
	notCommitted(err error) (explained error, lasting bool)

	// emit is a long read: it runs inner (a SELECT with an ORDER BY and a LIMIT)
	// and hands its columns, named in the list, to the sink. It answers how many
	// rows there were.
	emit(ctx context.Context, p *pool, to sink, list, inner string, args ...any) (int64, error)

	// search adds a wish's conditions on words and column names to a query.
	search(ctx context.Context, s *Store, wish audit.Query, q *auditQuery) error

	// indexWords adds the words of the records after a seq to their index, and
	// mergeWords puts a part of it in order and tells whether there was anything
	// to do. first is true for the first part of a round.
	indexWords(t *tx, after int64) error
	mergeWords(t *tx, first bool) (more bool, err error)

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
	writer *sql.DB // for the one connection that writes
	pages  *pool   // short reads: pages, sessions, runs
	long   *pool   // exports and verifications, which must not make pages wait
}
