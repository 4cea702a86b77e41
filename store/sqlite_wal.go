package store

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"cxseal/store/groupcommit"
)

// walLimiter keeps the write-ahead log short. SQLite copies it into the
// database by itself, but starts it over only when a commit meets no reader,
// which under steady reading may never happen.
type walLimiter struct {
	path  string
	limit int64
	retry int64 // no attempt below this size
	log   *slog.Logger
}

// keep looks at the WAL after a commit, and truncates it when it has outgrown
// its limit. It waits briefly for readers (who read in short chunks) and else
// tries again when it has grown on: writers must not wait for a backup.
func (k *walLimiter) keep(t *groupcommit.Tx) {
	fi, err := os.Stat(k.path)
	if err != nil {
		return // no log, nothing to keep short
	}
	if fi.Size() <= k.limit || fi.Size() < k.retry {
		return
	}
	if err := t.Control("PRAGMA busy_timeout = 100"); err != nil {
		k.log.Warn("cannot bound the wait of a checkpoint", slog.Any("error", err))
		return
	}
	var busy, pages, moved int64
	err = firstRow(t, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved)
	if e := t.Control(fmt.Sprintf("PRAGMA busy_timeout = %d", busyTimeout)); e != nil {
		k.log.Error("cannot restore the busy timeout", slog.Any("error", e))
	}
	k.retry = 0
	if err != nil || busy != 0 {
		k.retry = fi.Size() + k.limit/8
		k.log.LogAttrs(context.Background(), slog.LevelDebug, "write-ahead log not truncated: it is being read",
			slog.Int64("bytes", fi.Size()), slog.Any("error", err))
	}
}
