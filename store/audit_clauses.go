package store

import (
	"context"
	"database/sql/driver"
	"slices"
	"strings"
	"unicode/utf8"

	"cxseal/internal/audit"
)

// termRange is a term, or with to all terms from one to before another.
type termRange struct{ from, to string }

func (r termRange) holds(term string) bool {
	if r.to == "" {
		return term == r.from
	}
	return r.from <= term && term < r.to
}

// clause is one condition of a search: of its terms all, or else any, are to
// be there, or with not are not to.
type clause struct {
	of       []int // of auditQuery.terms
	all, not bool
	phrase   *phrase // to be looked for in the records that have all terms; nil when those decide
}

// phrase is words that stand together.
type phrase struct {
	words     []string
	beginning bool // the last is the beginning of a word
}

// auditQuery is a filter as conditions on sets of records (audit_terms).
type auditQuery struct {
	clauses []clause
	terms   []termRange

	// runs are the records of the runs that are asked for, and notRuns of those that
	// are not.
	byRun         bool
	runs, notRuns []string

	// above and below bound the seq, both exclusive; 0 is open.
	above, below int64
	// from and to bound the time, as text; empty is open. edges are the hours that
	// they cut through.
	from, to string
	edges    []string

	nothing bool
	// routine says that the console asks by itself (audit.Filter.Routine).
	routine bool
}

func newAuditQuery(f audit.Filter) (auditQuery, error) {
	q := auditQuery{routine: f.Routine}
	wish, err := f.Resolve()
	if err != nil {
		return q, err
	}
	q.nothing = wish.Nothing
	for _, field := range audit.Fields() {
		in, notIn := wish.Values(field)
		if field == audit.FieldRun {
			q.byRun, q.runs, q.notRuns = len(in) > 0, in, notIn
			continue
		}
		if len(in) > 0 {
			q.clauses = append(q.clauses, clause{of: q.values(field, in)})
		}
		if len(notIn) > 0 {
			q.clauses = append(q.clauses, clause{of: q.values(field, notIn), not: true})
		}
	}
	for _, w := range wish.Words {
		c := q.wordClause(w.Text)
		c.not = w.Not
		q.clauses = append(q.clauses, c)
	}
	if !wish.From.IsZero() {
		q.from = audit.FormatTime(wish.From)
	}
	if !wish.To.IsZero() {
		q.to = audit.FormatTime(wish.To)
	}
	for _, bound := range []string{q.from, q.to} {
		if bound != "" && !strings.HasSuffix(bound, fullHour) {
			q.edges = append(q.edges, bound[:hourLength])
		}
	}
	return q, nil
}

func (q *auditQuery) values(field audit.Field, values []string) (list []int) {
	for _, v := range values {
		list = append(list, q.term(termRange{from: fieldTerms[field] + shortened(v, longestValue)}))
	}
	return list
}

// term is the number of a term among those that the query reads.
func (q *auditQuery) term(t termRange) int {
	if i := slices.Index(q.terms, t); i >= 0 {
		return i
	}
	q.terms = append(q.terms, t)
	return len(q.terms) - 1
}

// wordClause asks for a word, a phrase, or the beginning of a word after a *.
func (q *auditQuery) wordClause(text string) clause {
	words, beginning := tokens(text), strings.HasSuffix(text, "*")
	c := clause{all: len(words) > 0} // any of no term is never there
	last := len(words) - 1
	for i, w := range words {
		begins := beginning && i == last
		switch {
		case last == 0 && begins:
			c.of = append(c.of, q.term(beginningOf(w)))
		case last == 0:
			c.of = append(c.of, q.term(termRange{from: termWord + shortened(w, longestWord)}))
		case i > 0 && begins:
			from := termPair + shortened(words[i-1], longestWord) + " " + cut(w, longestWord)
			c.of = append(c.of, q.term(termRange{from, from + maxRune}))
		case i > 0:
			c.of = append(c.of, q.term(termRange{from: termPair + shortened(words[i-1], longestWord) + " " + shortened(w, longestWord)}))
		}
		if begins && len(w) > longestWord-utf8.UTFMax { // its term says how it begins and not more
			c.phrase = &phrase{words, true}
		}
	}
	if len(words) > 2 { // the pairs may stand apart
		c.phrase = &phrase{words, beginning}
	}
	return c
}

func beginningOf(word string) termRange {
	if utf8.RuneCountInString(word) <= 2 {
		return termRange{from: termBeginning + word}
	}
	from := termWord + cut(word, longestWord)
	return termRange{from, from + maxRune}
}

// everything reports a query without conditions.
func (q *auditQuery) everything() bool {
	return !q.filtered() && q.above == 0 && q.below == 0
}

// filtered reports whether a condition other than a bound of the seq is left.
func (q *auditQuery) filtered() bool {
	return len(q.clauses) > 0 || q.byRun || len(q.notRuns) > 0 || q.from != "" || q.to != "" || q.nothing
}

// looks reports whether records have to be read to know whether they match.
func (q *auditQuery) looks() bool {
	return slices.ContainsFunc(q.clauses, func(c clause) bool { return c.phrase != nil })
}

// quick reports whether the query reads so little that it need not keep away
// from the connections of pages.
func (q *auditQuery) quick() bool {
	if q.routine || !q.filtered() {
		return true
	}
	for _, c := range q.clauses {
		if c.not || c.phrase != nil {
			return false
		}
	}
	return len(q.clauses) <= 1 && len(q.notRuns) == 0 && q.from == "" && q.to == "" && len(q.terms) <= 1 &&
		!slices.ContainsFunc(q.terms, func(t termRange) bool { return t.to != "" })
}

// after narrows the query to records after a seq.
func (q *auditQuery) after(seq int64) { q.above = max(q.above, seq) }

// before narrows the query to records before a seq.
func (q *auditQuery) before(seq int64) {
	if q.below == 0 || seq < q.below {
		q.below = seq
	}
}

// hourLength is how much of a timestamp names its hour.
const (
	hourLength = len("2006-01-02T15")
	fullHour   = ":00:00.000Z"
)

// hours is the range of hours that the period touches.
func (q *auditQuery) hours() (hours termRange, bounded bool) {
	hours = termRange{termHour, termHour + maxRune}
	if q.from != "" {
		hours.from += q.from[:hourLength]
	}
	if q.to != "" {
		hours.to = termHour + q.to[:hourLength]
		if slices.Contains(q.edges, q.to[:hourLength]) {
			hours.to += maxRune
		}
	}
	return hours, q.from != "" || q.to != ""
}

// combine narrows a set to the records that meet the query's conditions, as far
// as the terms tell. doubt are those of them that have to be looked at. held
// answers the records that hold a term, nil for none.
func (q *auditQuery) combine(set *recordSet, held func(int) *recordSet) (doubt recordSet) {
	for i := range q.clauses {
		c := &q.clauses[i]
		with := recordSet{}
		for i, t := range c.of {
			switch {
			case !c.all || i == 0:
				with.or(held(t))
			default:
				with.and(held(t))
			}
		}
		switch {
		case c.phrase != nil && c.not:
			doubt.or(&with)
		case c.not:
			set.andNot(&with)
		default:
			set.and(&with)
			if c.phrase != nil {
				doubt.or(&with)
			}
		}
		if set.empty() {
			return recordSet{}
		}
	}
	doubt.and(set)
	return doubt
}

// look reports whether a record that the terms let pass meets the conditions
// that they cannot tell.
func (q *auditQuery) look(timestamp string, columns, detail driver.Value) bool {
	if q.from != "" && timestamp < q.from || q.to != "" && timestamp >= q.to {
		return false
	}
	var text []string
	for _, c := range q.clauses {
		if c.phrase == nil {
			continue
		}
		if text == nil {
			text = tokens(searchedText(columnNames(columns), string(bytesOf(nil, detail))))
		}
		if hasPhrase(text, c.phrase.words, c.phrase.beginning) == c.not {
			return false
		}
	}
	return true
}

// runSeqs are the records of some runs, in rising order.
func (s *Store) runSeqs(ctx context.Context, search reading, runs []string) ([]int64, error) {
	if len(runs) == 0 {
		return nil, nil
	}
	args := make([]any, len(runs))
	for i, r := range runs {
		args[i] = r
	}
	list, err := collectFrom(search, func(row scanner) (seq int64, err error) { return seq, row.Scan(&seq) },
		`SELECT seq FROM audit_records WHERE run_id IN (`+placeholders(len(runs))+`)`, args...)
	slices.Sort(list)
	return list, err
}
