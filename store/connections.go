package store

import (
	"context"
	"fmt"

	"cxseal/internal/audit"
	"cxseal/internal/connection"
	"cxseal/internal/fault"
)

var _ connection.Store = (*Store)(nil)

// StoredConnections returns every managed connection in the order of names.
func (s *Store) StoredConnections(ctx context.Context) ([]connection.Stored, error) {
	list, err := collect(ctx, s, func(row scanner) (c connection.Stored, err error) {
		err = row.Scan(&c.Settings.Name, jsonText{&c.Settings}, &c.Disabled, &c.Version, stamp{&c.CreatedAt}, stamp{&c.UpdatedAt},
			&c.Sealed.ClientSecret, &c.Sealed.AccessKeySecret, &c.Sealed.KMSSecrets)
		return c, err
	}, `SELECT name, settings, disabled, version, created_at, updated_at, client_secret, access_key_secret, kms_secrets
		FROM connections ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("list connections: %w", err)
	}
	return list, nil
}

// AddConnection inserts the connection; a name that is taken is
// fault.Conflict.
func (s *Store) AddConnection(ctx context.Context, c connection.Stored, records ...audit.Record) error {
	return s.recorded(ctx, records, func(t *tx) error {
		_, err := t.exec(`INSERT INTO connections (name, settings, disabled, version, created_at, updated_at,
			client_secret, access_key_secret, kms_secrets) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			c.Settings.Name, jsonText{c.Settings}, c.Disabled, c.Version, micros(c.CreatedAt), micros(c.UpdatedAt),
			c.Sealed.ClientSecret, c.Sealed.AccessKeySecret, c.Sealed.KMSSecrets)
		if t.isDuplicate(err) {
			return fault.Wrap(err, fault.Conflict, "There is a connection %q already.", c.Settings.Name)
		}
		if err != nil {
			return fmt.Errorf("add connection: %w", err)
		}
		return nil
	})
}

// ReplaceConnection is a compare-and-swap on the version: fault.Conflict when
// another person changed the connection since.
func (s *Store) ReplaceConnection(ctx context.Context, c connection.Stored, was int64, records ...audit.Record) error {
	return s.recorded(ctx, records, func(t *tx) error {
		n, err := t.exec(`UPDATE connections SET settings = ?, disabled = ?, version = ?, updated_at = ?,
			client_secret = ?, access_key_secret = ?, kms_secrets = ? WHERE name = ? AND version = ?`,
			jsonText{c.Settings}, c.Disabled, c.Version, micros(c.UpdatedAt),
			c.Sealed.ClientSecret, c.Sealed.AccessKeySecret, c.Sealed.KMSSecrets, c.Settings.Name, was)
		if err != nil {
			return fmt.Errorf("replace connection: %w", err)
		}
		if n == 0 {
			return fault.New(fault.Conflict, "Somebody else has changed this connection meanwhile. Look at it again.")
		}
		return nil
	})
}
