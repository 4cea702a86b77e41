package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	"cxseal/internal/fault"
)

func (e *sqliteEngine) backup(ctx context.Context, dest string) error {
	dest, err := filepath.Abs(dest)
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The backup's path cannot be used.")
	}
	if _, err := os.Lstat(dest); err == nil {
		return backupExists(dest)
	}
	// CreateTemp makes the file 0600, and VACUUM INTO accepts an empty one.
	tmp, err := os.CreateTemp(filepath.Dir(dest), "."+filepath.Base(dest)+"-*")
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The backup cannot be written to %s: check that the folder exists and may be written.", filepath.Dir(dest))
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // nothing is left to remove after success
	if err := tmp.Close(); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := e.vacuumInto(ctx, tmp.Name()); err != nil {
		return explainFile(fmt.Errorf("backup: %w", err), dest)
	}
	if err := syncFile(tmp.Name()); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	// A link, unlike a rename, never replaces a file that came in between.
	if err := os.Link(tmp.Name(), dest); errors.Is(err, fs.ErrExist) {
		return backupExists(dest)
	} else if err != nil {
		if err := os.Rename(tmp.Name(), dest); err != nil { // a file system without links
			return fmt.Errorf("backup: %w", err)
		}
	}
	if runtime.GOOS == "windows" {
		return nil // it has no sync of folders
	}
	return syncFile(filepath.Dir(dest))
}

func backupExists(dest string) error {
	return fault.New(fault.Conflict, "The file %s exists already, and a backup overwrites nothing: give another name.", dest)
}

// vacuumInto copies on a connection of its own, so that readers keep theirs.
func (e *sqliteEngine) vacuumInto(ctx context.Context, dest string) (err error) {
	query := url.Values{"mode": {"ro"}}
	if e.immutable {
		query.Set("immutable", "1")
	}
	db, err := sql.Open("sqlite", dsn(e.path, query, fmt.Sprintf("busy_timeout(%d)", busyTimeout)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, `VACUUM INTO ?`, dest)
	return err
}

func syncFile(path string) error {
	f, err := os.Open(path) //nolint:gosec // G304: the operator names the file
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
