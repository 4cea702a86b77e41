package store

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"modernc.org/sqlite"

	"cxseal/internal/audit"
)

// The full-text index keeps which records hold a word but not where in them,
// which keeps it small. It finds candidates; the SQL function cxseal_has_words
// then compares phrases, and cxseal_has_column exact column names.
func init() {
	sqlite.MustRegisterFunction("cxseal_has_words", &sqlite.FunctionImpl{
		NArgs: 3, Deterministic: true,
		Scalar: func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
			text := strings.Join(columnNames(args[0]), " ") + " " + string(bytesOf(nil, args[1]))
			return hasPhrase(tokens(text), string(bytesOf(nil, args[2]))), nil
		},
	})
	sqlite.MustRegisterFunction("cxseal_has_column", &sqlite.FunctionImpl{
		NArgs: 2, Deterministic: true,
		Scalar: func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
			want := string(bytesOf(nil, args[1]))
			for _, name := range columnNames(args[0]) {
				if name == want {
					return true, nil
				}
			}
			return false, nil
		},
	})
}

// columnNames reads a record's columns; what is no list of names has none.
func columnNames(v driver.Value) []string {
	text, _ := v.(string)
	var list []string
	if text == "" || json.Unmarshal([]byte(text), &list) != nil {
		return nil
	}
	return list
}

// indexWords adds to the full-text index the records after a seq.
func (e *sqliteEngine) indexWords(t *tx, after int64) error {
	_, err := t.exec(`INSERT INTO audit_words (rowid, words)
		SELECT seq, coalesce((SELECT group_concat(value, ' ') FROM json_each(record, '$.columns')), '') || ' ' || coalesce(detail, '')
		FROM audit_records WHERE seq > ? ORDER BY seq`, after)
	if err != nil {
		return fmt.Errorf("index the words of audit records: %w", err)
	}
	return nil
}

// tidyPages are merged at a time.
const tidyPages = 64

// mergeWords merges some pages of the full-text index, beginning with all its
// segments, and reports whether there was anything to merge.
func (e *sqliteEngine) mergeWords(t *tx, first bool) (bool, error) {
	pages := tidyPages
	if first {
		pages = -tidyPages
	}
	changes := func() (n int64, err error) {
		return n, t.queryRow(`SELECT total_changes()`).Scan(&n)
	}
	before, err := changes()
	if err != nil {
		return false, fmt.Errorf("count changes: %w", err)
	}
	if _, err := t.exec(`INSERT INTO audit_words (audit_words, rank) VALUES ('merge', ?)`, pages); err != nil {
		return false, fmt.Errorf("merge the index of words: %w", err)
	}
	after, err := changes()
	if err != nil {
		return false, fmt.Errorf("count changes: %w", err)
	}
	return after-before > 1, nil // the command is one change itself
}

// fewRecords is how many records it is cheaper to look at one by one than to
// walk through all that hold a common word.
const fewRecords = 2000

// search adds the conditions on words and column names. The full-text index
// drives the query, newest first by its rowid, unless another condition leaves
// so few records that looking at each is cheaper.
func (e *sqliteEngine) search(ctx context.Context, s *Store, wish audit.Query, q *auditQuery) error {
	var match []string
	for _, w := range wish.Words {
		if w.Not {
			q.and(`NOT cxseal_has_words(r.columns, r.detail, ?)`, w.Text)
			continue
		}
		terms := matchTerms(w.Text)
		if terms != "" {
			match = append(match, terms)
		}
		if terms == "" || strings.Contains(terms, " AND ") {
			q.and(`cxseal_has_words(r.columns, r.detail, ?)`, w.Text)
		}
	}
	in, notIn := wish.Values(audit.FieldColumn)
	for _, name := range notIn {
		q.and(`NOT cxseal_has_column(r.columns, ?)`, name)
	}
	var terms, exact []string
	var args []any
	for _, name := range in {
		terms = append(terms, matchTerms(strings.TrimSuffix(name, "*")))
		exact = append(exact, `cxseal_has_column(r.columns, ?)`)
		args = append(args, name)
	}
	if len(in) > 0 {
		q.and(`(`+strings.Join(exact, ` OR `)+`)`, args...)
		if either := "(" + strings.Join(terms, ") OR (") + ")"; !strings.Contains(either, "()") {
			match = append(match, "("+either+")")
		}
	}
	if len(match) == 0 {
		return nil
	}
	if q.few {
		for _, w := range wish.Words {
			if terms := matchTerms(w.Text); !w.Not && !strings.Contains(terms, " AND ") && terms != "" {
				q.and(`cxseal_has_words(r.columns, r.detail, ?)`, w.Text)
			}
		}
		return nil
	}
	if err := s.derivedIfPossible(ctx); err != nil {
		return err
	}
	for i := range match {
		var err error
		if match[i], err = spellOut(ctx, s, match[i]); err != nil {
			return err
		}
	}
	q.from = ` FROM audit_words CROSS JOIN audit_records r ON r.seq = audit_words.rowid`
	q.seq = `audit_words.rowid`
	q.and(`audit_words MATCH ?`, strings.Join(match, " AND "))
	return nil
}

// mostWords is how many words a beginning is spelled out as. Each costs a few
// dozen microseconds to look up and to follow.
const mostWords = 32

// spellOut puts the words that occur in place of the beginning of a word that
// an expression ends with. FTS5 gathers all records of a beginning before it
// gives the first; those of words it gives one by one. A beginning of too many
// words, or of letters whose folding is the index's own secret, stays.
func spellOut(ctx context.Context, s *Store, match string) (string, error) {
	rest, ok := strings.CutSuffix(match, `"*`)
	at := strings.LastIndexByte(rest, '"') + 1
	if !ok {
		return match, nil
	}
	beginning, ok := folded(rest[at:])
	if !ok {
		return match, nil
	}
	list, err := collect(ctx, s, func(row scanner) (word string, err error) {
		return word, row.Scan(&word)
	}, wordsText, beginning, mostWords+1)
	if err != nil {
		return "", fmt.Errorf("look up words: %w", err)
	}
	if len(list) == 0 || len(list) > mostWords {
		return match, nil
	}
	return rest[:at-1] + `("` + strings.Join(list, `" OR "`) + `")`, nil
}

// wordsText leaps from word to word: the next begins after this one with a
// character that is in none. A range would pass by every record of each.
const wordsText = `WITH RECURSIVE found (word) AS (
		SELECT (SELECT term FROM audit_vocabulary WHERE term >= ?1 LIMIT 1)
		UNION ALL
		SELECT (SELECT term FROM audit_vocabulary WHERE term >= found.word || char(1) LIMIT 1)
		FROM found WHERE substr(found.word, 1, length(?1)) = ?1
	) SELECT word FROM found WHERE substr(word, 1, length(?1)) = ?1 LIMIT ?2`

// folded is a word without case and accents, as the index keeps it. It answers
// for ASCII, and for the letters of western and central Europe that are ASCII
// ones with an accent; beyond them what Go and SQLite fold differs.
func folded(word string) (string, bool) {
	const latinExtendedA = 0x17f
	plain := make([]byte, 0, len(word))
	for _, r := range word {
		if r > latinExtendedA {
			return "", false
		}
		parts := norm.NFD.String(string(r))
		if parts[0] >= utf8.RuneSelf {
			return "", false
		}
		plain = append(plain, parts[0])
	}
	return strings.ToLower(string(plain)), true
}

// matchTerms is an FTS5 expression that asks for every word of the text, empty
// when it holds none. Cut into tokens and quoted, nothing in it can be an
// operator or, which detail=none refuses, a phrase.
func matchTerms(text string) string {
	var terms []string
	list := cutWords(text)
	for i, token := range list {
		term := `"` + token + `"`
		if i == len(list)-1 && strings.HasSuffix(text, "*") {
			term += `*`
		}
		terms = append(terms, term)
	}
	return strings.Join(terms, " AND ")
}

// cutWords cuts a text as the index's tokenizer (unicode61) does: letters,
// numbers and private use make words, and marks within them are dropped.
func cutWords(text string) []string {
	text = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.M, r) {
			return -1
		}
		return r
	}, text)
	return strings.FieldsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.Is(unicode.Co, r)
	})
}

// tokens are the words of a text without case or accents.
func tokens(text string) []string {
	return cutWords(strings.ToLower(norm.NFD.String(text)))
}

// hasPhrase reports whether the words of the phrase stand together, in order;
// a phrase that ends in * ends with a word that begins so.
func hasPhrase(text []string, phrase string) bool {
	want := tokens(phrase)
	if len(want) == 0 {
		return false
	}
	last := len(want) - 1
	prefix := strings.HasSuffix(phrase, "*")
	for at := 0; at+last < len(text); at++ {
		ok := true
		for i, w := range want {
			have := text[at+i]
			if have != w && (i != last || !prefix || !strings.HasPrefix(have, w)) {
				ok = false
				break
			}
		}
		if ok {
			return true
		}
	}
	return false
}
