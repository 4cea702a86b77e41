package store

import (
	"context"
	"log/slog"
	"os"
	"sync/atomic"
)

// walKeeper keeps the write-ahead log short. SQLite copies it into the
// database by itself, but starts it over only when a commit meets no reader,
// which under steady reading may never happen.
type walKeeper struct {
	path  string
	size  atomic.Int64 // as last seen, for metrics
	retry int64        // no attempt below this size
}

// keep looks at the WAL after a commit, and truncates it when it has outgrown
// its limit. It waits briefly for readers (who read in short chunks) and else
// tries again after the next mebibyte: writers must not wait for a backup.
func (k *walKeeper) keep(t *tx, log *slog.Logger) {
	fi, err := os.Stat(k.path)
	if err != nil {
		k.size.Store(0)
		return
	}
	k.size.Store(fi.Size())
	if fi.Size() <= walLimit || fi.Size() < k.retry {
		return
	}
	if err := t.control("PRAGMA busy_timeout = 100"); err != nil {
		log.Warn("cannot bound the wait of a checkpoint", slog.Any("error", err))
		return
	}
	var busy, pages, moved int64
	err = t.queryRow("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved)
	if e := t.control("PRAGMA busy_timeout = 10000"); e != nil {
		log.Error("cannot restore the busy timeout", slog.Any("error", e))
	}
	k.retry = 0
	if err != nil || busy != 0 {
		k.retry = fi.Size() + 1<<20
		log.LogAttrs(context.Background(), slog.LevelDebug, "write-ahead log not truncated: it is being read",
			slog.Int64("bytes", fi.Size()), slog.Any("error", err))
		return
	}
	k.size.Store(0)
}
