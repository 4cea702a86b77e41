package cxone

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// StandsOver returns which of a table's columns the index stands over, in the
// order of columns. A tenant may write a column's name in another case or
// Unicode form, with a direction (ssn DESC), a length (ssn(10)), quotes, a
// table before it, or within an expression (lower(ssn)). Where an entry could
// mean several columns it means all of them, and an index that cannot be read
// means every column: the question is what may be in the way.
func (i Index) StandsOver(columns []string) []string {
	if i.Unreadable != "" {
		return slices.Clone(columns)
	}
	meant := map[string]bool{}
	for _, entry := range i.Columns {
		for _, name := range meantBy(entry, columns) {
			meant[name] = true
		}
	}
	var out []string
	for _, name := range columns {
		if meant[name] {
			out = append(out, name)
		}
	}
	return out
}

// meantBy finds the columns that an entry of an index means. The nearest
// reading that names any column is taken: as it is written, folded, without
// what decorates it, and at last as an expression that contains the name.
func meantBy(entry string, columns []string) []string {
	if slices.Contains(columns, entry) {
		return []string{entry}
	}
	plain := undecorated(entry)
	if slices.Contains(columns, plain) {
		return []string{plain}
	}
	for _, wanted := range []string{foldName(entry), foldName(plain)} {
		if out := matching(columns, func(name string) bool { return foldName(name) == wanted }); out != nil {
			return out
		}
	}
	words := " " + strings.Join(wordsOf(entry), " ") + " "
	return matching(columns, func(name string) bool {
		own := strings.Join(wordsOf(name), " ")
		return own != "" && strings.Contains(words, " "+own+" ")
	})
}

func matching(columns []string, match func(string) bool) []string {
	var out []string
	for _, name := range columns {
		if match(name) {
			out = append(out, name)
		}
	}
	return out
}

var (
	direction = regexp.MustCompile(`(?i)\s+(?:asc|desc|ascending|descending)\b.*$|\s+nulls\s+(?:first|last)\s*$|\s*:\s*-?1\s*$`)
	length    = regexp.MustCompile(`\s*\(\s*[0-9]+\s*\)\s*$`)
)

// undecorated is an entry without direction, length, quotes and table.
func undecorated(entry string) string {
	entry = length.ReplaceAllString(direction.ReplaceAllString(strings.TrimSpace(entry), ""), "")
	entry = strings.TrimLeft(entry, "+-")
	if i := strings.LastIndexByte(entry, '.'); i >= 0 && i < len(entry)-1 {
		entry = entry[i+1:]
	}
	return strings.Trim(entry, "\"'`[] ")
}

// foldName makes names equal that look or sort alike: Unicode compatibility
// forms, case, white space around it, and characters that cannot be seen.
func foldName(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, norm.NFKC.String(name))
	return norm.NFKC.String(cases.Fold().String(strings.TrimSpace(name)))
}

// wordsOf splits a name or an expression, folded, at what no name holds.
func wordsOf(s string) []string {
	return strings.FieldsFunc(foldName(s), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) && r != '_'
	})
}
