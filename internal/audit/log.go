package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"cxseal/internal/fault"
)

// KeptCheckpoint is a signed checkpoint as it is kept beside the log.
type KeptCheckpoint struct {
	Size       int64
	Root       tlog.Hash
	Note       string // the signed text
	CreatedAt  time.Time
	AnchoredAt time.Time // zero: no copy has left the machine
	Anchor     string    // where the copy went, for a person
}

// Repeat returns fault.Conflict when the checkpoint that was kept before for the same size has another root:
// one of the two was signed for a changed log.
func (c KeptCheckpoint) Repeat(before KeptCheckpoint) error {
	if c.Root != before.Root {
		return fault.New(fault.Conflict, "Another checkpoint of %d records was signed before: the audit log was changed, run cxseal verify.", c.Size)
	}
	return nil
}

// LogStore is the database that a Log needs.
type LogStore interface {
	TreeSize(ctx context.Context) (int64, error)
	HashReader(ctx context.Context) tlog.HashReader
	// LatestCheckpoint is nil when none was made yet.
	LatestCheckpoint(ctx context.Context) (*KeptCheckpoint, error)
	// LatestAnchored is the newest of which a copy left the machine, or nil.
	LatestAnchored(ctx context.Context) (*KeptCheckpoint, error)
	// AnchorCheckpoint notes that a copy of the checkpoint of this size was taken off the machine.
	AnchorCheckpoint(ctx context.Context, size int64, at time.Time, anchor string) error
	// AddCheckpoint is fault.Conflict when another root was signed for the size.
	AddCheckpoint(ctx context.Context, c KeptCheckpoint, records ...Record) error
	CoverageHistory

	// AuditPage returns the records that match, newest first, before a seq.
	AuditPage(ctx context.Context, f Filter, before int64, limit int) ([]Entry, error)
	// AuditPageAfter returns those right after a seq, newest first too.
	AuditPageAfter(ctx context.Context, f Filter, after int64, limit int) ([]Entry, error)
}

// Log signs checkpoints of the ledger and proves records under them.
type Log struct {
	store LogStore
	key   *Key
	now   func() time.Time

	tempDir string
	signing sync.Mutex // one checkpoint at a time: each continues the one before

	dueRecords int64
	dueEvery   time.Duration
	anchors    []Anchor
	anchoring  sync.Mutex // each anchor gets a checkpoint once
	lastError  struct {
		sync.Mutex
		text  string
		since time.Time
	}
}

// NewLog returns the log of a store, signed with the key. Packs wait in tempDir
// while they are made; "" is the system's, which may be memory.
func NewLog(store LogStore, key *Key, now func() time.Time, tempDir string, options ...LogOption) *Log {
	l := &Log{store: store, key: key, now: now, tempDir: tempDir,
		dueRecords: DefaultCheckpointRecords, dueEvery: DefaultCheckpointEvery}
	for _, o := range options {
		o(l)
	}
	return l
}

// VerifierKey returns the public key that an auditor needs to check what this log signed.
func (l *Log) VerifierKey() string { return l.key.VerifierKey() }

// Sign returns a checkpoint that covers every record there is, making one when
// the newest is older. Before it signs, it proves that the tree continues the
// newest checkpoint: a log that was rewritten is not signed again.
func (l *Log) Sign(ctx context.Context) (KeptCheckpoint, error) {
	l.signing.Lock()
	defer l.signing.Unlock()
	latest, err := l.store.LatestCheckpoint(ctx)
	if err != nil {
		return KeptCheckpoint{}, err
	}
	size, err := l.store.TreeSize(ctx)
	if err != nil {
		return KeptCheckpoint{}, err
	}
	if latest != nil && latest.Size == size {
		return *latest, nil
	}
	root, err := TreeHead(size, l.store.HashReader(ctx))
	if err != nil {
		return KeptCheckpoint{}, fault.Wrap(err, fault.Internal, "The audit log's hashes cannot be read: run cxseal verify.")
	}
	if latest != nil {
		if err := l.continues(ctx, *latest, size, root); err != nil {
			return KeptCheckpoint{}, err
		}
	}
	text, err := SignCheckpoint(l.key, size, root)
	if err != nil {
		return KeptCheckpoint{}, err
	}
	made := KeptCheckpoint{Size: size, Root: root, Note: string(text), CreatedAt: l.now()}
	return made, l.store.AddCheckpoint(ctx, made)
}

func (l *Log) continues(ctx context.Context, latest KeptCheckpoint, size int64, root tlog.Hash) error {
	if latest.Size > size {
		return fault.New(fault.Conflict, "The audit log has %d records, but %d were signed for: its end was cut off. Run cxseal verify.", size, latest.Size)
	}
	if latest.Size == 0 {
		return nil
	}
	proof, err := ConsistencyProof(latest.Size, size, l.store.HashReader(ctx))
	if err != nil {
		return fault.Wrap(err, fault.Conflict, "The audit log's tree is damaged: run cxseal verify.")
	}
	return CheckConsistency(Checkpoint{Size: latest.Size, Root: latest.Root}, Checkpoint{Size: size, Root: root}, proof)
}

// Checkpoint is the newest signed checkpoint as text, made now when there are
// records that none covers.
func (l *Log) Checkpoint(ctx context.Context) (string, error) {
	kept, err := l.Sign(ctx)
	return kept.Note, err
}

// Proof is the inclusion proof of one record (C2SP tlog-proof), under a
// checkpoint that covers it.
func (l *Log) Proof(ctx context.Context, seq int64) ([]byte, error) {
	entries, err := l.store.AuditPage(ctx, Filter{}, seq+1, 1)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 || entries[0].Seq != seq {
		return nil, fault.New(fault.NotFound, "There is no record %d in the audit log.", seq)
	}
	kept, err := l.Sign(ctx)
	if err != nil {
		return nil, err
	}
	proof, err := NewProof(entries[0], kept.Size, []byte(kept.Note), l.store.HashReader(ctx))
	if err != nil {
		return nil, err
	}
	return proof.Text(), nil
}

// packChunk is how many records are read at a time for a pack, so that no read
// of the database lasts as long as the download.
const packChunk = 500

// WritePack writes the evidence pack of the records that match and returns how
// many they are.
func (l *Log) WritePack(ctx context.Context, f Filter, w io.Writer) (rows int64, err error) {
	query, err := f.Resolve()
	if err != nil {
		return 0, err
	}
	kept, err := l.Sign(ctx)
	if err != nil {
		return 0, err
	}
	empty, err := l.whyEmpty(ctx, f, query, kept.Size)
	if err != nil {
		return 0, err
	}
	from, to := query.From, query.To
	coverage, err := l.store.CoverageAtEnds(ctx, from, to)
	if err != nil {
		return 0, err
	}
	coverage = slices.DeleteFunc(coverage, func(t TableCoverage) bool { return !query.concerns(t) })
	decisions, err := l.decisionsOf(ctx, &query, kept.Size)
	if err != nil {
		return 0, err
	}
	query.From, query.To = time.Time{}, time.Time{}
	entries := func(yield func(Entry, error) bool) {
		for e, err := range l.entries(ctx, f, kept.Size) {
			if err == nil {
				rows++
			}
			if !yield(e, err) {
				return
			}
		}
	}
	err = WritePack(ctx, w, PackInput{Entries: entries, Hashes: l.store.HashReader(ctx), Checkpoint: []byte(kept.Note),
		Key: l.key, Now: l.now(), From: from, To: to, Filter: query.String(),
		Empty: empty, Coverage: coverage, Decisions: decisions, TempDir: l.tempDir})
	return rows, err
}

// whyEmpty says in one sentence why none of the log's first size records match, "" when one does. It looks at the
// conditions from the widest to the narrowest: the log, the period, the filter.
func (l *Log) whyEmpty(ctx context.Context, f Filter, query Query, size int64) (string, error) {
	oldest := func(f Filter) (*Entry, error) {
		page, err := l.store.AuditPageAfter(ctx, f, 0, 1)
		if err != nil || len(page) == 0 || page[0].Seq > size {
			return nil, err
		}
		return &page[0], nil
	}
	if match, err := oldest(f); err != nil || match != nil {
		return "", err
	}
	first, err := oldest(Filter{})
	if err != nil {
		return "", err
	}
	if first == nil {
		return "the log has no record yet.", nil
	}
	if query.Nothing {
		return "its conditions exclude each other, so that no record can match.", nil
	}
	last, err := l.store.AuditPage(ctx, Filter{}, size+1, 1)
	if err != nil || len(last) == 0 {
		return "", errors.Join(err, errors.New("the newest record cannot be read"))
	}
	inPeriod, err := oldest(Filter{From: query.From, To: query.To})
	if err != nil {
		return "", err
	}
	if inPeriod == nil {
		return fmt.Sprintf("the log has no record %s; its records are from %s to %s.", periodText(query.From, query.To),
			first.Record.Timestamp, last[0].Record.Timestamp), nil
	}
	where := "of the whole log"
	if !query.From.IsZero() || !query.To.IsZero() {
		where = periodText(query.From, query.To)
	}
	query.From, query.To = time.Time{}, time.Time{}
	return fmt.Sprintf("no record %s matches the filter %s.", where, lineOf(query.String(), maxEmptyFilter)), nil
}

// entries yields the records that match, oldest first, up to a seq.
func (l *Log) entries(ctx context.Context, f Filter, upTo int64) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for after := int64(0); ; {
			page, err := l.store.AuditPageAfter(ctx, f, after, packChunk)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			for _, e := range slices.Backward(page) { // a page is newest first
				if e.Seq > upTo || !yield(e, nil) {
					return
				}
			}
			if len(page) == 0 {
				return
			}
			after = page[0].Seq
		}
	}
}
