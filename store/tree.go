package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"iter"
	"math"

	"golang.org/x/mod/sumdb/tlog"

	"cxseal/internal/audit"
)

// TreeSize is the number of records in the ledger: the highest seq.
func (s *Store) TreeSize(ctx context.Context) (int64, error) {
	var n int64
	if err := s.queryRow(ctx, `SELECT coalesce(max(seq), 0) FROM audit_records`).Scan(&n); err != nil {
		return 0, fmt.Errorf("size of the audit log: %w", err)
	}
	return n, nil
}

// HashReader reads the tree's stored hashes, for roots and proofs of any size
// up to TreeSize.
func (s *Store) HashReader(ctx context.Context) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		return readHashes(reading{ctx, s.pages}, indexes)
	})
}

// LogInput is the whole ledger for audit.VerifyLog, as it stands on disk, with
// the checkpoints kept in the database. It reads in short chunks and believes
// nothing: rows may be missing, of other types or in impossible places.
func (s *Store) LogInput(ctx context.Context, verifierKey string) audit.LogInput {
	return audit.LogInput{
		Entries:     s.Entries(ctx, math.MinInt64),
		NextHash:    s.storedHashes(ctx),
		Checkpoints: s.signedCheckpoints(ctx),
		VerifierKey: verifierKey,
	}
}

// Entries yields the stored records from the given seq on, ascending. The
// slices of an entry are valid until the next one.
func (s *Store) Entries(ctx context.Context, fromSeq int64) iter.Seq2[audit.StoredEntry, error] {
	return func(yield func(audit.StoredEntry, error) bool) {
		ahead := s.readAhead(ctx, `seq, record, leaf_hash`,
			`SELECT seq, CAST(record AS BLOB) AS record, CAST(leaf_hash AS BLOB) AS leaf_hash
				FROM audit_records WHERE seq >= ? ORDER BY seq LIMIT 1000`, fromSeq)
		for {
			chunk, err := ahead.next()
			if err != nil {
				yield(audit.StoredEntry{}, fmt.Errorf("read audit records: %w", err))
				return
			}
			if chunk == nil {
				return
			}
			for i, r := range chunk.rows {
				raw, leaf := chunk.parts(i)
				if !yield(audit.StoredEntry{Seq: r.key, Raw: raw, LeafHash: leaf}, nil) {
					return
				}
			}
		}
	}
}

// storedHashes returns the tree's stored hashes one by one, then io.EOF.
func (s *Store) storedHashes(ctx context.Context) func() (audit.StoredHash, error) {
	ahead := s.readAhead(ctx, `idx, hash, NULL`,
		`SELECT idx, CAST(hash AS BLOB) AS hash FROM audit_hashes WHERE idx >= ? ORDER BY idx LIMIT 1000`, math.MinInt64)
	chunk, next := &rawChunk{}, 0
	return func() (audit.StoredHash, error) {
		for next == len(chunk.rows) {
			var err error
			if chunk, err = ahead.next(); err != nil {
				return audit.StoredHash{}, fmt.Errorf("read tree hashes: %w", err)
			}
			if chunk == nil {
				chunk, next = &rawChunk{}, 0
				return audit.StoredHash{}, io.EOF
			}
			next = 0
		}
		hash, _ := chunk.parts(next)
		h := audit.StoredHash{Index: chunk.rows[next].key, Hash: hash}
		next++
		return h, nil
	}
}

// ahead reads a table in chunks, the next one while the last is being hashed:
// a verification reads and hashes about as long, and has two processors.
type ahead struct {
	ready chan aheadChunk // holds the chunk that was read ahead; nil: the end was returned
	read  func(*rawChunk, int64) aheadChunk
	spare *rawChunk
}

type aheadChunk struct {
	*rawChunk
	more bool
	err  error
}

// readAhead reads the columns of the list (a number that ascends, two blobs)
// with inner, whose argument is the lowest number, from there on.
func (s *Store) readAhead(ctx context.Context, list, inner string, from int64) *ahead {
	a := &ahead{spare: &rawChunk{}}
	a.read = func(chunk *rawChunk, from int64) aheadChunk {
		chunk.reset()
		seen, err := s.engine.emit(ctx, s.long, chunk, list, inner, from)
		return aheadChunk{chunk, (seen >= chunkRows || chunk.full) && chunk.last() < math.MaxInt64, err}
	}
	a.start(&rawChunk{}, from)
	return a
}

// start reads one chunk in the background. Whoever stops asking leaves nothing
// behind: the read ends by itself, and its answer has room.
func (a *ahead) start(chunk *rawChunk, from int64) {
	ready := make(chan aheadChunk, 1)
	a.ready = ready
	go func() { ready <- a.read(chunk, from) }()
}

// next is the next chunk, valid until the one after it; nil at the end.
func (a *ahead) next() (*rawChunk, error) {
	if a.ready == nil {
		return nil, nil
	}
	chunk := <-a.ready
	a.ready = nil
	if chunk.err != nil {
		return nil, chunk.err
	}
	if chunk.more {
		a.start(a.spare, chunk.last()+1)
	}
	a.spare = chunk.rawChunk
	return chunk.rawChunk, nil
}

// rawChunk keeps a chunk of rows of a number and two blobs in one buffer.
type rawChunk struct {
	buf  []byte
	rows []rawRow
	full bool
}

type rawRow struct {
	key         int64
	split, stop int // the first blob ends, the second ends
}

func (c *rawChunk) reset() { c.buf, c.rows, c.full = c.buf[:0], c.rows[:0], false }

func (c *rawChunk) row(args []driver.Value) {
	if c.full {
		return
	}
	key, _ := args[0].(int64)
	c.buf = bytesOf(c.buf, args[1])
	split := len(c.buf)
	c.buf = bytesOf(c.buf, args[2])
	c.rows = append(c.rows, rawRow{key, split, len(c.buf)})
	c.full = len(c.buf) >= chunkBytes
}

func (c *rawChunk) parts(i int) (first, second []byte) {
	start := 0
	if i > 0 {
		start = c.rows[i-1].stop
	}
	r := c.rows[i]
	return c.buf[start:r.split], c.buf[r.split:r.stop]
}

func (c *rawChunk) last() int64 {
	if len(c.rows) == 0 {
		return 0
	}
	return c.rows[len(c.rows)-1].key
}
