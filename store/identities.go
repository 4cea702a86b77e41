package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
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
		link.UserID = u.ID
		return t.insertIdentity(link)
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

// PermitLink keeps an admin's permission to link an account.
func (s *Store) PermitLink(ctx context.Context, p access.LinkPermit, by access.Touch, records ...audit.Record) error {
	return s.recorded(ctx, records, func(t *tx) error {
		_, err := t.exec(`INSERT INTO link_permits (user_id, provider, expires_at) VALUES (?, ?, ?)
			ON CONFLICT (user_id) DO UPDATE SET provider = excluded.provider, expires_at = excluded.expires_at`,
			p.UserID, p.Provider, micros(p.ExpiresAt))
		if err != nil {
			return fmt.Errorf("permit link: %w", err)
		}
		return t.insertTouch(by)
	})
}

// LinkPermits returns every permission to link an account, expired ones too.
func (s *Store) LinkPermits(ctx context.Context) ([]access.LinkPermit, error) {
	list, err := collect(ctx, s, func(row scanner) (p access.LinkPermit, err error) {
		return p, row.Scan(&p.UserID, &p.Provider, stamp{&p.ExpiresAt})
	}, `SELECT user_id, provider, expires_at FROM link_permits ORDER BY user_id`)
	if err != nil {
		return nil, fmt.Errorf("list link permits: %w", err)
	}
	return list, nil
}

// LinkIdentity links an account and spends the permission to do so. It is fault.Conflict without one that
// holds at the link's LastLoginAt.
func (s *Store) LinkIdentity(ctx context.Context, link access.LinkedIdentity, provider string, records ...audit.Record) error {
	return s.recorded(ctx, records, func(t *tx) error {
		n, err := t.exec(`DELETE FROM link_permits WHERE user_id = ? AND provider = ? AND expires_at > ?`,
			link.UserID, provider, micros(link.LastLoginAt))
		if err != nil {
			return fmt.Errorf("spend link permit: %w", err)
		}
		if n == 0 {
			return fault.New(fault.Conflict, "There is no permission to link this account.")
		}
		return t.insertIdentity(link)
	})
}

func (t *tx) insertIdentity(link access.LinkedIdentity) error {
	_, err := t.exec(`INSERT INTO identities (issuer, subject, user_id, last_login_at) VALUES (?, ?, ?, ?)`,
		link.Issuer, link.Subject, link.UserID, micros(link.LastLoginAt))
	if err != nil {
		return fmt.Errorf("link account: %w", err)
	}
	return nil
}
