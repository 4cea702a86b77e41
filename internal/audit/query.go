package audit

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"cxseal/internal/fault"
	"cxseal/internal/period"
)

// Bounds of the search box.
const (
	maxQueryBytes = 2 << 10
	maxQueryTerms = 50
)

// Field names what a qualifier of the search box looks at.
type Field string

// The qualifiers' names, as typed.
const (
	FieldOperation  Field = "operation"
	FieldOutcome    Field = "outcome"
	FieldActor      Field = "actor"
	FieldRole       Field = "role"
	FieldConnection Field = "connection"
	FieldDatastore  Field = "datastore"
	FieldTable      Field = "table"
	FieldColumn     Field = "column"
	FieldRun        Field = "run"
)

// Fields lists the qualifiers in the order in which help texts show them, without the dates after, before,
// from and to.
func Fields() []Field {
	return []Field{FieldOperation, FieldOutcome, FieldActor, FieldRole, FieldConnection,
		FieldDatastore, FieldTable, FieldColumn, FieldRun}
}

// Term asks that a field has (or, with Not, hasn't) exactly this value.
type Term struct {
	Field Field
	Value string
	Not   bool
}

// Word is a piece of full text: one word, or a phrase whose words must stand
// together in that order.
type Word struct {
	Text string
	Not  bool
}

// Query is a parsed search; the zero value matches every record.
//
// Different fields must all agree. One field named more than once means any of
// its values (outcome:FAILURE outcome:DENIED); each negated term excludes.
// Every word must occur.
type Query struct {
	Terms    []Term
	Words    []Word
	From, To time.Time // From inclusive, To exclusive, UTC; zero is open
	Nothing  bool      // the conditions contradict each other: no record matches
}

// Values returns a field's wanted and unwanted values.
func (q *Query) Values(f Field) (in, notIn []string) {
	for _, t := range q.Terms {
		switch {
		case t.Field != f:
		case t.Not:
			notIn = append(notIn, t.Value)
		default:
			in = append(in, t.Value)
		}
	}
	return in, notIn
}

// ParseQuery reads the search box: qualifiers as on GitHub
// (operation:COLUMN_ENCRYPTION -actor:scheduler after:2026-01-01), "quoted
// phrases", and words. Inside quotes \" and \\ stand for " and \. Errors are
// fault.Invalid with a sentence for the person who typed it.
func ParseQuery(s string) (Query, error) {
	var q Query
	if len(s) > maxQueryBytes {
		return q, fault.New(fault.TooLarge, "The search is longer than %d bytes: shorten it", maxQueryBytes)
	}
	if !utf8.ValidString(s) {
		return q, fault.New(fault.Invalid, "The search is not valid UTF-8 text")
	}
	for rest := s; ; {
		tok, after, err := nextToken(rest)
		if err != nil {
			return Query{}, err
		}
		if tok.text == "" && tok.key == "" && !tok.quoted {
			return q, nil
		}
		rest = after
		if len(q.Terms)+len(q.Words) >= maxQueryTerms {
			return Query{}, fault.New(fault.Invalid, "The search has more than %d parts: shorten it", maxQueryTerms)
		}
		if err := q.add(tok); err != nil {
			return Query{}, err
		}
	}
}

// String returns q as text for the search box; ParseQuery reads it to an equal Query, except for Nothing,
// which no text expresses.
func (q *Query) String() string {
	var parts []string
	for _, t := range q.Terms {
		parts = append(parts, sign(t.Not)+string(t.Field)+":"+quoteIfNeeded(t.Value, false))
	}
	if !q.From.IsZero() {
		parts = append(parts, "from:"+formatBound(q.From))
	}
	if !q.To.IsZero() {
		parts = append(parts, "before:"+formatBound(q.To))
	}
	for _, w := range q.Words {
		parts = append(parts, sign(w.Not)+quoteIfNeeded(w.Text, true))
	}
	return strings.Join(parts, " ")
}

// Resolve combines the filter's fields and its search box into one query. Both must hold: where they ask for
// different values of one field, nothing matches.
func (f Filter) Resolve() (Query, error) {
	q, err := ParseQuery(f.Query)
	if err != nil {
		return q, err
	}
	for _, p := range []struct {
		field Field
		value string
	}{
		{FieldOperation, f.Operation}, {FieldOutcome, f.Outcome}, {FieldActor, f.Actor},
		{FieldConnection, f.Connection}, {FieldDatastore, f.DatastoreID},
		{FieldTable, f.TableID}, {FieldRun, f.RunID},
	} {
		if p.value == "" {
			continue
		}
		value, err := checkValue(p.field, p.value)
		if err != nil {
			return Query{}, err
		}
		in, notIn := q.Values(p.field)
		if len(in) > 0 && !slices.Contains(in, value) || slices.Contains(notIn, value) {
			q.Nothing = true
		}
		q.Terms = slices.DeleteFunc(q.Terms, func(t Term) bool { return t.Field == p.field })
		q.Terms = append(q.Terms, Term{Field: p.field, Value: value})
	}
	q.narrow(f.From, f.To)
	return q, nil
}

func (q *Query) add(t token) error {
	switch t.key {
	case "":
		if !strings.ContainsFunc(t.text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
			return fault.New(fault.Invalid, "There is nothing to search for in %q: write a word, or remove it", fault.Clip(t.text))
		}
		q.Words = append(q.Words, Word{t.text, t.not})
		return nil
	case "after", "from", "before", "to":
		if t.not {
			return fault.New(fault.Invalid, "-%s: is not understood: use after: or before: instead", t.key)
		}
		at, err := period.Parse(t.text, t.key == "to")
		if err != nil {
			return err
		}
		if t.key == "after" || t.key == "from" {
			q.narrow(at, time.Time{})
		} else {
			q.narrow(time.Time{}, at)
		}
		return nil
	}
	if !slices.Contains(Fields(), Field(t.key)) {
		return fault.New(fault.Invalid, "There is no qualifier %q: use one of %s, or put the words in quotes", fault.Clip(t.key)+":", fieldList())
	}
	if t.text == "" {
		return fault.New(fault.Invalid, "%s: needs a value, like %s:%s", t.key, t.key, exampleOf(Field(t.key)))
	}
	value, err := checkValue(Field(t.key), t.text)
	if err != nil {
		return err
	}
	if term := (Term{Field(t.key), value, t.not}); !slices.Contains(q.Terms, term) {
		q.Terms = append(q.Terms, term)
	}
	return nil
}

// narrow intersects the period with another.
func (q *Query) narrow(from, to time.Time) {
	if from.After(q.From) {
		q.From = from.UTC()
	}
	if !to.IsZero() && (q.To.IsZero() || to.Before(q.To)) {
		q.To = to.UTC()
	}
	if !q.To.IsZero() && !q.From.Before(q.To) {
		q.Nothing = true
	}
}

// checkValue refuses values that can never match, and lets the fixed
// vocabularies be typed in small letters.
func checkValue(f Field, value string) (string, error) {
	switch f {
	case FieldOperation:
		value = strings.ToUpper(value)
		if !isOperation(value) {
			return "", fault.New(fault.Invalid, "%q is not an operation: they look like COLUMN_ENCRYPTION", fault.Clip(value))
		}
	case FieldOutcome:
		value = strings.ToUpper(value)
		if o := Outcome(value); o != Success && o != Failure && o != Denied {
			return "", fault.New(fault.Invalid, "%q is not an outcome: it is SUCCESS, FAILURE or DENIED", fault.Clip(value))
		}
	}
	return value, nil
}

func exampleOf(f Field) string {
	switch f {
	case FieldOperation:
		return string(ColumnEncryption)
	case FieldOutcome:
		return string(Failure)
	case FieldRole:
		return "officer"
	case FieldColumn:
		return "ssn"
	default:
		return "name"
	}
}

func fieldList() string {
	var b strings.Builder
	for _, f := range Fields() {
		b.WriteString(string(f) + ":, ")
	}
	return b.String() + "after:, before:, from:, to:"
}
