package store

import (
	"context"
	"os"

	"cxseal/internal/fault"
)

// errReadOnly answers a write to a store that OpenReadOnly opened.
var errReadOnly = fault.New(fault.Invalid, "The database was opened for reading only.")

// OpenReadOnly opens a database that is there without writing to it or beside
// it: read-only media, a file or folder that may not be written, and a copy
// without its -wal and -shm are read, also while a console serves. Every write
// fails, and so does a search where thousands of records are not indexed yet.
//
// A schema other than this release's is refused, never brought up to date:
// fault.Conflict. A file that is not ours is fault.Invalid.
func OpenReadOnly(ctx context.Context, path string, o Options) (*Store, error) {
	s, err := newStore(path, o)
	if err != nil {
		return nil, err
	}
	if s.opened, err = os.Stat(s.path); err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The database %s cannot be read.", s.path)
	}
	c, err := s.engine.openReadOnly(ctx)
	if err != nil {
		return nil, err
	}
	s.pages, s.long, s.searches = c.pages, c.long, c.searches
	return s, nil
}

// Undisturbed answers fault.Conflict when the file that OpenReadOnly opened has
// changed since. A database that no console had open is read without locks, and
// what was read of it holds only as long as nobody wrote to the file.
func (s *Store) Undisturbed() error {
	if s.opened == nil || !s.engine.unlocked() {
		return nil
	}
	now, err := os.Stat(s.path)
	if err == nil && os.SameFile(now, s.opened) && now.Size() == s.opened.Size() && now.ModTime().Equal(s.opened.ModTime()) {
		return nil
	}
	return fault.New(fault.Conflict, "A console began to write to %s while it was read, so what was read may not hold together: run the command again.", s.path)
}

// Writable reports whether the database and what SQLite keeps beside it can be
// written, as far as permissions and the disk's mount say.
func Writable(path string) bool {
	real, err := RealFile(path)
	if err != nil {
		return false
	}
	f, err := os.OpenFile(real, os.O_RDWR, 0) //nolint:gosec // G304: the operator names the database
	if err != nil {
		return false
	}
	if f.Close() != nil {
		return false
	}
	beside, err := os.OpenFile(real+"-shm", os.O_RDWR, 0) //nolint:gosec // G304: see above
	if err == nil {
		return beside.Close() == nil
	}
	if !os.IsNotExist(err) {
		return false
	}
	return folderWritable(real)
}
