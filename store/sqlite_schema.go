package store

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
)

// schema compares with a new database in memory.
func (e *sqliteEngine) schema(ctx context.Context, p *pool) (have, want map[string]string, err error) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, nil, err
	}
	defer db.Close() //nolint:errcheck // in memory
	db.SetMaxOpenConns(1)
	if err := migrate(ctx, db, ":memory:", slog.New(slog.DiscardHandler)); err != nil {
		return nil, nil, err
	}
	if want, err = ledgerSchema(ctx, db); err != nil {
		return nil, nil, err
	}
	have, err = ledgerSchema(ctx, p.db)
	return have, want, err
}

// ledgerSchema is the definition of everything of the ledger by kind and name,
// without comments and line breaks.
func ledgerSchema(ctx context.Context, db *sql.DB) (map[string]string, error) {
	rows, err := db.QueryContext(ctx, `SELECT type || ' ' || name, coalesce(sql, 'automatic') FROM sqlite_master
		WHERE tbl_name IN ('audit_records', 'audit_hashes', 'audit_values', 'audit_terms', 'checkpoints')`)
	if err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	all := map[string]string{}
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			return nil, err
		}
		var plain []string
		for line := range strings.Lines(text) {
			line, _, _ = strings.Cut(line, "--")
			plain = append(plain, strings.Fields(line)...)
		}
		all[name] = strings.Join(plain, " ")
	}
	return all, rows.Err()
}
