package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"unicode/utf8"

	"cxseal/internal/audit"
)

// wordsCheck holds the full-text index against the texts it was made of: each
// record's words are summed up as the record is read, and subtracted again as
// the index gives them. What is left over at the end is a record of which the
// index has other words than it should.
//
// Texts whose letters Go and SQLite may fold differently are left out.
type wordsCheck struct {
	seed  maphash.Seed
	sums  []uint32 // by seq - 1
	skip  []uint64 // a bit a record: left out
	found []uint64 // scratch
	lower []byte   // scratch
	word  string   // the word of the last row, and its hash
	hash  uint32
	last  int64 // the highest record that the index has
}

// maxWordsChecked bounds the memory: 4 bytes a record.
const maxWordsChecked = 8 << 20

// expect makes room for so many records; more may come.
func (w *wordsCheck) expect(size int64) {
	size = max(0, min(size, maxWordsChecked))
	w.sums, w.skip = make([]uint32, 0, size), make([]uint64, 0, size/64+1)
}

// record adds a record's words, or takes note that it cannot.
func (w *wordsCheck) record(seq int64, columns, detail driver.Value) {
	if seq < 1 || seq > maxWordsChecked {
		return
	}
	for int64(len(w.sums)) < seq {
		w.sums = append(w.sums, 0)
	}
	for len(w.skip)*64 < len(w.sums) {
		w.skip = append(w.skip, 0)
	}
	w.found = w.found[:0]
	ok := true
	if columns != nil {
		for _, name := range columnNames(columns) {
			ok = ok && w.text(name)
		}
	}
	if s, isText := detail.(string); isText {
		ok = ok && w.text(s)
	}
	if !ok {
		w.skip[(seq-1)/64] |= 1 << ((seq - 1) % 64)
		return
	}
	slices.Sort(w.found)
	for _, h := range slices.Compact(w.found) {
		w.sums[seq-1] += uint32(h) //nolint:gosec // G115: as many bits as are kept
	}
}

// text gathers a text's words; false when it has letters beyond those that
// folded answers for.
func (w *wordsCheck) text(s string) bool {
	w.lower = w.lower[:0]
	for i := range len(s) {
		c := s[i]
		if c >= utf8.RuneSelf {
			return w.accented(s)
		}
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		default:
			w.wordEnds()
			continue
		}
		w.lower = append(w.lower, c)
	}
	w.wordEnds()
	return true
}

func (w *wordsCheck) wordEnds() {
	if len(w.lower) > 0 {
		w.found = append(w.found, maphash.Bytes(w.seed, w.lower))
	}
	w.lower = w.lower[:0]
}

func (w *wordsCheck) accented(s string) bool {
	const latinExtendedA, dash, dots = 0x17f, 0x2010, 0x2026 // dashes, quotes and dots separate words everywhere
	if strings.ContainsFunc(s, func(r rune) bool { return r > latinExtendedA && (r < dash || r > dots) }) {
		return false
	}
	for _, word := range cutWords(s) {
		plain, ok := folded(word)
		if !ok {
			return false
		}
		w.found = append(w.found, maphash.String(w.seed, plain))
	}
	return true
}

// coverWords makes sure that the index has the words of every record that was
// read, and leaves those records out that a store which only reads cannot index.
func (s *Store) coverWords(ctx context.Context, w *wordsCheck) error {
	if s.writer != nil {
		return s.derived(ctx)
	}
	last, err := s.mark(ctx, derivedMark)
	if err != nil {
		return err
	}
	for i := max(last, 0); i < int64(len(w.sums)); i++ {
		w.skip[i/64] |= 1 << (i % 64)
	}
	return nil
}

// row takes a word and a record that the index says holds it.
func (w *wordsCheck) row(args []driver.Value) {
	word, _ := args[0].(string)
	seq, _ := args[1].(int64)
	if word != w.word {
		w.word = strings.Clone(word)
		w.hash = uint32(maphash.String(w.seed, word)) //nolint:gosec // G115: as many bits as are kept
	}
	w.last = max(w.last, seq)
	if seq >= 1 && seq <= int64(len(w.sums)) {
		w.sums[seq-1] -= w.hash
	}
}

// checkWords reads the whole index of words and names the records that it does
// not match.
func (s *Store) checkWords(ctx context.Context, w *wordsCheck, add func(audit.Problem)) error {
	if _, err := s.engine.emit(ctx, s.long, w, `term, doc`, `SELECT term, doc FROM audit_vocabulary LIMIT -1`); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		add(changed(0, 0, "The index of words cannot be read: %s", brief(err.Error())))
		return nil
	}
	size, err := s.TreeSize(ctx)
	if err != nil {
		return err
	}
	if w.last > size {
		add(changed(size+1, w.last, "The index of words goes on to record %d, and the log ends with record %d", w.last, size))
	}
	wrong := func(i int) bool { return i < len(w.sums) && w.sums[i] != 0 && w.skip[i/64]>>(i%64)&1 == 0 }
	for i := range w.sums {
		if !wrong(i) || i > 0 && wrong(i-1) {
			continue
		}
		to := i
		for wrong(to + 1) {
			to++
		}
		add(changed(int64(i+1), int64(to+1), "The index of words does not match %s: a search may miss or mistake what is there", records(i+1, to+1)))
	}
	return nil
}

func records(from, to int) string {
	if from == to {
		return fmt.Sprintf("record %d", from)
	}
	return fmt.Sprintf("records %d to %d", from, to)
}
