package store

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
	"cxseal/store/groupcommit"
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

// nextSeq is the number of the record that is appended next.
func (t *tx) nextSeq() (int64, error) {
	if err := t.loadTree(); err != nil {
		return 0, err
	}
	return t.s.edge.tree.Size() + 1, nil
}

// append adds records to the ledger and their hashes to the tree.
func (t *tx) append(records [][]byte) error {
	if len(records) == 0 {
		return nil
	}
	if err := t.loadTree(); err != nil {
		return err
	}
	tree := &t.s.edge.tree
	var buf [64]tlog.Hash
	for _, raw := range records {
		index := tree.Size()
		leaf := audit.LeafHash(raw)
		_, err := t.exec(`INSERT INTO audit_records (seq, record, leaf_hash) VALUES (?, ?, ?)`,
			index+1, string(raw), leaf[:])
		if t.isDuplicate(err) {
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
	t.s.behind.add(len(records))
	return nil
}

// treeEdge is the right edge of the ledger's tree, kept in memory so that an
// append reads nothing. It is a hook of the writer: what a job appended is
// forgotten with the job.
type treeEdge struct {
	tree  audit.Tree // as of the running transaction
	fresh bool       // tree was compared with the table in this transaction

	savedTree  audit.Tree
	savedFresh bool
}

var _ groupcommit.Hook = (*treeEdge)(nil)

// Begin distrusts the edge: another process may have appended.
func (e *treeEdge) Begin() { e.fresh = false }

// Save remembers the edge.
func (e *treeEdge) Save() { e.savedTree, e.savedFresh = e.tree, e.fresh }

// Undo goes back to the edge that Save remembered.
func (e *treeEdge) Undo() { e.tree, e.fresh = e.savedTree, e.savedFresh }

// Commit keeps the edge for the next transaction.
func (e *treeEdge) Commit() {}

// Rollback forgets the edge: it may hold leaves that were never committed.
func (e *treeEdge) Rollback() { e.tree, e.fresh = audit.Tree{}, false }

// Idle has nothing to do.
func (e *treeEdge) Idle(bool) groupcommit.Work { return groupcommit.Work{} }

// loadTree makes sure, once a transaction, that the edge kept in memory is the
// database's.
func (t *tx) loadTree() error {
	e := &t.s.edge
	if e.fresh {
		return nil
	}
	var size int64
	if err := t.queryRow(`SELECT coalesce(max(seq), 0) FROM audit_records`).Scan(&size); err != nil {
		return fmt.Errorf("size of the audit log: %w", err)
	}
	if size != e.tree.Size() || size == 0 {
		tree, err := audit.LoadTree(size, tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
			return readHashes(t, indexes)
		}))
		if err != nil {
			return fmt.Errorf("the audit log cannot be continued, run cxseal verify: %w", err)
		}
		e.tree = tree
	}
	e.fresh = true
	return nil
}

// readHashes reads tree hashes one by one; a caller never needs more than a
// few dozen.
func readHashes(q querier, indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, idx := range indexes {
		var b []byte
		if err := firstRow(q, `SELECT hash FROM audit_hashes WHERE idx = ?`, idx).Scan(&b); err != nil {
			return nil, fmt.Errorf("tree hash %d: %w", idx, err)
		}
		if len(b) != tlog.HashSize {
			return nil, fmt.Errorf("tree hash %d has %d bytes instead of %d", idx, len(b), tlog.HashSize)
		}
		copy(hashes[i][:], b)
	}
	return hashes, nil
}
