package store

import "os"

// Stats are the database's figures for /metrics.
type Stats struct {
	DatabaseBytes int64
	WALBytes      int64 // the write-ahead log, as of now
	Queued        int   // writes that wait for their turn
	ReadersInUse  int   // of the few connections that read
	ReadWaits     int64 // reads that had to wait for one, since the start
}

// Stats costs two calls of stat, no query.
func (s *Store) Stats() Stats {
	pool := s.reader.Stats()
	return Stats{
		DatabaseBytes: fileSize(s.path),
		WALBytes:      fileSize(s.writer.wal.path),
		Queued:        len(s.writer.jobs),
		ReadersInUse:  pool.InUse,
		ReadWaits:     pool.WaitCount,
	}
}

func fileSize(path string) int64 {
	fi, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return fi.Size()
}
