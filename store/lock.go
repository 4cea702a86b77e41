package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"cxseal/internal/fault"
)

// Lock takes the lock beside the database, <dbPath>.lock, which `serve` keeps
// for as long as it lives. held is true when this process has it now: no
// console is serving on this database, and one that did is gone, with all its
// leases. held is false when another process has it; release does nothing then.
// The path is resolved by RealFile: a database has one lock under all its names.
//
// The system drops the lock with the process, however that ends. The file
// itself stays: removing it would let two processes lock two files.
func Lock(dbPath string) (release func() error, held bool, err error) {
	asked := dbPath
	dbPath, err = RealFile(asked)
	if err != nil {
		return nil, false, err
	}
	path := dbPath + ".lock"
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // G304: the operator names the database
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, fault.New(fault.Invalid, "The folder %s for the database does not exist: make it, or name another file with --db.", filepath.Dir(dbPath))
	}
	if err != nil {
		return nil, false, fault.Wrap(err, fault.Invalid, "The lock file %s cannot be opened: check the permissions of its folder.", path)
	}
	held, err = tryLock(f)
	if err != nil || !held {
		if e := f.Close(); err == nil {
			err = e
		}
		if err != nil {
			return nil, false, fmt.Errorf("lock %s: %w", path, err)
		}
		return func() error { return nil }, false, nil
	}
	return f.Close, true, nil
}
