package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"cxseal/internal/fault"
)

// indexedText bounds the text of records that are indexed in one transaction.
const indexedText = 4 << 20

// indexTerms adds the terms of the records after a seq and up to another of the
// same block to the index, or of as many of them as have indexedText, and returns
// the last.
func (t *tx) indexTerms(after, upto int64) (last int64, err error) {
	fresh := newTermBlock()
	text := 0
	last = after
	_, err = collectFrom(t, func(row scanner) (_ struct{}, err error) {
		if text > indexedText {
			return struct{}{}, nil
		}
		r, err := scanTermRow(row)
		if err == nil {
			fresh.add(&r)
			last = r.seq
			text += len(r.detail)
		}
		return struct{}{}, err
	}, `SELECT `+termColumns+` FROM audit_records WHERE seq > ? AND seq <= ? ORDER BY seq`, after, upto)
	if err != nil {
		return last, fmt.Errorf("read the terms of audit records: %w", err)
	}
	block := blockOf(last)
	known, err := t.termsOf(block, fresh, placeIn(after+1) > 0)
	if err != nil {
		return last, err
	}
	for _, term := range slices.Sorted(maps.Keys(fresh.places)) {
		var set recordSet
		if old, ok := known[term]; ok {
			if err := set.addPacked(old); err != nil {
				return last, fmt.Errorf("block %d: %w", block, err)
			}
		}
		fresh.addTo(&set, term)
		if _, err := t.exec(`INSERT INTO audit_terms (block, term, seqs) VALUES (?, ?, ?)
			ON CONFLICT (block, term) DO UPDATE SET seqs = excluded.seqs`, block, term, set.packed()); err != nil {
			return last, fmt.Errorf("index the terms of audit records: %w", err)
		}
	}
	return last, nil
}

// oneByOne is up to how many terms are looked up one by one; a block has some
// thousands.
const oneByOne = 500

// termsOf reads what the index has about the terms of a block that has begun.
func (t *tx) termsOf(block int64, fresh *termBlock, begun bool) (map[string][]byte, error) {
	known := map[string][]byte{}
	if !begun {
		return known, nil
	}
	if len(fresh.places) > oneByOne {
		_, err := collectFrom(t, func(row scanner) (struct{}, error) {
			var term string
			var seqs []byte
			err := row.Scan(&term, &seqs)
			known[term] = seqs
			return struct{}{}, err
		}, `SELECT term, seqs FROM audit_terms WHERE block = ?`, block)
		return known, err
	}
	for term := range fresh.places {
		list, err := collectFrom(t, func(row scanner) (seqs []byte, err error) { return seqs, row.Scan(&seqs) },
			`SELECT seqs FROM audit_terms WHERE block = ? AND term = ?`, block, term)
		if err != nil {
			return nil, fmt.Errorf("look up a term: %w", err)
		}
		if len(list) > 0 {
			known[term] = list[0]
		}
	}
	return known, nil
}

// tailTerms are the terms of the newest records, which are not in the index yet,
// kept in memory. It grows as records are appended, and gives way to another when
// they are indexed.
type tailTerms struct {
	mark int64 // it begins behind it

	mu     sync.RWMutex
	size   int64 // its last record
	blocks map[int64]*termBlock
}

// mostUnindexed is how many records a tail may have. More wait only while an
// index is made anew.
const mostUnindexed = 5000

// waitForIndex is how long a search waits for such an index.
const waitForIndex = time.Second

// errNotIndexed answers a search while the index is far behind.
func errNotIndexed(mark, size int64) error {
	return fault.New(fault.Unavailable, "The search of the log is being made ready, after an upgrade for example: it knows %d of %d records. Try again in a minute.", mark, size)
}

// unindexed returns how far the index goes, how far the log goes, and the terms
// of the records between, nil when there are none.
func (s *Store) unindexed(search reading) (mark, size int64, tail *tailTerms, err error) {
	look := func() error {
		return firstRow(search, `SELECT (SELECT value FROM marks WHERE name = ?), (SELECT coalesce(max(seq), 0) FROM audit_records)`, derivedMark).Scan(&mark, &size)
	}
	if err := look(); err != nil {
		return 0, 0, nil, fmt.Errorf("see how far the log's terms are indexed: %w", err)
	}
	if size-mark > mostUnindexed {
		if s.writer == nil {
			return 0, 0, nil, fault.New(fault.Invalid, "Too many of the newest records of the database are not in its index yet, and it was opened for reading only: search without conditions, or let a console open it once.")
		}
		brief, cancel := context.WithTimeout(search.ctx, waitForIndex)
		defer cancel()
		if err := s.derived(brief); err != nil {
			if search.ctx.Err() == nil && brief.Err() != nil {
				return 0, 0, nil, errNotIndexed(mark, size)
			}
			return 0, 0, nil, err
		}
		if err := look(); err != nil {
			return 0, 0, nil, err
		}
	}
	if size <= mark {
		return mark, size, nil, nil
	}
	s.tailMu.Lock()
	if s.tail == nil || s.tail.mark != mark {
		s.tail = &tailTerms{mark: mark, size: mark, blocks: map[int64]*termBlock{}}
	}
	tail = s.tail
	s.tailMu.Unlock()
	return mark, size, tail, tail.reach(search, size)
}

// reach reads the records up to a seq.
func (t *tailTerms) reach(search reading, size int64) error {
	t.mu.RLock()
	there := t.size >= size
	t.mu.RUnlock()
	if there {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.size >= size {
		return nil
	}
	_, err := collectFrom(search, func(row scanner) (_ struct{}, err error) {
		r, err := scanTermRow(row)
		if err != nil {
			return struct{}{}, err
		}
		b := blockOf(r.seq)
		if t.blocks[b] == nil {
			t.blocks[b] = newTermBlock()
		}
		t.blocks[b].add(&r)
		t.size = r.seq
		return struct{}{}, nil
	}, `SELECT `+termColumns+` FROM audit_records WHERE seq > ? AND seq <= ? ORDER BY seq`, t.size, size)
	if err != nil {
		return fmt.Errorf("read the newest records: %w", err)
	}
	t.size = size
	return nil
}

// has reports whether records of a block are in the tail.
func (t *tailTerms) has(block int64) bool {
	if t == nil {
		return false
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.blocks[block] != nil
}

// each calls fn as eachTerm does.
func (t *tailTerms) each(blocks []int64, terms []termRange, fn func(block int64, number int, term string, set *recordSet)) {
	if t == nil {
		return
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, block := range blocks {
		b := t.blocks[block]
		if b == nil {
			continue
		}
		give := func(number int, term string) {
			var set recordSet
			b.addTo(&set, term)
			fn(block, number, term, &set)
		}
		for i, wanted := range terms {
			if wanted.to == "" {
				if b.places[wanted.from] != nil {
					give(i, wanted.from)
				}
				continue
			}
			for term := range b.places {
				if wanted.holds(term) {
					give(i, term)
				}
			}
		}
	}
}

// termsCheck holds the index of terms against the records, which it takes in
// their order, a block at a time.
type termsCheck struct {
	have *finishedBlock // nil before the first
	done []finishedBlock
}

// finishedBlock is the terms of a block's records, and the last of their places.
type finishedBlock struct {
	block int64
	terms *termBlock
	last  int
}

// record takes a record with its columns, in the order of readingColumns.
func (c *termsCheck) record(seq int64, cells []driver.Value) {
	if seq < 1 {
		return
	}
	if b := blockOf(seq); c.have == nil || b != c.have.block {
		c.finish()
		c.have = &finishedBlock{block: b, terms: newTermBlock()}
	}
	c.have.last = placeIn(seq)
	text := func(i int) string { return string(bytesOf(nil, cells[i])) }
	c.have.terms.add(&termRow{seq: seq, timestamp: text(1), operation: text(2), outcome: text(3), actor: text(4), role: text(5),
		connection: text(7), datastore: text(8), table: text(9), columns: columnNames(cells[columnsReading]), detail: text(len(readingColumns) - 1)})
}

// finish moves the block that was begun to those that can be compared.
func (c *termsCheck) finish() {
	if c.have != nil {
		c.done = append(c.done, *c.have)
		c.have = nil
	}
}
