package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cxseal/internal/audit"
)

// detailed appends a record with each of the details.
func detailed(t rapid.TB, s *Store, details ...string) {
	t.Helper()
	list := make([]audit.Record, len(details))
	for i, text := range details {
		list[i] = record(noon)
		list[i].Detail = text
	}
	if err := s.AppendRecords(context.Background(), list...); err != nil {
		t.Fatal(err)
	}
	if err := s.derived(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// matches are the records that an expression of the index finds, newest first.
func matches(t rapid.TB, s *Store, match string) []int64 {
	t.Helper()
	list, err := collect(context.Background(), s, func(row scanner) (seq int64, err error) {
		return seq, row.Scan(&seq)
	}, `SELECT rowid FROM audit_words WHERE audit_words MATCH ? ORDER BY rowid DESC`, match)
	if err != nil {
		t.Fatalf("%s: %v", match, err)
	}
	return list
}

// holders are the records of every word of the index, newest first.
func holders(t testing.TB, s *Store) map[string][]int64 {
	t.Helper()
	type held struct {
		word string
		by   int64
	}
	list, err := collect(t.Context(), s, func(row scanner) (h held, err error) {
		return h, row.Scan(&h.word, &h.by)
	}, `SELECT term, doc FROM audit_vocabulary`)
	if err != nil {
		t.Fatal(err)
	}
	by := map[string][]int64{}
	for _, h := range slices.Backward(list) {
		by[h.word] = append(by[h.word], h.by)
	}
	return by
}

func TestBeginningOfAWordFindsNeitherMoreNorLessForBeingSpelledOut(t *testing.T) {
	for name, letters := range map[string]string{
		"plain": "aaabcAB1éÉüñÑ -_,.\"'*",
		// What folds in Go and in the index differently, or in one of them.
		"wild": "aabAéßİıſłæÆØœ\u0301\u0327ЖжΣσςẾếﬁ中² -\"*",
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			var all []string // by seq - 1
			word := rapid.StringOfN(rapid.SampledFrom([]rune(letters)), 1, 4, -1)
			spelled := 0
			rapid.Check(t, func(rt *rapid.T) {
				details := rapid.SliceOfN(rapid.Map(rapid.SliceOfN(word, 1, 4), func(list []string) string { return strings.Join(list, " ") }), 1, 20).Draw(rt, "details")
				detailed(rt, s, details...)
				all = append(all, details...)
				beginning := word.Draw(rt, "beginning") + "*"
				match := matchTerms(beginning)
				if match == "" {
					return
				}
				instead, err := spellOut(t.Context(), s, match)
				if err != nil {
					rt.Fatal(err)
				}
				if instead != match {
					spelled++
				}
				got := matches(rt, s, instead)
				if diff := cmp.Diff(matches(rt, s, match), got); diff != "" {
					rt.Fatalf("%q as %s (-by the index +spelled out):\n%s", beginning, instead, diff)
				}
				if name == "wild" || strings.Contains(match, " AND ") {
					return
				}
				var looked []int64
				for i, detail := range slices.Backward(all) {
					if hasPhrase(tokens(detail), beginning) {
						looked = append(looked, int64(i+1))
					}
				}
				if diff := cmp.Diff(looked, got); diff != "" {
					rt.Fatalf("%q as %s (-by looking +spelled out):\n%s", beginning, instead, diff)
				}
			})
			if spelled == 0 {
				t.Error("no beginning was spelled out")
			}
		})
	}
}

func TestBeginningOfTooManyWordsIsLeftToTheIndex(t *testing.T) {
	s := open(t)
	for i := range mostWords + 1 {
		detailed(t, s, fmt.Sprintf("word%02d", i), "other")
		got, err := spellOut(t.Context(), s, `"other" AND "word"*`)
		if err != nil {
			t.Fatal(err)
		}
		if words := strings.Count(got, `"`)/2 - 1; i < mostWords && words != i+1 || i == mostWords && got != `"other" AND "word"*` {
			t.Errorf("of %d words: %s", i+1, got)
		}
	}
	page, err := s.AuditPage(t.Context(), audit.Filter{Query: "WORD*"}, 0, 100)
	if err != nil || len(page) != mostWords+1 {
		t.Errorf("%d records, %v; want all %d", len(page), err, mostWords+1)
	}
}

func TestLettersFoldAsTheIndexFoldsThem(t *testing.T) {
	if testing.Short() {
		t.Skip("every letter there is")
	}
	s := open(t)
	var details []string
	for r := rune(0x20); r <= unicode.MaxRune; r++ {
		// Han and Hangul have no case and no accents, and are a hundred thousand.
		if (unicode.IsLetter(r) || unicode.IsNumber(r)) && !unicode.In(r, unicode.Han, unicode.Hangul) {
			details = append(details, "a"+string(r)+"b")
		}
	}
	detailed(t, s, details...)
	index := holders(t, s)
	for i, word := range details {
		if f, ok := folded(word); ok && !slices.Contains(index[f], int64(i+1)) {
			t.Errorf("%q is not in the index as %q", word, f)
		}
	}
	// A word of the index finds itself: folding it again changes nothing.
	for word, records := range index {
		if diff := cmp.Diff(records, matches(t, s, `"`+word+`"`)); diff != "" {
			t.Errorf("%q (-holding it +found):\n%s", word, diff)
		}
	}
}

func TestTheIndexOfWordsIsPutInOrderWhenItIsWorthIt(t *testing.T) {
	s := open(t)
	tidied := func() (segments, mark int64) {
		t.Helper()
		if err := s.TidyWords(t.Context()); err != nil {
			t.Fatal(err)
		}
		mark, err := s.mark(t.Context(), "words_tidied")
		if err != nil {
			t.Fatal(err)
		}
		return number(t, s, `SELECT count(DISTINCT id >> 37) FROM audit_words_data WHERE id > 10`), mark
	}
	grow := func(from, to int) {
		for i := from; i < to; i += 250 {
			fill(t, s, i, i+250)
			if err := s.derived(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	grow(0, 3750)
	if segments, mark := tidied(); mark != 0 || segments < 2 {
		t.Fatalf("too few records to be worth it: %d segments, mark %d", segments, mark)
	}
	grow(3750, 4250)
	found := matches(t, s, `"series"`)
	if segments, mark := tidied(); mark != 4250 || segments != 1 {
		t.Errorf("%d segments, mark %d; want 1 and 4250", segments, mark)
	}
	if diff := cmp.Diff(found, matches(t, s, `"series"`)); diff != "" || len(found) == 0 {
		t.Errorf("the order changed what is found, of %d (-before +after):\n%s", len(found), diff)
	}
	grow(4250, 8000)
	if segments, mark := tidied(); mark != 4250 || segments < 2 {
		t.Errorf("it has not grown enough: %d segments, mark %d", segments, mark)
	}
	mustVerify(t, s, 8000)
}
