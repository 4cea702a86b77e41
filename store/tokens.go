package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

var _ access.TokenStore = (*Store)(nil)

const tokenColumns = `id, user_id, label, hint, hash, scopes, created_at, expires_at, last_used_at` //nolint:gosec // G101: columns, no credential

func scanToken(row scanner) (access.APIToken, error) {
	var t access.APIToken
	var hash []byte
	err := row.Scan(&t.ID, &t.UserID, &t.Label, &t.Hint, &hash, jsonText{&t.Scopes},
		stamp{&t.CreatedAt}, stamp{&t.ExpiresAt}, stamp{&t.LastUsedAt})
	copy(t.Hash[:], hash)
	return t, err
}

// AddToken inserts the token and returns it with ID set.
func (s *Store) AddToken(ctx context.Context, t access.APIToken, records ...audit.Record) (access.APIToken, error) {
	err := s.recorded(ctx, records, func(tx *tx) error {
		err := tx.queryRow(`INSERT INTO api_tokens (user_id, label, hint, hash, scopes, created_at, expires_at)
			VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			t.UserID, t.Label, t.Hint, t.Hash[:], jsonText{t.Scopes}, micros(t.CreatedAt), micros(t.ExpiresAt)).Scan(&t.ID)
		if err != nil {
			return fmt.Errorf("add API token: %w", err)
		}
		return nil
	})
	return t, err
}

// TokenByHash returns the token with this hash, or fault.NotFound.
func (s *Store) TokenByHash(ctx context.Context, hash [sha256.Size]byte) (access.APIToken, error) {
	t, err := scanToken(s.queryRow(ctx, `SELECT `+tokenColumns+` FROM api_tokens WHERE hash = ?`, hash[:]))
	if errors.Is(err, sql.ErrNoRows) {
		return access.APIToken{}, noToken()
	}
	if err != nil {
		return access.APIToken{}, fmt.Errorf("read API token: %w", err)
	}
	return t, nil
}

func noToken() error { return fault.New(fault.NotFound, "There is no such token.") }

// ListTokens returns the person's tokens, expired ones too, newest first.
func (s *Store) ListTokens(ctx context.Context, userID int64) ([]access.APIToken, error) {
	list, err := collect(ctx, s, scanToken, `SELECT `+tokenColumns+` FROM api_tokens WHERE user_id = ? ORDER BY id DESC`, userID)
	if err != nil {
		return nil, fmt.Errorf("list API tokens: %w", err)
	}
	return list, nil
}

// TouchToken notes that the token was used.
func (s *Store) TouchToken(ctx context.Context, id int64, at time.Time) error {
	return s.write(ctx, func(t *tx) error {
		if _, err := t.exec(`UPDATE api_tokens SET last_used_at = ? WHERE id = ?`, micros(at), id); err != nil {
			return fmt.Errorf("touch API token: %w", err)
		}
		return nil
	})
}

// RemoveToken deletes the person's token, or answers fault.NotFound.
func (s *Store) RemoveToken(ctx context.Context, userID, id int64, records ...audit.Record) error {
	return s.recorded(ctx, records, func(t *tx) error {
		n, err := t.exec(`DELETE FROM api_tokens WHERE id = ? AND user_id = ?`, id, userID)
		if err != nil {
			return fmt.Errorf("remove API token: %w", err)
		}
		if n == 0 {
			return noToken()
		}
		return nil
	})
}
