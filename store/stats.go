package store

// Stats are the database's figures for /metrics.
type Stats struct {
	DatabaseBytes int64
	WALBytes      int64 // the write-ahead log, as of now
	Queued        int   // writes that wait for their turn
	ReadersInUse  int   // of the few connections that read for pages
	ReadWaits     int64 // reads that had to wait for one, since the start
}

// Stats costs two calls of stat, no query.
func (s *Store) Stats() Stats {
	pool := s.pages.db.Stats()
	database, log := s.engine.sizes()
	queued := 0
	if s.writer != nil {
		queued = s.writer.Waiting()
	}
	return Stats{
		DatabaseBytes: database,
		WALBytes:      log,
		Queued:        queued,
		ReadersInUse:  pool.InUse,
		ReadWaits:     pool.WaitCount,
	}
}
