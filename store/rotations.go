package store

import (
	"context"
	"fmt"

	"cxseal/internal/encryption"
)

// saveKeyVersions notes the key version that a run brought, if it did.
func (t *tx) saveKeyVersions(r *encryption.Run) error {
	version := r.ProvenKeyVersion()
	if version == 0 {
		return nil
	}
	for _, column := range r.Columns {
		_, err := t.exec(`INSERT INTO key_versions (connection, datastore_id, table_id, column_name, key_version, run_id)
			VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (connection, datastore_id, table_id, column_name) DO UPDATE SET
				key_version = excluded.key_version, run_id = excluded.run_id
				WHERE excluded.key_version > key_versions.key_version`,
			r.Connection, r.DatastoreID, r.TableID, column, version, r.ID)
		if err != nil {
			return fmt.Errorf("save key version of %s: %w", column, err)
		}
	}
	return nil
}

// LastKeyVersion is the highest key version that a verified run brought for
// the column, 0 when none. What an inventory merely read of the tenant does not
// count: it may be the very change that a callback is about to confirm.
func (s *Store) LastKeyVersion(ctx context.Context, connection, datastoreID, tableID, column string) (int64, error) {
	var v int64
	err := s.queryRow(ctx, `SELECT coalesce(max(key_version), 0) FROM key_versions
		WHERE connection = ? AND datastore_id = ? AND table_id = ? AND column_name = ?`,
		connection, datastoreID, tableID, column).Scan(&v)
	if err != nil {
		return 0, fmt.Errorf("read key version: %w", err)
	}
	return v, nil
}
