package audit

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// maxSuspects bounds how many differing records are compared with each other
// to recognise swaps.
const maxSuspects = 10_000

// logVerifier is the state of VerifyLog between two records.
type logVerifier struct {
	rep    *Report
	origin string
	roots  []knownRoot // ascending size; met counts those behind us
	met    int

	hashes    bool // there are stored hashes to compare with
	next      func() (StoredHash, error)
	peek      tlog.Hash // the next stored hash, if have
	peekIndex int64
	peekOK    bool // it is 32 bytes long
	have      bool
	index     int64 // the stored-hash index that comes next

	recs   Tree // of the records' bytes (of stored hashes where records are gone)
	kept   Tree // of the stored leaf hashes; equal to recs unless forked
	forked bool
	mine   []tlog.Hash // scratch: what recs and kept stored with the last leaf
	theirs []tlog.Hash

	missFrom, missTo int64 // a run of records whose stored hashes are missing
	lastBad          int64 // newest record known to disagree with the tree
	lastGood         int64 // size of the newest checkpoint that matched
	failed           bool  // a checkpoint did not match since then
	alsoFailed       int64
	unsettled        int // rep.Problems from here on may be judged by a checkpoint
	suspects         []suspect
}

// suspect is a record whose hash differs from the stored one.
type suspect struct {
	problem   int // in rep.Problems
	seq       int64
	has, want tlog.Hash
}

// step takes the next record: leaf is the hash of its bytes, nil if the record
// is gone; column is the leaf hash stored beside it.
func (v *logVerifier) step(leaf *tlog.Hash, column []byte) error {
	seq := v.recs.Size() + 1
	stored, ok, err := v.takeHash()
	if err != nil {
		return err
	}
	mine, theirs := stored, stored
	switch {
	case leaf != nil:
		mine = *leaf
		if !ok {
			theirs = mine
		}
		v.judge(seq, mine, stored, ok, column)
	case !ok:
		v.lastBad = seq // neither record nor hash: trees over it mean nothing until a checkpoint
	}
	if mine != theirs && !v.forked {
		v.kept, v.forked = v.recs, true
	}
	v.mine = v.recs.Append(mine, v.mine[:0])
	inner := v.mine
	if v.forked {
		v.theirs = v.kept.Append(theirs, v.theirs[:0])
		inner = v.theirs
	}
	if err := v.innerHashes(seq, inner, leaf != nil, ok); err != nil {
		return err
	}
	v.meetCheckpoints()
	return nil
}

// judge compares one record's hash with the two that were kept of it.
func (v *logVerifier) judge(seq int64, has, stored tlog.Hash, ok bool, column []byte) {
	columnOK := string(column) == string(has[:])
	storedOK := !ok || stored == has
	if columnOK && storedOK {
		return
	}
	want := stored
	var message string
	switch {
	case storedOK && ok:
		v.rep.addf(HashChanged, seq, seq, "The leaf hash beside record %d was changed; its bytes agree with the tree", seq)
		return
	case storedOK: // no tree to compare with: the column is all there is
		copy(want[:], column)
		message = fmt.Sprintf("Record %d is not what was logged: its bytes hash to %s, the leaf hash beside it is %x", seq, HexHash(has), column)
	default:
		message = fmt.Sprintf("Record %d is not what was logged: its bytes hash to %s, the tree holds %s", seq, HexHash(has), HexHash(want))
	}
	v.lastBad = seq
	if len(v.suspects) < maxSuspects && v.rep.More == 0 {
		v.suspects = append(v.suspects, suspect{len(v.rep.Problems), seq, has, want})
	}
	v.rep.add(Problem{RecordChanged, seq, seq, message})
}

// innerHashes compares the subtree hashes stored with a record. A node over a
// record already found bad says nothing new, and neither do absent hashes of a
// record that is itself absent.
func (v *logVerifier) innerHashes(seq int64, theirs []tlog.Hash, present, leafStored bool) error {
	missing := !leafStored
	for l := 1; l < len(theirs); l++ {
		stored, ok, err := v.takeHash()
		if err != nil {
			return err
		}
		first := seq - 1<<l + 1
		switch {
		case !ok:
			missing = true
		case stored != theirs[l] && stored != v.mine[l] && v.lastBad < first:
			v.lastBad = seq
			v.rep.addf(RecordChanged, first, seq, "The tree does not match %s: one of them was changed together with its own hash, or the stored tree hash over them was", span(first, seq))
		}
	}
	if !missing || !present || !v.hashes {
		return nil
	}
	if v.missTo == 0 || v.missTo != seq-1 {
		v.flushMissing()
		v.missFrom = seq
	}
	v.missTo = seq
	return nil
}

// takeHash consumes the stored hash at the next index, if it is there and
// whole.
func (v *logVerifier) takeHash() (tlog.Hash, bool, error) {
	want := v.index
	v.index++
	if !v.have || v.peekIndex != want {
		return tlog.Hash{}, false, nil
	}
	h, ok := v.peek, v.peekOK
	return h, ok, v.peekHash()
}

func (v *logVerifier) flushMissing() {
	if v.missTo > 0 {
		v.rep.addf(HashMissing, v.missFrom, v.missTo, "Stored tree hashes are missing or malformed: those of %s", span(v.missFrom, v.missTo))
	}
	v.missFrom, v.missTo = 0, 0
}

// gap continues the trees over missing records up to number to, from the stored hashes where they exist.
// Where they do not, it jumps, because the numbers come from the database and may be astronomical.
func (v *logVerifier) gap(ctx context.Context, to int64) error {
	for v.recs.Size() < to {
		size := v.recs.Size()
		if size%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if !v.have || v.peekIndex != v.index {
			land := to
			if v.have {
				land = min(land, v.peekRecord()-1)
			}
			if land = max(land, size+1); land > size+1 {
				v.jump(land - 1)
			}
		}
		if err := v.step(nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// peekRecord is the number of the record that the next stored hash came with.
func (v *logVerifier) peekRecord() int64 {
	level, n := tlog.SplitStoredHashIndex(v.peekIndex)
	return (n + 1) << level
}

// jump moves both trees to a size without knowing what lies between. Subtrees
// wholly beyond it will be right again; those over it count as known bad.
// Checkpoints inside the jump cannot be held against anything.
func (v *logVerifier) jump(size int64) {
	v.index = tlog.StoredHashIndex(0, size)
	v.recs.size, v.kept.size = size, size
	v.lastBad = size
	for v.met < len(v.roots) && v.roots[v.met].size <= size {
		v.failCheckpoint(v.roots[v.met])
		v.met++
	}
}

// meetCheckpoints compares the trees with every checkpoint of this size.
func (v *logVerifier) meetCheckpoints() {
	for v.met < len(v.roots) && v.roots[v.met].size == v.recs.Size() {
		r := v.roots[v.met]
		v.met++
		switch {
		case v.recs.Root() == r.root:
			v.settle(r.size)
			v.kept = v.recs
		case v.forked && v.kept.Root() == r.root:
			v.recs = v.kept
		default:
			v.failCheckpoint(r)
			continue
		}
		v.forked, v.failed, v.lastBad = false, false, 0
		v.lastGood = r.size
		v.unsettled = len(v.rep.Problems)
		v.rep.Matched++
		v.rep.Checkpoint = &Checkpoint{Origin: v.origin, Size: r.size, Root: r.root}
	}
}

// settle turns the changed records since the last checkpoint into changed hashes, because the checkpoint of
// this size matches the records.
func (v *logVerifier) settle(size int64) {
	for i := v.unsettled; i < len(v.rep.Problems); i++ {
		p := &v.rep.Problems[i]
		if p.Kind != RecordChanged {
			continue
		}
		p.Kind = HashChanged
		p.Message = fmt.Sprintf("A stored hash over %s was changed; the bytes are as signed in the checkpoint of %s", span(p.From, p.To), CountOf(size, "record"))
	}
}

func (v *logVerifier) failCheckpoint(r knownRoot) {
	if v.failed {
		v.alsoFailed++
		return
	}
	v.failed = true
	since := "no earlier one is at hand"
	if v.lastGood > 0 {
		since = "the one of " + CountOf(v.lastGood, "record") + " does"
	}
	v.rep.addf(HistoryRewritten, min(v.lastGood+1, r.size), r.size,
		"The signed checkpoint of %s from %s does not match; %s: something in %s was changed, added or removed",
		CountOf(r.size, "record"), r.source, since, span(min(v.lastGood+1, r.size), r.size))
}

// nameCopies adds to each changed record which other record's bytes it holds, if any.
func (v *logVerifier) nameCopies() {
	holder := make(map[tlog.Hash]suspect, len(v.suspects))
	for _, s := range v.suspects {
		holder[s.want] = s
	}
	for _, s := range v.suspects {
		other, ok := holder[s.has]
		if !ok || s.problem >= len(v.rep.Problems) || v.rep.Problems[s.problem].Kind != RecordChanged {
			continue
		}
		p := &v.rep.Problems[s.problem]
		if other.has == s.want {
			p.Kind = RecordsSwapped
		}
		p.Message += fmt.Sprintf("; it holds the bytes of record %d", other.seq)
	}
}
