package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
	"cxseal/internal/rotation"
)

var _ rotation.FeedStore = (*Store)(nil)

// SaveFeed gives the person a calendar feed in place of the one they had.
func (s *Store) SaveFeed(ctx context.Context, userID int64, hash [sha256.Size]byte, at time.Time, records ...audit.Record) error {
	return s.changeFeed(ctx, records, func(t *tx) (int64, error) {
		return t.exec(`INSERT INTO calendar_feeds (user_id, hash, created_at) VALUES (?, ?, ?)
			ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, created_at = excluded.created_at`, userID, hash[:], micros(at))
	})
}

// DeleteFeed ends a person's calendar feed, or answers fault.NotFound.
func (s *Store) DeleteFeed(ctx context.Context, userID int64, records ...audit.Record) error {
	return s.changeFeed(ctx, records, func(t *tx) (int64, error) {
		return t.exec(`DELETE FROM calendar_feeds WHERE user_id = ?`, userID)
	})
}

func (s *Store) changeFeed(ctx context.Context, records []audit.Record, change func(*tx) (int64, error)) error {
	raw, err := canonical(records)
	if err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		n, err := change(t)
		if err != nil {
			return fmt.Errorf("change a calendar feed: %w", err)
		}
		if n == 0 {
			return noFeed()
		}
		return t.append(raw)
	})
}

// FeedOwner is whose feed has this hash, or fault.NotFound.
func (s *Store) FeedOwner(ctx context.Context, hash [sha256.Size]byte) (userID int64, err error) {
	err = s.queryRow(ctx, `SELECT user_id FROM calendar_feeds WHERE hash = ?`, hash[:]).Scan(&userID)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, noFeed()
	}
	if err != nil {
		return 0, fmt.Errorf("find a calendar feed: %w", err)
	}
	return userID, nil
}

// FeedMade is when the person's feed was made, the zero time without one.
func (s *Store) FeedMade(ctx context.Context, userID int64) (made time.Time, err error) {
	err = s.queryRow(ctx, `SELECT created_at FROM calendar_feeds WHERE user_id = ?`, userID).Scan(stamp{&made})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return made, fmt.Errorf("read a calendar feed: %w", err)
	}
	return made, nil
}

func noFeed() error { return fault.New(fault.NotFound, "There is no such calendar feed.") }
