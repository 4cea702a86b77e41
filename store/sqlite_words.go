package store

import (
	"strings"
	"unicode"
)

// words adds a full-text condition: every word of the text must stand in the
// record's columns or detail; one that ends in * stands for all that begin
// with it. The index drives the query, newest first by its rowid.
func (q *auditQuery) words(text string) {
	match := matchAll(text)
	if match == "" {
		q.and(`1 = 0`) // nothing to look for finds nothing
		return
	}
	q.from = ` FROM audit_words CROSS JOIN audit_records r ON r.seq = audit_words.rowid`
	q.seq = `audit_words.rowid`
	q.and(`audit_words MATCH ?`, match)
}

// matchAll is an FTS5 expression that asks for every word of the text. The
// words are cut as the index's tokenizer (unicode61) cuts them, because with
// detail=none a quoted string of two tokens is an error; quoted, they can
// never be operators.
func matchAll(text string) string {
	var terms []string
	for _, field := range strings.Fields(text) {
		tokens := strings.FieldsFunc(stripMarks(field), func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.Is(unicode.Co, r)
		})
		for i, token := range tokens {
			term := `"` + token + `"`
			if i == len(tokens)-1 && strings.HasSuffix(field, "*") {
				term += `*`
			}
			terms = append(terms, term)
		}
	}
	return strings.Join(terms, " AND ")
}

// stripMarks drops combining marks, as the tokenizer does within a word.
func stripMarks(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.M, r) {
			return -1
		}
		return r
	}, s)
}
