package store

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// AppendRecords appends audit records that stand alone.
func (s *Store) AppendRecords(ctx context.Context, records ...audit.Record) error {
	if len(records) == 0 {
		return nil
	}
	raw, err := canonical(records)
	if err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error { return t.append(raw) })
}

// canonical makes the bytes of records before the transaction, which others
// wait for.
func canonical(records []audit.Record) ([][]byte, error) {
	raw := make([][]byte, len(records))
	for i, r := range records {
		b, err := audit.Canonical(r)
		if err != nil {
			return nil, fmt.Errorf("audit record %s: %w", r.Operation, err)
		}
		raw[i] = b
	}
	return raw, nil
}

// append adds records to the ledger and their hashes to the tree.
func (t *tx) append(records [][]byte) error {
	if len(records) == 0 {
		return nil
	}
	if err := t.loadTree(); err != nil {
		return err
	}
	tree := &t.w.tree
	var buf [64]tlog.Hash
	for _, raw := range records {
		index := tree.Size()
		leaf := audit.LeafHash(raw)
		_, err := t.exec(`INSERT INTO audit_records (seq, record, leaf_hash) VALUES (?, ?, ?)`,
			index+1, string(raw), leaf[:])
		if isDuplicate(err) {
			return fault.Wrap(err, fault.Conflict, "The audit record was appended already.")
		}
		if err != nil {
			return fmt.Errorf("append audit record %d: %w", index+1, err)
		}
		at := tlog.StoredHashIndex(0, index)
		for i, h := range tree.Append(leaf, buf[:0]) {
			if _, err := t.exec(`INSERT INTO audit_hashes (idx, hash) VALUES (?, ?)`, at+int64(i), h[:]); err != nil {
				return fmt.Errorf("append tree hash %d: %w", at+int64(i), err)
			}
		}
	}
	return nil
}

// loadTree makes sure, once a transaction, that the tree kept in memory is the
// database's: another process may have appended since the last one.
func (t *tx) loadTree() error {
	if t.w.fresh {
		return nil
	}
	var size int64
	if err := t.queryRow(`SELECT coalesce(max(seq), 0) FROM audit_records`).Scan(&size); err != nil {
		return fmt.Errorf("size of the audit log: %w", err)
	}
	if size != t.w.tree.Size() || size == 0 {
		tree, err := audit.LoadTree(size, tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
			return readHashes(indexes, t.queryRow)
		}))
		if err != nil {
			return fmt.Errorf("the audit log cannot be continued, run cxseal verify: %w", err)
		}
		t.w.tree = tree
	}
	t.w.fresh = true
	t.w.before = size
	return nil
}

// readHashes reads tree hashes one by one; a caller never needs more than a
// few dozen.
func readHashes(indexes []int64, queryRow func(string, ...any) row) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, idx := range indexes {
		var b []byte
		if err := queryRow(`SELECT hash FROM audit_hashes WHERE idx = ?`, idx).Scan(&b); err != nil {
			return nil, fmt.Errorf("tree hash %d: %w", idx, err)
		}
		if len(b) != tlog.HashSize {
			return nil, fmt.Errorf("tree hash %d has %d bytes instead of %d", idx, len(b), tlog.HashSize)
		}
		copy(hashes[i][:], b)
	}
	return hashes, nil
}
