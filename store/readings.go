package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"strings"

	"cxseal/internal/audit"
)

// VerifySurroundings holds what stands around the records against what it
// should be: the ledger's tables, indexes and triggers against those that this
// release makes, and each checkpoint's size and root against what is signed. It
// reads no record.
func (s *Store) VerifySurroundings(ctx context.Context, verifierKey string, add func(audit.Problem)) error {
	if err := s.checkSchema(ctx, add); err != nil {
		return err
	}
	return s.checkCheckpoints(ctx, verifierKey, add)
}

// VerifyReadings holds what pages, searches and the CSV read against the
// records that it comes from, and adds to the report what does not agree. The
// tree proves a record's bytes only: an edit of the columns and indexes beside
// them could hide a record from every search, or put other words into the CSV.
//
// It covers the columns generated from a record, the index of words, the hours
// and the counts of values. It reads in short chunks, the index of words apart;
// records that are appended meanwhile are left for the next time.
func (s *Store) VerifyReadings(ctx context.Context, add func(audit.Problem)) error {
	c := &readingsCheck{add: add, hours: map[string]*hourSpan{}, words: wordsCheck{seed: maphash.MakeSeed()}}
	size, err := s.TreeSize(ctx)
	if err != nil {
		return err
	}
	c.words.expect(size)
	for _, step := range []func(context.Context) error{
		func(ctx context.Context) error { return s.checkColumns(ctx, c) },
		func(ctx context.Context) error { return s.checkHours(ctx, c) },
		func(ctx context.Context) error { return s.coverWords(ctx, &c.words) },
		func(ctx context.Context) error { return s.checkWords(ctx, &c.words, add) },
		func(ctx context.Context) error { return s.checkValues(ctx, add) },
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// hourSpan is a row of audit_hours.
type hourSpan struct{ first, last, records int64 }

func changed(from, to int64, format string, args ...any) audit.Problem {
	return audit.Problem{Kind: audit.ReadingChanged, From: from, To: to, Message: fmt.Sprintf(format, args...)}
}

// checkColumns reads every record with the columns generated from it.
func (s *Store) checkColumns(ctx context.Context, c *readingsCheck) error {
	list := `seq, record, ` + strings.Join(readingColumns[:], `, `)
	for after := int64(math.MinInt64); ; {
		c.rows = 0
		if _, err := s.engine.emit(ctx, s.long, c, list, `SELECT `+list+` FROM audit_records WHERE seq > ? ORDER BY seq LIMIT 1000`, after); err != nil {
			return fmt.Errorf("read the columns of audit records: %w", err)
		}
		if c.rows < chunkRows {
			return nil
		}
		after = c.last
	}
}

// checkHours compares audit_hours with the hours of the records that were read.
// An hour that goes on has grown since.
func (s *Store) checkHours(ctx context.Context, c *readingsCheck) error {
	type hour struct {
		hour string
		hourSpan
	}
	kept, err := collect(ctx, s, func(row scanner) (h hour, err error) {
		return h, row.Scan(&h.hour, &h.first, &h.last, &h.records)
	}, `SELECT CAST(hour AS TEXT), CAST(first_seq AS INTEGER), CAST(last_seq AS INTEGER), CAST(records AS INTEGER) FROM audit_hours ORDER BY hour`)
	if err != nil {
		return fmt.Errorf("read the hours of the audit log: %w", err)
	}
	for _, h := range kept {
		want, known := c.hours[h.hour]
		delete(c.hours, h.hour)
		grown := h.last > c.last
		switch {
		case !known && (!grown || h.first <= c.last):
			c.add(changed(0, 0, "The index of periods has the hour %q, of which there is no record", h.hour))
		case known && !grown && h.hourSpan != *want,
			known && grown && (h.first != want.first || h.records <= want.records):
			c.add(changed(want.first, want.last, "The index of periods does not match the hour %s: it has %d records, %d to %d; the log has %d, %d to %d",
				h.hour, h.records, h.first, h.last, want.records, want.first, want.last))
		}
	}
	gone := make([]string, 0, len(c.hours))
	for name := range c.hours {
		gone = append(gone, name)
	}
	slices.Sort(gone)
	for _, name := range gone {
		h := c.hours[name]
		c.add(changed(h.first, h.last, "The index of periods has lost the hour %s: records %d to %d are in no period's search", name, h.first, h.last))
	}
	return nil
}

// checkValues counts the values again. Each comparison is one statement, so it
// sees the records and their counts as of one moment.
func (s *Store) checkValues(ctx context.Context, add func(audit.Problem)) error {
	for _, field := range facetFields {
		kept := `SELECT value, records FROM audit_values WHERE field = '` + field + `'`
		counted := `SELECT ` + field + `, count(*) AS n FROM audit_records
			WHERE seq <= (SELECT value FROM marks WHERE name = '` + derivedMark + `') AND ` + field + ` <> '' GROUP BY ` + field
		type count struct {
			value   string
			records int64
			kept    bool
		}
		list, err := collectFrom(reading{ctx, s.long}, func(row scanner) (c count, err error) {
			return c, row.Scan(&c.value, &c.records, &c.kept)
		}, `SELECT CAST(value AS TEXT), CAST(records AS INTEGER), 1 FROM (`+kept+` EXCEPT `+counted+`)
			UNION ALL SELECT CAST(`+field+` AS TEXT), n, 0 FROM (SELECT `+field+`, n FROM (`+counted+`) EXCEPT `+kept+`)
			LIMIT 1000`)
		if err != nil {
			return fmt.Errorf("count the values of audit records: %w", err)
		}
		for _, c := range list {
			if c.kept {
				add(changed(0, 0, "The counts by %s say %d for %q, which is not what the log has", field, c.records, brief(c.value)))
			} else {
				add(changed(0, 0, "The log has %d records with %s %q, which is not what the counts say", c.records, field, brief(c.value)))
			}
		}
	}
	return nil
}

// checkCheckpoints compares the size and root beside each checkpoint with what
// is signed in it. Whether the signature holds is for VerifyLog to say.
func (s *Store) checkCheckpoints(ctx context.Context, verifierKey string, add func(audit.Problem)) error {
	type kept struct {
		size int64
		root []byte
		note string
	}
	for after := int64(math.MinInt64); ; {
		list, err := collect(ctx, s, func(row scanner) (k kept, err error) { return k, row.Scan(&k.size, &k.root, &k.note) },
			`SELECT size, CAST(root AS BLOB), CAST(note AS TEXT) FROM checkpoints WHERE size > ? ORDER BY size LIMIT 1000`, after)
		if err != nil {
			return fmt.Errorf("read checkpoints: %w", err)
		}
		for _, k := range list {
			c, err := audit.OpenCheckpoint([]byte(k.note), verifierKey)
			if err == nil && (c.Size != k.size || string(c.Root[:]) != string(k.root)) {
				add(changed(0, 0, "The checkpoint that is kept as one of %d records with the root %x is signed for %d, root %s", k.size, k.root, c.Size, audit.HexHash(c.Root)))
			}
			after = k.size
		}
		if len(list) < chunkRows {
			return nil
		}
	}
}

// checkSchema compares the ledger's tables, indexes and triggers with those
// that this release makes: a trigger that is gone no longer refuses edits, and
// one that is new can swallow records.
func (s *Store) checkSchema(ctx context.Context, add func(audit.Problem)) error {
	have, want, err := s.engine.schema(ctx, s.pages)
	if err != nil {
		return err
	}
	for _, name := range sortedKeys(want, have) {
		switch {
		case have[name] == "":
			add(changed(0, 0, "The ledger's %s is gone from the database", name))
		case want[name] == "":
			add(changed(0, 0, "The ledger has a %s that no release of cxseal made", brief(name)))
		case have[name] != want[name]:
			add(changed(0, 0, "The ledger's %s is not as this release makes it", name))
		}
	}
	return nil
}

func sortedKeys(maps ...map[string]string) []string {
	var names []string
	for _, m := range maps {
		for name := range m {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func brief(s string) string {
	const most = 80
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

var _ sink = (*readingsCheck)(nil)

// readingsCheck compares rows of audit_records with the columns beside them.
type readingsCheck struct {
	add   func(audit.Problem)
	rows  int
	last  int64
	buf   []byte
	hours map[string]*hourSpan
	words wordsCheck
}

func (c *readingsCheck) row(args []driver.Value) {
	c.rows++
	seq, _ := args[0].(int64)
	c.last = seq
	raw, isText := args[1].(string)
	cells := args[2:]
	if !isText { // its bytes are then not what was logged, which VerifyLog says
		return
	}
	if stamp, ok := cells[1].(string); ok && len(stamp) >= hourLength {
		c.count(stamp[:hourLength], seq)
	}
	c.words.record(seq, cells[columnsReading], cells[len(readingColumns)-1])
	var plain bool
	if c.buf, plain = appendReadings(c.buf[:0], cells); plain && string(c.buf) == raw {
		return
	}
	c.compare(seq, raw, cells)
}

func (c *readingsCheck) count(hour string, seq int64) {
	h := c.hours[hour]
	if h == nil { // the key is SQLite's memory, and an assignment keeps the newest
		h = &hourSpan{first: seq}
		c.hours[strings.Clone(hour)] = h
	}
	h.last = seq
	h.records++
}
