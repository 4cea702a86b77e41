package store

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"

	sqlite3 "modernc.org/sqlite/lib"

	"cxseal/internal/fault"
	"cxseal/migrations"
)

// openReadOnly opens the pools that read, and no connection that writes.
//
// SQLite reads a database in WAL mode through the -shm file, which it makes
// where there is none. While a console has the database open, or was killed, the
// file is there; otherwise the whole database is in its one file, which is
// opened as immutable: SQLite then takes no lock and makes no file.
func (e *sqliteEngine) openReadOnly(ctx context.Context) (_ connections, err error) {
	if err := checkLeftover(e.path); err != nil {
		return connections{}, err
	}
	if err := checkMagic(e.path); err != nil {
		return connections{}, err
	}
	_, err = os.Stat(e.path + "-shm")
	shared := err == nil
	query := url.Values{}
	switch {
	case shared:
	case fileSize(e.path+"-wal") == 0:
		e.immutable = true
		query.Set("immutable", "1")
	case !folderWritable(e.path):
		return connections{}, needsFolder(nil, e.path)
	}
	var pools [len(poolNames)]*pool
	defer func() {
		for _, p := range pools {
			if err != nil && p != nil {
				err = errors.Join(err, p.close())
			}
		}
	}()
	for i := range pools {
		db, err := openReaders(e.path, query)
		if err != nil {
			return connections{}, err
		}
		pools[i] = newPool(poolNames[i], db, e.rewrite)
	}
	if err := e.checkSchemaVersion(ctx, pools[0].db); err != nil {
		return connections{}, err
	}
	return connections{pages: pools[0], long: pools[1], searches: pools[2]}, nil
}

func (e *sqliteEngine) unlocked() bool { return e.immutable }

// needsFolder says that the newest changes are in a write-ahead log that SQLite
// cannot read without writing beside it.
func needsFolder(err error, path string) error {
	return fault.Wrap(err, fault.Invalid, "The newest changes of %s are in %s-wal, which cannot be read without writing in that folder: copy both files to a folder that may be written and name the copy with --db.", path, path)
}

// checkSchemaVersion refuses every schema but the one that this release reads.
func (e *sqliteEngine) checkSchemaVersion(ctx context.Context, db *sql.DB) error {
	have, err := schemaVersion(ctx, db, e.path)
	if code := sqliteCode(err); code == sqlite3.SQLITE_CANTOPEN || code == sqlite3.SQLITE_READONLY {
		return needsFolder(err, e.path)
	}
	if err != nil {
		return err
	}
	newest, err := newestMigration()
	if err != nil {
		return err
	}
	switch {
	case have > newest:
		return newerSchema(e.path, have, newest)
	case have > 0 && have < migrations.First:
		return firstBuilds(e.path, have)
	case have < newest:
		return fault.New(fault.Conflict, "The database %s was written by an older release of cxseal (schema %d; this release reads %d), and reading does not bring it up to date: use the release that wrote it, or let `cxseal serve` open a copy of it once.", e.path, max(have, 0), newest)
	}
	return nil
}

// folderWritable reports whether a file can be made beside the path.
func folderWritable(path string) bool {
	f, err := os.CreateTemp(filepath.Dir(path), ".cxseal-*")
	if err != nil {
		return false
	}
	return errors.Join(f.Close(), os.Remove(f.Name())) == nil
}
