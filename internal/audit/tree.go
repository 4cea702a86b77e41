package audit

import (
	"crypto/sha256"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"

	"cxseal/internal/fault"
)

// maxTreeSize bounds every tree size and index that comes from outside, far
// above any real log and far below where tlog's index arithmetic overflows.
const maxTreeSize = 1 << 48

// LeafHash is the hash of one record in the tree: SHA-256(0x00 ‖ raw),
// RFC 6962 §2.1.
func LeafHash(raw []byte) [32]byte { return tlog.RecordHash(raw) }

// StoredHashes returns the hashes to store with the record whose 0-based index
// is n, to be written from tlog.StoredHashIndex(0, n) on. r reads the ones
// stored before. A caller who appends many records keeps a Tree instead and
// reads nothing.
func StoredHashes(n int64, raw []byte, r tlog.HashReader) ([]tlog.Hash, error) {
	return tlog.StoredHashes(n, raw, r)
}

// TreeHead is the RFC 6962 root of the log's first size records.
func TreeHead(size int64, r tlog.HashReader) (tlog.Hash, error) {
	return tlog.TreeHash(size, r)
}

// InclusionProof proves that the record with the 0-based index stands in the
// tree of the given size.
func InclusionProof(size, index int64, r tlog.HashReader) (tlog.RecordProof, error) {
	if index < 0 || index >= size {
		return nil, fault.New(fault.NotFound, "The checkpoint covers %d records, and record %d is not among them", size, index+1)
	}
	return tlog.ProveRecord(size, index, r)
}

// ConsistencyProof proves that the tree of size older is a prefix of the tree
// of size newer: nothing before was changed or removed.
func ConsistencyProof(older, newer int64, r tlog.HashReader) (tlog.TreeProof, error) {
	if older < 1 || older > newer {
		return nil, fault.New(fault.Invalid, "A consistency proof needs two sizes with 1 ≤ older ≤ newer, not %d and %d", older, newer)
	}
	return tlog.ProveTree(newer, older, r)
}

// Tree is the right edge of a Merkle tree: the roots of its complete subtrees, at most one a level. Appending
// and the root need no more than that, so a Tree takes constant memory for a log of any length. The zero Tree
// is empty. A Tree is a value: an assignment makes an independent copy.
type Tree struct {
	size int64
	edge [48]tlog.Hash // edge[l] is valid when bit l of size is set
}

// LoadTree reads the right edge of a tree of the given size from its stored
// hashes.
func LoadTree(size int64, r tlog.HashReader) (Tree, error) {
	t := Tree{size: size}
	if size < 0 || size >= maxTreeSize {
		return Tree{}, fault.New(fault.Invalid, "A log cannot have %d records", size)
	}
	var indexes []int64
	var levels []int
	for l := bits.Len64(uint64(size)) - 1; l >= 0; l-- { // left to right, so indexes ascend
		if size>>l&1 == 1 {
			indexes = append(indexes, tlog.StoredHashIndex(l, size>>l-1))
			levels = append(levels, l)
		}
	}
	if len(indexes) == 0 {
		return t, nil
	}
	hashes, err := r.ReadHashes(indexes)
	if err != nil {
		return Tree{}, err
	}
	if len(hashes) != len(indexes) {
		return Tree{}, fault.New(fault.Internal, "The log's stored hashes are incomplete: %d of %d were found", len(hashes), len(indexes))
	}
	for i, l := range levels {
		t.edge[l] = hashes[i]
	}
	return t, nil
}

// Size is the number of records in the tree.
func (t *Tree) Size() int64 { return t.size }

// Append adds a leaf and appends to dst the hashes to be stored with it, the
// same as StoredHashes returns: the leaf's own, then those of the subtrees it
// completes.
func (t *Tree) Append(leaf tlog.Hash, dst []tlog.Hash) []tlog.Hash {
	dst = append(dst, leaf)
	h, l := leaf, 0
	for ; t.size>>l&1 == 1; l++ {
		h = nodeHash(&t.edge[l], &h)
		dst = append(dst, h)
	}
	t.edge[l] = h
	t.size++
	return dst
}

// Root is the RFC 6962 root over everything appended so far.
func (t *Tree) Root() tlog.Hash {
	if t.size == 0 {
		return sha256.Sum256(nil)
	}
	l := bits.TrailingZeros64(uint64(t.size)) //nolint:gosec // a size is never negative
	h := t.edge[l]
	for l++; t.size>>l != 0; l++ {
		if t.size>>l&1 == 1 {
			h = nodeHash(&t.edge[l], &h)
		}
	}
	return h
}

// nodeHash is tlog.NodeHash without its copies by value.
func nodeHash(left, right *tlog.Hash) tlog.Hash {
	var buf [1 + 2*tlog.HashSize]byte
	buf[0] = 0x01
	copy(buf[1:], left[:])
	copy(buf[1+tlog.HashSize:], right[:])
	return sha256.Sum256(buf[:])
}
