// Package audittest makes random searches of the audit log, for the tests that hold what a search finds against a
// plain reading of the log, and for the benchmark that looks for the slowest. No part of the console uses it.
package audittest

import (
	"math/rand/v2"
	"strings"
	"time"
	"unicode"

	"cxseal/internal/audit"
)

// Searches makes random searches out of what a sample of the log's records holds, and some of what it does not.
type Searches struct {
	rand   *rand.Rand
	values map[audit.Field][]string // as often as the sample has them
	texts  [][]string               // the words of each record
	words  []string                 // each once
	from   time.Time
	span   time.Duration
}

// NewSearches returns searches for a log of which sample is a part. The same seed makes the same searches.
func NewSearches(seed uint64, sample []audit.Record) *Searches {
	s := &Searches{rand: rand.New(rand.NewPCG(seed, 1)), values: map[audit.Field][]string{}} //nolint:gosec // G404: test data
	known := map[string]bool{}
	var to time.Time
	for i := range sample {
		r := &sample[i]
		for field, value := range map[audit.Field]string{audit.FieldOperation: string(r.Operation), audit.FieldOutcome: string(r.Outcome),
			audit.FieldActor: r.Actor.Name, audit.FieldRole: r.Actor.Role, audit.FieldConnection: r.Connection,
			audit.FieldDatastore: r.DatastoreID, audit.FieldTable: r.TableID, audit.FieldRun: r.RunID} {
			if value != "" {
				s.values[field] = append(s.values[field], value)
			}
		}
		s.values[audit.FieldColumn] = append(s.values[audit.FieldColumn], r.Columns...)
		text := strings.FieldsFunc(strings.Join(r.Columns, " ")+" "+r.Detail, func(c rune) bool {
			return !unicode.IsLetter(c) && !unicode.IsNumber(c)
		})
		if len(text) > 0 {
			s.texts = append(s.texts, text)
		}
		for _, w := range text {
			if !known[w] {
				known[w] = true
				s.words = append(s.words, w)
			}
		}
		if at, err := time.Parse(time.RFC3339, r.Timestamp); err == nil {
			if s.from.IsZero() || at.Before(s.from) {
				s.from = at
			}
			if at.After(to) {
				to = at
			}
		}
	}
	s.span = to.Sub(s.from) + time.Hour
	return s
}

// Next returns a search: some conditions of any kind, mostly few.
func (s *Searches) Next() audit.Filter {
	var f audit.Filter
	n := 1 + s.rand.IntN(3)
	if s.rand.IntN(12) == 0 {
		n = 4 + s.rand.IntN(9)
	}
	var parts []string
	for range n {
		if s.rand.IntN(5) == 0 {
			s.field(&f)
		} else {
			parts = append(parts, s.part())
		}
	}
	f.Query = strings.Join(parts, " ")
	if s.rand.IntN(4) == 0 {
		f.From, f.To = s.period()
	}
	return f
}

// field sets one of the filter's own fields.
func (s *Searches) field(f *audit.Filter) {
	fields := map[audit.Field]*string{audit.FieldOperation: &f.Operation, audit.FieldOutcome: &f.Outcome, audit.FieldActor: &f.Actor,
		audit.FieldConnection: &f.Connection, audit.FieldDatastore: &f.DatastoreID, audit.FieldTable: &f.TableID, audit.FieldRun: &f.RunID}
	names := []audit.Field{audit.FieldOperation, audit.FieldOutcome, audit.FieldActor, audit.FieldConnection, audit.FieldDatastore, audit.FieldTable, audit.FieldRun}
	name := pick(s.rand, names)
	*fields[name] = s.value(name)
}

// value returns one that the field has somewhere, or now and then one that it has nowhere.
func (s *Searches) value(name audit.Field) string {
	switch {
	case name == audit.FieldOperation && s.rand.IntN(3) == 0:
		return string(pick(s.rand, audit.Operations()))
	case name == audit.FieldOutcome && s.rand.IntN(2) == 0:
		return string(pick(s.rand, audit.Outcomes()))
	case name != audit.FieldOperation && name != audit.FieldOutcome && s.rand.IntN(12) == 0 || len(s.values[name]) == 0:
		return "nowhere"
	}
	return pick(s.rand, s.values[name])
}

func (s *Searches) part() string {
	not := ""
	if s.rand.IntN(4) == 0 {
		not = "-"
	}
	switch s.rand.IntN(10) {
	case 0, 1, 2:
		name := pick(s.rand, audit.Fields())
		if value := s.value(name); value != "" {
			return not + string(name) + `:"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
		}
		return not + "nowhere"
	case 3, 4:
		return not + s.word()
	case 5:
		return not + s.beginning() + "*"
	case 6, 7:
		return not + `"` + s.phrase() + `"`
	case 8: // common words, in an order that hardly occurs
		return not + `"` + s.common() + " " + s.common() + `"`
	default:
		return not + `"` + s.phrase() + " " + s.beginning() + `*"`
	}
}

// common returns a word as often as the texts have it, and word any word as often as any other.
func (s *Searches) common() string {
	if len(s.texts) == 0 {
		return "nowhere"
	}
	return pick(s.rand, pick(s.rand, s.texts))
}

func (s *Searches) word() string {
	word := s.common()
	switch s.rand.IntN(8) {
	case 0:
		return "nowhere"
	case 1, 2:
		if len(s.words) > 0 {
			word = pick(s.rand, s.words)
		}
	case 3:
		return strings.ToUpper(word)
	}
	return word
}

func (s *Searches) beginning() string {
	if s.rand.IntN(3) == 0 {
		return string(pick(s.rand, []rune("abcdefghijklmnopqrstuvwxyz0123456789éñдκ監")))
	}
	letters := []rune(s.common())
	return string(letters[:min(len(letters), 1+s.rand.IntN(4))])
}

// phrase returns words that stand side by side in some record, up to four.
func (s *Searches) phrase() string {
	if len(s.texts) == 0 {
		return "nowhere"
	}
	text := pick(s.rand, s.texts)
	at := s.rand.IntN(len(text))
	return strings.Join(text[at:min(len(text), at+2+s.rand.IntN(3))], pick(s.rand, []string{" ", " ", "-", ", "}))
}

// period returns one of an hour to all of the log, open on a side now and then.
func (s *Searches) period() (from, to time.Time) {
	lengths := []time.Duration{time.Hour, 24 * time.Hour, 31 * 24 * time.Hour, 366 * 24 * time.Hour, s.span}
	from = s.from.Add(time.Duration(s.rand.Int64N(int64(s.span)))).Truncate(time.Millisecond)
	to = from.Add(min(pick(s.rand, lengths), s.span))
	switch s.rand.IntN(4) {
	case 0:
		return from, time.Time{}
	case 1:
		return time.Time{}, to
	}
	return from, to
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }
