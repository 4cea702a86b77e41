package console

import (
	"context"
	"path/filepath"
	"time"

	"cxseal/internal/audit"
	"cxseal/store"
)

// LogKeyPath is where the log's signing key lies: beside its database.
func LogKeyPath(db string) string { return db + ".log-key" }

// LogKey is the log's signing key, made when nothing was signed yet.
func LogKey(ctx context.Context, db string, s *store.Store) (*audit.Key, error) {
	signed, err := s.LatestCheckpoint(ctx)
	if err != nil {
		return nil, err
	}
	return audit.OpenKey(LogKeyPath(db), signed != nil)
}

// OpenLog returns the log of a database.
func OpenLog(ctx context.Context, db string, s *store.Store, now func() time.Time, options ...audit.LogOption) (*audit.Log, error) {
	key, err := LogKey(ctx, db, s)
	if err != nil {
		return nil, err
	}
	return audit.NewLog(s, key, now, filepath.Dir(db), options...), nil
}
