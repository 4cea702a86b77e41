package store

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"cxseal/internal/fault"
)

// sqliteCode is the primary result code of a driver error, 0 for any other.
func sqliteCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

func (e *sqliteEngine) isDuplicate(err error) bool {
	var of *sqlite.Error
	if !errors.As(err, &of) {
		return false
	}
	return of.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || of.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
}

// explainFile turns SQLite's error about a file into a sentence for the operator.
func explainFile(err error, path string) error {
	var f *fault.Error
	if err == nil || errors.As(err, &f) {
		return err
	}
	switch sqliteCode(err) {
	case sqlite3.SQLITE_NOTADB:
		return notOurs(path)
	case sqlite3.SQLITE_CORRUPT:
		return fault.Wrap(err, fault.Invalid, "The database %s is damaged, or %s-wal beside it belongs to another one, as happens when a backup is put in its place by hand: stop the console and run `cxseal restore FILE` with the backup.", path, path)
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return fault.Wrap(err, fault.Invalid, "The database %s cannot be opened for writing: check the permissions of the file and its folder.", path)
	case sqlite3.SQLITE_FULL:
		return fault.Wrap(err, fault.Invalid, "The disk with the database %s is full: make room and start again.", path)
	case sqlite3.SQLITE_BUSY:
		return fault.Wrap(err, fault.Conflict, "The database %s is held by another process: stop it, or try again.", path)
	}
	return err
}

// explainDamage turns SQLite's finding that the database is damaged into a
// sentence that names no path, and leaves every other error as it is.
func explainDamage(err error) error {
	var f *fault.Error
	if err == nil || errors.As(err, &f) {
		return err
	}
	switch sqliteCode(err) {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fault.Wrap(err, fault.Unavailable, "The console's database is damaged, or a write-ahead log (-wal) of another one lies beside it, as happens when a backup is put in its place by hand: stop the console and run `cxseal restore FILE` with a backup.")
	}
	return err
}

// notCommitted turns SQLite's error of a transaction into a sentence that names
// no path: it may be shown to a stranger at the sign-in. lasting reports an error
// after which nothing can be written until a person mends the disk.
func (e *sqliteEngine) notCommitted(err error) (lasting bool, explained error) {
	code := sqliteCode(err)
	err = fmt.Errorf("commit: %w", err)
	switch code {
	case sqlite3.SQLITE_FULL:
		return true, fault.Wrap(err, fault.Unavailable, "The console's disk is full. Nothing can be recorded, so nothing was done: make room and try again.")
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return true, explainDamage(err)
	case sqlite3.SQLITE_BUSY:
		return false, fault.Wrap(err, fault.Unavailable, "Another process holds the console's database: try again.")
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN:
		return true, err
	}
	return false, err
}
