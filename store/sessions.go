package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/alexedwards/scs/v2"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// Sessions keeps browser sessions for scs. The tokens it is given are stored
// as they are: the session manager hashes them (HashTokenInStore).
type Sessions struct {
	s        *Store
	describe func(data []byte) access.Session
}

var (
	_ scs.CtxStore        = (*Sessions)(nil)
	_ access.SessionStore = (*Sessions)(nil)
)

// Sessions returns the store of sessions. describe reads a session's data; its
// UserID is 0 when nobody is signed in. That is what lets a person's sessions
// be listed, and a changed password or a disabled account end them.
func (s *Store) Sessions(describe func(data []byte) access.Session) *Sessions {
	return &Sessions{s, describe}
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
	session := c.describe(data)
	if session.UserID != 0 {
		user = session.UserID
	}
	now := micros(c.s.now())
	return c.s.write(ctx, func(t *tx) error {
		if !session.MayBegin(c.s.now()) {
			return t.moveSession(token, data, expiry, now)
		}
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

// moveSession moves on the session with this token, if it is there.
func (t *tx) moveSession(token string, data []byte, expiry time.Time, now any) error {
	_, err := t.exec(`UPDATE sessions SET data = ?, expiry = ?, last_seen = ? WHERE token = ?`, data, micros(expiry), now, token)
	if err != nil {
		return fmt.Errorf("store session: %w", err)
	}
	return nil
}

// DeleteCtx removes the session, if there is one.
func (c *Sessions) DeleteCtx(ctx context.Context, token string) error {
	return c.s.write(ctx, func(t *tx) error { return t.endSession(token) })
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

// ListSessions returns the person's sessions that have not expired, the newest
// login first.
func (c *Sessions) ListSessions(ctx context.Context, userID int64) ([]access.Session, error) {
	rows, err := c.of(ctx, userID)
	if err != nil {
		return nil, err
	}
	list := make([]access.Session, len(rows))
	for i, r := range rows {
		list[i] = r.Session
	}
	slices.SortFunc(list, func(a, b access.Session) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return list, nil
}

// kept is a session with the key of its row.
type kept struct {
	access.Session
	token string
}

func (c *Sessions) of(ctx context.Context, userID int64) ([]kept, error) {
	rows, err := collect(ctx, c.s, func(row scanner) (k kept, err error) {
		var data []byte
		if err := row.Scan(&k.token, &data); err != nil {
			return k, err
		}
		k.Session = c.describe(data)
		return k, nil
	}, `SELECT token, data FROM sessions WHERE user_id = ? AND expiry > ?`, userID, micros(c.s.now()))
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return rows, nil
}

// EndSession ends the person's session with the public id, or answers
// fault.NotFound.
func (c *Sessions) EndSession(ctx context.Context, userID int64, id string, records ...audit.Record) error {
	rows, err := c.of(ctx, userID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(rows, func(k kept) bool { return id != "" && k.ID == id })
	if i < 0 {
		return fault.New(fault.NotFound, "This session has ended already.")
	}
	return c.s.recorded(ctx, records, func(t *tx) error { return t.endSession(rows[i].token) })
}

// EndSessions ends the person's sessions but the one with the public id except,
// and says how many.
func (c *Sessions) EndSessions(ctx context.Context, userID int64, except string, records ...audit.Record) (int, error) {
	rows, err := c.of(ctx, userID)
	if err != nil {
		return 0, err
	}
	rows = slices.DeleteFunc(rows, func(k kept) bool { return except != "" && k.ID == except })
	return len(rows), c.s.recorded(ctx, records, func(t *tx) error {
		for _, k := range rows {
			if err := t.endSession(k.token); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *tx) endSession(token string) error {
	if _, err := t.exec(`DELETE FROM sessions WHERE token = ?`, token); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

func (t *tx) endSessions(userID int64) error {
	if _, err := t.exec(`DELETE FROM sessions WHERE user_id = ?`, userID); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}

// DeleteExpiredSessions deletes expired sessions and returns how many there
// were. A background job calls it.
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
