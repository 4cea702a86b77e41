package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

const checkpointColumns = `size, root, note, created_at, anchored_at, anchor`

func scanCheckpoint(row scanner) (audit.KeptCheckpoint, error) {
	var (
		c    audit.KeptCheckpoint
		root []byte
	)
	err := row.Scan(&c.Size, &root, &c.Note, stamp{&c.CreatedAt}, stamp{&c.AnchoredAt}, &c.Anchor)
	copy(c.Root[:], root)
	return c, err
}

// AddCheckpoint keeps a checkpoint, with audit records to go with it. One of
// the same size and root that is there already stays as it is; another root
// for that size is fault.Conflict.
func (s *Store) AddCheckpoint(ctx context.Context, c audit.KeptCheckpoint, records ...audit.Record) error {
	raw, err := canonical(records)
	if err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		n, err := t.exec(`INSERT INTO checkpoints (`+checkpointColumns+`) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (size) DO NOTHING`,
			c.Size, c.Root[:], c.Note, micros(c.CreatedAt), micros(c.AnchoredAt), c.Anchor)
		if err != nil {
			return fmt.Errorf("keep checkpoint: %w", err)
		}
		if n == 0 {
			old, err := scanCheckpoint(t.queryRow(`SELECT `+checkpointColumns+` FROM checkpoints WHERE size = ?`, c.Size))
			if err != nil {
				return fmt.Errorf("read checkpoint: %w", err)
			}
			if err := c.Repeat(old); err != nil {
				return err
			}
		}
		return t.append(raw)
	})
}

// AnchorCheckpoint notes that a copy of the checkpoint of this size left the
// machine, or answers fault.NotFound.
func (s *Store) AnchorCheckpoint(ctx context.Context, size int64, at time.Time, anchor string) error {
	return s.write(ctx, func(t *tx) error {
		n, err := t.exec(`UPDATE checkpoints SET anchored_at = ?, anchor = ? WHERE size = ?`, micros(at), anchor, size)
		if err != nil {
			return fmt.Errorf("anchor checkpoint: %w", err)
		}
		if n == 0 {
			return fault.New(fault.NotFound, "There is no checkpoint of %d records.", size)
		}
		return nil
	})
}

// LatestCheckpoint is the newest checkpoint, nil when there is none.
func (s *Store) LatestCheckpoint(ctx context.Context) (*audit.KeptCheckpoint, error) {
	return s.oneCheckpoint(ctx, ``)
}

// LatestAnchored is the newest checkpoint of which a copy left the machine,
// nil when there is none.
func (s *Store) LatestAnchored(ctx context.Context) (*audit.KeptCheckpoint, error) {
	return s.oneCheckpoint(ctx, ` WHERE anchored_at IS NOT NULL`)
}

func (s *Store) oneCheckpoint(ctx context.Context, condition string) (*audit.KeptCheckpoint, error) {
	c, err := scanCheckpoint(s.queryRow(ctx, `SELECT `+checkpointColumns+` FROM checkpoints`+condition+` ORDER BY size DESC LIMIT 1`))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read checkpoint: %w", err)
	}
	return &c, nil
}

var checkpointList = numbered[audit.KeptCheckpoint]{"checkpoints", `SELECT ` + checkpointColumns + ` FROM checkpoints`, `size`, scanCheckpoint}

// Checkpoints lists checkpoints, newest first: those smaller than the given
// size (0: from the newest), limit at most.
func (s *Store) Checkpoints(ctx context.Context, beforeSize int64, limit int) ([]audit.KeptCheckpoint, error) {
	return checkpointList.before(ctx, s, where{}, beforeSize, limit)
}

// signedCheckpoints yields every checkpoint's text, oldest first, for the
// verification.
func (s *Store) signedCheckpoints(ctx context.Context) iter.Seq2[audit.SignedCheckpoint, error] {
	return func(yield func(audit.SignedCheckpoint, error) bool) {
		scan := func(row scanner) (c audit.KeptCheckpoint, err error) { return c, row.Scan(&c.Size, &c.Note) }
		for after := int64(-1); ; {
			list, err := collect(ctx, s, scan, `SELECT size, CAST(note AS TEXT) FROM checkpoints WHERE size > ? ORDER BY size LIMIT 1000`, after)
			if err != nil {
				yield(audit.SignedCheckpoint{}, fmt.Errorf("read checkpoints: %w", err))
				return
			}
			for _, c := range list {
				if !yield(audit.SignedCheckpoint{Text: []byte(c.Note), Source: "database"}, nil) {
					return
				}
			}
			if len(list) < chunkRows {
				return
			}
			after = list[len(list)-1].Size
		}
	}
}
