//go:build bench

package main

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"cxseal/migrations"
)

// schemaHash returns a hash of the migrations whose names contain one of named, so that a database that was built for
// another schema is not used.
func schemaHash(named ...string) (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(migrations.Files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !slices.ContainsFunc(named, func(n string) bool { return strings.Contains(path, n) }) {
			return err
		}
		text, err := fs.ReadFile(migrations.Files, path)
		_, _ = sum.Write(text) // a hash never fails
		return err
	})
	return hex.EncodeToString(sum.Sum(nil)[:4]), err
}

// size measures how many bytes a record takes on disk.
func (b *bench) size() (err error) {
	db, err := sql.Open("sqlite", b.db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	bytes := func(condition string) float64 {
		var n float64
		if e := db.QueryRowContext(b.ctx, `SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE `+condition).Scan(&n); e != nil {
			err = errors.Join(err, e)
		}
		return n
	}
	table, terms := bytes(`name = 'audit_records'`), bytes(`name = 'audit_terms'`)
	all := bytes(`1`)
	b.atMost("the index of terms", "its table", 100*terms/table, 5, " %")
	b.note("a record on disk, with everything", "", all/float64(b.records), " bytes")
	b.note("of that its row", "", table/float64(b.records), " bytes")
	b.note("of that the tree's hashes", "", bytes(`name = 'audit_hashes'`)/float64(b.records), " bytes")
	b.note("of that the table's own indexes", "", bytes(`name LIKE 'audit_records_%'`)/float64(b.records), " bytes")
	b.note("of that the terms", "", terms/float64(b.records), " bytes")
	var raw float64
	if e := db.QueryRowContext(b.ctx, `SELECT avg(length(CAST(record AS BLOB))) FROM audit_records`).Scan(&raw); e != nil {
		err = errors.Join(err, e)
	}
	b.note("its exact bytes, as in JSONL", "", raw, " bytes")
	return err
}
