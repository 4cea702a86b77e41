package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/alexedwards/scs/v2"
)

// Sessions keeps browser sessions for scs. The tokens it is given are stored
// as they are: the session manager hashes them (HashTokenInStore).
type Sessions struct {
	s      *Store
	userOf func(data []byte) int64
}

var _ scs.CtxStore = (*Sessions)(nil)

// Sessions returns the store of sessions. userOf reads the account's id from a
// session's data, 0 when nobody is signed in; that is what lets a changed
// password or a disabled account end its sessions.
func (s *Store) Sessions(userOf func(data []byte) int64) *Sessions {
	return &Sessions{s, userOf}
}

// refresh is how stale last_seen and expiry may be: a session that only was
// used again is not written each time, since every write is an fsync.
const refresh = time.Minute

// FindCtx returns the data of a session that has not expired.
func (c *Sessions) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	data, _, found, err := c.find(ctx, token)
	return data, found, err
}

func (c *Sessions) find(ctx context.Context, token string) (data []byte, expiry time.Time, found bool, err error) {
	err = c.s.queryRow(ctx, `SELECT data, expiry FROM sessions WHERE token = ? AND expiry > ?`, token, micros(c.s.now())).
		Scan(&data, stamp{&expiry})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, time.Time{}, false, nil
	}
	if err != nil {
		return nil, time.Time{}, false, fmt.Errorf("find session: %w", err)
	}
	return data, expiry, true, nil
}

// CommitCtx stores a session, or moves on the one with this token.
func (c *Sessions) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	old, oldExpiry, found, err := c.find(ctx, token)
	if err != nil {
		return err
	}
	if found && bytes.Equal(old, data) && expiry.Sub(oldExpiry).Abs() < refresh {
		return nil
	}
	var user any
	if id := c.userOf(data); id != 0 {
		user = id
	}
	now := micros(c.s.now())
	return c.s.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO sessions (token, data, expiry, user_id, created_at, last_seen) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (token) DO UPDATE SET
				data = excluded.data, expiry = excluded.expiry, user_id = excluded.user_id, last_seen = excluded.last_seen`,
			token, data, micros(expiry), user, now, now)
		if err != nil {
			return fmt.Errorf("store session: %w", err)
		}
		return nil
	})
}

// DeleteCtx removes the session, if there is one.
func (c *Sessions) DeleteCtx(ctx context.Context, token string) error {
	return c.s.write(ctx, func(t *tx) error {
		if _, err := t.exec(`DELETE FROM sessions WHERE token = ?`, token); err != nil {
			return fmt.Errorf("delete session: %w", err)
		}
		return nil
	})
}

// Find is FindCtx without a context.
func (c *Sessions) Find(token string) ([]byte, bool, error) {
	return c.FindCtx(context.Background(), token)
}

// Commit is CommitCtx without a context.
func (c *Sessions) Commit(token string, data []byte, expiry time.Time) error {
	return c.CommitCtx(context.Background(), token, data, expiry)
}

// Delete is DeleteCtx without a context.
func (c *Sessions) Delete(token string) error { return c.DeleteCtx(context.Background(), token) }

// EndSessions signs the account out everywhere.
func (s *Store) EndSessions(ctx context.Context, userID int64) error {
	return s.write(ctx, func(t *tx) error { return t.endSessions(userID) })
}

func (t *tx) endSessions(userID int64) error {
	if _, err := t.exec(`DELETE FROM sessions WHERE user_id = ?`, userID); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}

// DeleteExpiredSessions removes what nobody can use any more, and answers how
// many that were. For the housekeeper.
func (s *Store) DeleteExpiredSessions(ctx context.Context) (int64, error) {
	var n int64
	err := s.write(ctx, func(t *tx) (err error) {
		n, err = t.exec(`DELETE FROM sessions WHERE expiry <= ?`, micros(s.now()))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("delete expired sessions: %w", err)
	}
	return n, nil
}
