//go:build bench

package main

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"io/fs"
	"strings"

	"cxseal/migrations"
)

// schemaHash returns a hash of the migrations whose names contain named, so that a database that was built for
// another schema is not used.
func schemaHash(named string) (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(migrations.Files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(path, named) {
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
	table, words := bytes(`name = 'audit_records'`), bytes(`name LIKE 'audit_words%'`)
	all := bytes(`1`)
	b.atMost("full-text index", "its table", 100*words/table, 5, " %")
	b.note("a record on disk, with everything", "", all/float64(b.records), " bytes")
	b.note("of that its row", "", table/float64(b.records), " bytes")
	b.note("of that the tree's hashes", "", bytes(`name = 'audit_hashes'`)/float64(b.records), " bytes")
	b.note("of that the indexes", "", bytes(`name LIKE 'audit_records_%'`)/float64(b.records), " bytes")
	b.note("of that the words", "", words/float64(b.records), " bytes")
	var raw float64
	if e := db.QueryRowContext(b.ctx, `SELECT avg(length(CAST(record AS BLOB))) FROM audit_records`).Scan(&raw); e != nil {
		err = errors.Join(err, e)
	}
	b.note("its exact bytes, as in JSONL", "", raw, " bytes")
	return err
}
