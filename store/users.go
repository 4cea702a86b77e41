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

var _ access.AccountStore = (*Store)(nil)

const userColumns = `id, name, role, password_hash, disabled, created_at, updated_at`

func scanUser(row scanner) (access.User, error) {
	var u access.User
	err := row.Scan(&u.ID, &u.Name, &u.Role, &u.PasswordHash, &u.Disabled, stamp{&u.CreatedAt}, stamp{&u.UpdatedAt})
	return u, err
}

// AddUser inserts the account and returns it with ID set. A name that another
// account has is fault.Conflict.
func (s *Store) AddUser(ctx context.Context, u access.User, by access.Touch, records ...audit.Record) (access.User, error) {
	err := s.recorded(ctx, records, func(t *tx) error {
		if err := t.insertUser(&u); err != nil {
			return err
		}
		if by != (access.Touch{}) {
			by.UserID = u.ID
		}
		return t.insertTouch(by)
	})
	if err != nil {
		return access.User{}, err
	}
	return u, nil
}

func (t *tx) insertUser(u *access.User) error {
	err := t.queryRow(`INSERT INTO users (name, name_key, role, password_hash, disabled, created_at, updated_at, password_changed_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
		u.Name, access.NameKey(u.Name), string(u.Role), u.PasswordHash, u.Disabled,
		micros(u.CreatedAt), micros(u.UpdatedAt), micros(u.CreatedAt)).Scan(&u.ID)
	if t.isDuplicate(err) {
		return fault.Wrap(err, fault.Conflict, "There is an account %q already.", u.Name)
	}
	if err != nil {
		return fmt.Errorf("add account: %w", err)
	}
	return nil
}

// UserByName returns the account of this name, compared by access.NameKey, or
// fault.NotFound.
func (s *Store) UserByName(ctx context.Context, name string) (access.User, error) {
	return s.oneUser(ctx, `name_key = ?`, access.NameKey(name))
}

// UserByID returns the account, or fault.NotFound.
func (s *Store) UserByID(ctx context.Context, id int64) (access.User, error) {
	return s.oneUser(ctx, `id = ?`, id)
}

func (s *Store) oneUser(ctx context.Context, term string, value any) (access.User, error) {
	u, err := scanUser(s.queryRow(ctx, `SELECT `+userColumns+` FROM users WHERE `+term, value))
	if errors.Is(err, sql.ErrNoRows) {
		return access.User{}, noUser()
	}
	if err != nil {
		return access.User{}, fmt.Errorf("read account: %w", err)
	}
	return u, nil
}

func noUser() error { return fault.New(fault.NotFound, "There is no such account.") }

// ListUsers returns every account in the order of names.
func (s *Store) ListUsers(ctx context.Context) ([]access.User, error) {
	list, err := collect(ctx, s, scanUser, `SELECT `+userColumns+` FROM users ORDER BY name_key`)
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	return list, nil
}

// CountUsers counts accounts, disabled ones too.
func (s *Store) CountUsers(ctx context.Context) (int, error) {
	var n int
	if err := s.queryRow(ctx, `SELECT count(*) FROM users`).Scan(&n); err != nil {
		return 0, fmt.Errorf("count accounts: %w", err)
	}
	return n, nil
}

// SetPassword replaces the password's hash and ends the account's sessions, so
// that a session opened with the old password ends.
func (s *Store) SetPassword(ctx context.Context, id int64, hash string, at time.Time, by access.Touch, records ...audit.Record) error {
	return s.changeUser(ctx, by, records, func(t *tx) (int64, error) {
		n, err := t.exec(`UPDATE users SET password_hash = ?, password_changed_at = ?, updated_at = ? WHERE id = ?`,
			hash, micros(at), micros(at), id)
		if err != nil {
			return 0, err
		}
		return n, t.endSessions(id)
	})
}

// SetRole changes the account's role; fault.Conflict when no enabled admin
// would be left.
func (s *Store) SetRole(ctx context.Context, id int64, role access.Role, at time.Time, by access.Touch, records ...audit.Record) error {
	return s.changeUser(ctx, by, records, func(t *tx) (int64, error) {
		return t.exec(`UPDATE users SET role = ?, updated_at = ? WHERE id = ?`, string(role), micros(at), id)
	})
}

// SetDisabled locks the account out and ends its sessions, API tokens and
// calendar feed, or lets it in again, with nothing of these; fault.Conflict when no enabled admin would be left.
func (s *Store) SetDisabled(ctx context.Context, id int64, disabled bool, at time.Time, by access.Touch, records ...audit.Record) error {
	return s.changeUser(ctx, by, records, func(t *tx) (int64, error) {
		n, err := t.exec(`UPDATE users SET disabled = ?, updated_at = ? WHERE id = ?`, disabled, micros(at), id)
		if err != nil || !disabled {
			return n, err
		}
		if _, err := t.removeKeys(id); err != nil {
			return n, err
		}
		return n, t.endSessions(id)
	})
}

// RemoveKeys deletes the person's API tokens, calendar feed and permit to be
// linked with a provider, and says how many. Where there
// were none, nothing is recorded.
func (s *Store) RemoveKeys(ctx context.Context, userID int64, records ...audit.Record) (n int, err error) {
	raw, err := canonical(records)
	if err != nil {
		return 0, err
	}
	return n, s.write(ctx, func(t *tx) (err error) {
		if n, err = t.removeKeys(userID); err != nil || n == 0 {
			return err
		}
		return t.append(raw)
	})
}

func (t *tx) removeKeys(userID int64) (n int, err error) {
	for _, text := range []string{`DELETE FROM api_tokens WHERE user_id = ?`, `DELETE FROM calendar_feeds WHERE user_id = ?`,
		`DELETE FROM link_permits WHERE user_id = ?`} {
		gone, err := t.exec(text, userID)
		if err != nil {
			return n, fmt.Errorf("remove keys: %w", err)
		}
		n += int(gone)
	}
	return n, nil
}

// changeUser makes one change with its touch and its records, unless access.KeepAdmin
// refuses it.
func (s *Store) changeUser(ctx context.Context, by access.Touch, records []audit.Record, change func(*tx) (int64, error)) error {
	raw, err := canonical(records)
	if err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		before, err := t.countAdmins()
		if err != nil {
			return err
		}
		n, err := change(t)
		if err != nil {
			return fmt.Errorf("change account: %w", err)
		}
		if n == 0 {
			return noUser()
		}
		after, err := t.countAdmins()
		if err != nil {
			return err
		}
		if err := access.KeepAdmin(before, after); err != nil {
			return err
		}
		if err := t.insertTouch(by); err != nil {
			return err
		}
		return t.append(raw)
	})
}

// AccountsStamp is a text that changes when accounts are disabled, enabled or get
// another role.
func (s *Store) AccountsStamp(ctx context.Context) (stamp string, err error) {
	var n, newest, disabled, roles int64
	err = s.queryRow(ctx, `SELECT count(*), coalesce(max(updated_at), 0), coalesce(sum(disabled), 0), coalesce(sum(length(role)), 0) FROM users`).
		Scan(&n, &newest, &disabled, &roles)
	if err != nil {
		return "", fmt.Errorf("read the accounts' stamp: %w", err)
	}
	return fmt.Sprint(n, newest, disabled, roles), nil
}

func (t *tx) countAdmins() (n int, err error) {
	err = t.queryRow(`SELECT count(*) FROM users WHERE role = ? AND disabled = ?`, string(access.Admin), false).Scan(&n)
	if err != nil {
		err = fmt.Errorf("count admins: %w", err)
	}
	return n, err
}
