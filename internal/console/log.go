package console

import (
	"context"
	"path/filepath"
	"time"

	"cxseal/internal/audit"
	"cxseal/store"
)

// logKey is the log's signing key, made when nothing was signed yet.
func logKey(ctx context.Context, db string, s *store.Store) (*audit.Key, error) {
	signed, err := s.LatestCheckpoint(ctx)
	if err != nil {
		return nil, err
	}
	return audit.OpenKey(LogKeyPath(db), signed != nil)
}

// openLog returns the log of a database.
func openLog(ctx context.Context, db string, s *store.Store, now func() time.Time,
	options ...audit.LogOption) (*audit.Log, error) {
	key, err := logKey(ctx, db, s)
	if err != nil {
		return nil, err
	}
	return audit.NewLog(s, key, now, filepath.Dir(db), options...), nil
}
