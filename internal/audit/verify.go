package audit

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"iter"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"cxseal/internal/fault"
)

// StoredEntry is a row of the ledger as it is on disk, unchecked. The iterator may reuse the slices after the
// next step.
type StoredEntry struct {
	Seq      int64
	Raw      []byte
	LeafHash []byte
}

// StoredHash is one stored hash of the tree, by its tlog.StoredHashIndex.
type StoredHash struct {
	Index int64
	Hash  []byte
}

// SignedCheckpoint is a checkpoint to hold the log against and where it was
// kept: "database", "anchor file", a file's name.
type SignedCheckpoint struct {
	Text   []byte
	Source string
}

// LogInput is all that VerifyLog reads.
type LogInput struct {
	Entries iter.Seq2[StoredEntry, error] // ascending Seq
	// NextHash returns the stored hashes in ascending Index and io.EOF at the
	// end. It is a function rather than an iterator because two iterators read
	// in step cost a coroutine switch a hash. Nil when there are none to
	// compare, as with an exported copy.
	NextHash    func() (StoredHash, error)
	Checkpoints iter.Seq2[SignedCheckpoint, error] // any order; nil for none
	VerifierKey string                             // opens the checkpoints
	Limit       int                                // problems listed one by one; 0 is DefaultProblemLimit
}

// VerifyLog recomputes the whole log from the records' bytes and compares it with everything kept beside
// them: each leaf hash, each stored hash of the tree, each signed checkpoint. Its memory is one tree edge,
// one record and the checkpoints' sizes and roots, for a log of any length.
//
// Damage is in the Report; the error is only for what could not be read.
//
// Where a record and the tree disagree, two trees are continued, one of the records and one of the stored
// hashes, and the next signed checkpoint decides which of them was signed. So the report can name the record
// or the hash as changed, and damage is still found after it.
func VerifyLog(ctx context.Context, in LogInput) (Report, error) {
	v := logVerifier{hashes: in.NextHash != nil, next: in.NextHash, rep: &Report{What: "log", limit: in.Limit}}
	if err := v.openCheckpoints(in); err != nil {
		return *v.rep, err
	}
	if err := v.peekHash(); err != nil {
		return *v.rep, err
	}
	v.meetCheckpoints()
	var buf []byte
	for e, err := range in.Entries {
		if err != nil {
			return *v.rep, err
		}
		if v.rep.Records%1024 == 0 && ctx.Err() != nil {
			return *v.rep, ctx.Err()
		}
		v.rep.Records++
		expected := v.recs.Size() + 1
		if e.Seq < expected || e.Seq >= maxTreeSize {
			v.rep.addf(RecordMisplaced, e.Seq, e.Seq, "Record %d stands where record %d was expected", e.Seq, expected)
			continue
		}
		if e.Seq > expected {
			if err := v.gap(ctx, e.Seq-1); err != nil {
				return *v.rep, err
			}
			v.rep.addf(RecordsMissing, expected, e.Seq-1, "Missing: %s", span(expected, e.Seq-1))
		}
		buf = append(append(buf[:0], 0x00), e.Raw...) // RFC 6962 §2.1, without tlog's allocations
		leaf := tlog.Hash(sha256.Sum256(buf))
		if err := v.step(&leaf, e.LeafHash); err != nil {
			return *v.rep, err
		}
	}
	v.rep.Last = v.recs.Size()
	if v.rep.Last > 0 {
		v.rep.First = 1
	}
	err := v.finish(ctx)
	return *v.rep, err
}

// knownRoot is the size and root of a checkpoint whose signature was checked, with the checkpoint's source.
type knownRoot struct {
	size   int64
	root   tlog.Hash
	source string
}

func (v *logVerifier) openCheckpoints(in LogInput) error {
	if in.Checkpoints == nil {
		return nil
	}
	for s, err := range in.Checkpoints {
		if err != nil {
			return err
		}
		c, err := OpenCheckpoint(s.Text, in.VerifierKey)
		if err != nil {
			v.rep.addf(CheckpointUnsigned, 0, 0, "A checkpoint from %s was not accepted: %s", s.Source, fault.MessageOf(err))
			continue
		}
		v.origin = c.Origin
		v.roots = append(v.roots, knownRoot{c.Size, c.Root, s.Source})
	}
	slices.SortFunc(v.roots, func(a, b knownRoot) int {
		return cmp.Or(cmp.Compare(a.size, b.size), slices.Compare(a.root[:], b.root[:]))
	})
	v.roots = slices.CompactFunc(v.roots, func(a, b knownRoot) bool { return a.size == b.size && a.root == b.root })
	return nil
}

// peekHash reads the next stored hash into v.peek.
func (v *logVerifier) peekHash() error {
	v.have = false
	if v.next == nil {
		return nil
	}
	for {
		h, err := v.next()
		if errors.Is(err, io.EOF) {
			v.next = nil
			return nil
		}
		if err != nil {
			return err
		}
		if h.Index < v.index || h.Index >= maxTreeSize {
			v.rep.addf(HashMissing, 0, 0, "A stored tree hash has the impossible position %d", h.Index)
			continue
		}
		v.peekIndex, v.have = h.Index, true
		v.peekOK = copy(v.peek[:], h.Hash) == tlog.HashSize && len(h.Hash) == tlog.HashSize
		return nil
	}
}

// finish reports records that are missing at the end: stored hashes and checkpoints beyond the last record
// cover them.
func (v *logVerifier) finish(ctx context.Context) error {
	last, known, witness := v.recs.Size(), v.recs.Size(), ""
	for v.have {
		if err := v.gap(ctx, v.peekRecord()); err != nil {
			return err
		}
	}
	if n := v.recs.Size(); n > known {
		known, witness = n, "the tree still holds their hashes"
	}
	if n := len(v.roots); n > 0 && v.roots[n-1].size > last {
		r := v.roots[n-1]
		if r.size >= known {
			known, witness = r.size, "the checkpoint of "+CountOf(r.size, "record")+" from "+r.source+" covers them"
		}
	}
	v.flushMissing()
	if known > last {
		v.rep.addf(RecordsCut, last+1, known, "Missing at the end: %s; %s", span(last+1, known), witness)
	}
	v.nameCopies()
	if v.alsoFailed > 0 {
		v.rep.notef("%s after that one cannot match either.", CountOf(v.alsoFailed, "checkpoint"))
	}
	switch {
	case len(v.roots) == 0:
		v.rep.notef("No checkpoint was at hand: the log agrees with itself, which cannot exclude that all of it was rewritten.")
	case v.lastGood < last:
		v.rep.notef("No matching checkpoint covers %s yet.", span(v.lastGood+1, last))
	}
	return nil
}
