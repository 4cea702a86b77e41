package store

import "context"

// Backup writes a consistent copy of the database to dest (mode 0600) while
// others read and write. The copy is whole: accounts and sessions are in it.
// It appears under its name only when it is complete and on disk; a file that
// is there already is never overwritten, that is fault.Conflict.
//
// The copy is made from one snapshot, so the write-ahead log grows by what is
// written meanwhile, and shrinks again after.
func (s *Store) Backup(ctx context.Context, dest string) error { return s.engine.backup(ctx, dest) }
