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
		return readHashes(indexes, func(text string, args ...any) row { return s.queryRow(ctx, text, args...) })
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
		chunk := rawChunk{}
		for from := fromSeq; ; {
			chunk.reset()
			seen, err := s.emit(ctx, &chunk, `seq, record, leaf_hash`,
				`SELECT seq, CAST(record AS BLOB) AS record, CAST(leaf_hash AS BLOB) AS leaf_hash
					FROM audit_records WHERE seq >= ? ORDER BY seq LIMIT 1000`, from)
			if err != nil {
				yield(audit.StoredEntry{}, fmt.Errorf("read audit records: %w", err))
				return
			}
			for i, r := range chunk.rows {
				raw, leaf := chunk.parts(i)
				if !yield(audit.StoredEntry{Seq: r.key, Raw: raw, LeafHash: leaf}, nil) {
					return
				}
			}
			if (seen < chunkRows && !chunk.full) || chunk.last() == math.MaxInt64 {
				return
			}
			from = chunk.last() + 1
		}
	}
}

// storedHashes returns the tree's stored hashes one by one, then io.EOF.
func (s *Store) storedHashes(ctx context.Context) func() (audit.StoredHash, error) {
	chunk := rawChunk{}
	from, next, end := int64(math.MinInt64), 0, false
	return func() (audit.StoredHash, error) {
		for next == len(chunk.rows) {
			if end {
				return audit.StoredHash{}, io.EOF
			}
			chunk.reset()
			seen, err := s.emit(ctx, &chunk, `idx, hash, NULL`,
				`SELECT idx, CAST(hash AS BLOB) AS hash FROM audit_hashes WHERE idx >= ? ORDER BY idx LIMIT 1000`, from)
			if err != nil {
				return audit.StoredHash{}, fmt.Errorf("read tree hashes: %w", err)
			}
			end = (seen < chunkRows && !chunk.full) || chunk.last() == math.MaxInt64
			from, next = chunk.last()+1, 0
		}
		hash, _ := chunk.parts(next)
		h := audit.StoredHash{Index: chunk.rows[next].key, Hash: hash}
		next++
		return h, nil
	}
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
