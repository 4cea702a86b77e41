package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
)

var _ access.IdentityStore = (*Store)(nil)

// UserByIdentity returns the account that is linked to what a provider calls
// the person, or fault.NotFound.
func (s *Store) UserByIdentity(ctx context.Context, issuer, subject string) (access.User, error) {
	var id int64
	err := s.queryRow(ctx, `SELECT user_id FROM identities WHERE issuer = ? AND subject = ?`, issuer, subject).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return access.User{}, noUser()
	}
	if err != nil {
		return access.User{}, fmt.Errorf("read identity: %w", err)
	}
	return s.UserByID(ctx, id)
}

// AddLinkedUser inserts an account with its link. A name that is taken is
// fault.Conflict.
func (s *Store) AddLinkedUser(ctx context.Context, u access.User, link access.LinkedIdentity, records ...audit.Record) (access.User, error) {
	err := s.recorded(ctx, records, func(t *tx) error {
		if err := t.insertUser(&u); err != nil {
			return err
		}
		_, err := t.exec(`INSERT INTO identities (issuer, subject, user_id, last_login_at) VALUES (?, ?, ?, ?)`,
			link.Issuer, link.Subject, u.ID, micros(link.LastLoginAt))
		if err != nil {
			return fmt.Errorf("link account: %w", err)
		}
		return nil
	})
	if err != nil {
		return access.User{}, err
	}
	return u, nil
}

// TouchIdentity notes a sign-in through the provider.
func (s *Store) TouchIdentity(ctx context.Context, issuer, subject string, at time.Time) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE identities SET last_login_at = ? WHERE issuer = ? AND subject = ?`, micros(at), issuer, subject)
		if err != nil {
			return fmt.Errorf("touch identity: %w", err)
		}
		return nil
	})
}

// ListIdentities returns every link.
func (s *Store) ListIdentities(ctx context.Context) ([]access.LinkedIdentity, error) {
	list, err := collect(ctx, s, func(row scanner) (l access.LinkedIdentity, err error) {
		return l, row.Scan(&l.UserID, &l.Issuer, &l.Subject, stamp{&l.LastLoginAt})
	}, `SELECT user_id, issuer, subject, last_login_at FROM identities ORDER BY issuer, subject`)
	if err != nil {
		return nil, fmt.Errorf("list identities: %w", err)
	}
	return list, nil
}
