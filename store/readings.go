package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"maps"
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
// It covers the columns generated from a record, the index of terms, the counts
// of values and the decisions about what is sensitive. It reads in short chunks;
// records that are appended meanwhile are left for the next time.
func (s *Store) VerifyReadings(ctx context.Context, add func(audit.Problem)) error {
	c := &readingsCheck{add: add, counted: newFacetCount()}
	if s.writer != nil {
		if err := s.derived(ctx); err != nil {
			return err
		}
	}
	var err error
	if c.kept, err = s.keptValues(ctx); err != nil {
		return err
	}
	if err := s.checkColumns(ctx, c); err != nil {
		return err
	}
	c.checkValues()
	if err := s.checkNoMoreTerms(ctx, add); err != nil {
		return err
	}
	return s.checkDecisions(ctx, add)
}

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
		last := c.rows < chunkRows
		if last {
			c.terms.finish()
		}
		if err := s.checkTerms(ctx, &c.terms, c.add); err != nil || last {
			return err
		}
		after = c.last
	}
}

// keptValues are the counts of values, and up to which record they count.
type keptValues struct {
	mark   int64
	counts [len(facetFields)]map[string]int64
}

// keptValues reads them in one statement, so that they are of one moment.
func (s *Store) keptValues(ctx context.Context) (k keptValues, err error) {
	for i := range k.counts {
		k.counts[i] = map[string]int64{}
	}
	_, err = collectFrom(reading{ctx, s.long}, func(row scanner) (struct{}, error) {
		var field, value string
		var n int64
		err := row.Scan(&field, &value, &n)
		if i := slices.Index(facetFields[:], field); i >= 0 {
			k.counts[i][value] = n
		} else {
			k.mark = n
		}
		return struct{}{}, err
	}, `SELECT '', '', value FROM marks WHERE name = ? UNION ALL
		SELECT CAST(field AS TEXT), CAST(value AS TEXT), CAST(records AS INTEGER) FROM audit_values`, derivedMark)
	if err != nil {
		return k, fmt.Errorf("read the counts of values: %w", err)
	}
	return k, nil
}

// checkValues compares the counts of values with those of the records that were
// read.
func (c *readingsCheck) checkValues() {
	for i, field := range facetFields {
		have, kept := c.counted.of[i].values(), c.kept.counts[i]
		names := append(slices.Collect(maps.Keys(have)), slices.Collect(maps.Keys(kept))...)
		slices.Sort(names)
		for _, name := range slices.Compact(names) {
			n, known := kept[name]
			if n == have[name] {
				continue
			}
			if known {
				c.add(changed(0, 0, "The counts by %s say %d for %q, which is not what the log has", field, n, brief(name)))
			}
			if have[name] > 0 {
				c.add(changed(0, 0, "The log has %d records with %s %q, which is not what the counts say", have[name], field, brief(name)))
			}
		}
	}
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
	add     func(audit.Problem)
	rows    int
	last    int64
	buf     []byte
	terms   termsCheck
	kept    keptValues
	counted facetCount // of the records that kept counts too
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
	if seq <= c.kept.mark {
		c.counted.row([]driver.Value{cells[2], cells[3], cells[4], cells[7]})
	}
	c.terms.record(seq, cells)
	var plain bool
	if c.buf, plain = appendReadings(c.buf[:0], cells); plain && string(c.buf) == raw {
		return
	}
	c.compare(seq, raw, cells)
}
