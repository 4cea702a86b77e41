package frame

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"cxseal/internal/fault"
	"cxseal/internal/period"
)

// Query reads the filters of a list. A filter that cannot be understood is an error with a sentence and is never
// ignored: ignored, it would show an officer the wrong records.
type Query struct {
	values   url.Values
	problems []string
}

// ReadQuery reads the filters of the request's address.
func ReadQuery(c echo.Context) *Query {
	values, err := url.ParseQuery(c.Request().URL.RawQuery)
	q := &Query{values: values}
	if err != nil { // Go drops the filter that it cannot read
		q.Wrong("A filter in the address is malformed: write “;” as %3B and “%” as %25.")
	}
	return q
}

// ReadForm reads the fields of a posted form.
func ReadForm(c echo.Context) *Query { return &Query{values: c.Request().PostForm} }

// Wrong notes a problem, as a sentence.
func (q *Query) Wrong(sentence string) { q.problems = append(q.problems, sentence) }

// Err returns every problem in one fault.Invalid, nil when there is none.
func (q *Query) Err() error {
	if len(q.problems) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "%s", strings.Join(q.problems, " "))
}

// Raw returns a parameter as typed, to show it again.
func (q *Query) Raw(name string) string { return strings.TrimSpace(q.values.Get(name)) }

const maxFilterBytes = 1024

// Text returns a filter that is compared as typed: at most 1,024 bytes without control characters.
func (q *Query) Text(name string) string {
	v := q.Raw(name)
	switch {
	case len(q.values[name]) > 1:
		q.Wrong("“" + name + "” is given twice.")
	case len(v) > maxFilterBytes || !utf8.ValidString(v) || strings.ContainsFunc(v, unicode.IsControl):
		q.Wrong("“" + name + "” must be a text of at most 1,024 bytes without control characters.")
	default:
		return v
	}
	return ""
}

// OneOf returns a filter that must be one of the choices, empty for none.
func (q *Query) OneOf(name string, choices ...string) string {
	v := q.Text(name)
	if v != "" && !slices.Contains(choices, v) {
		q.Wrong("“" + name + "” must be one of " + strings.Join(choices, ", ") + ".")
		return ""
	}
	return v
}

// Operation returns the name of an operation of the ledger. Only its form is checked: records of a later release
// may have operations that this one does not know.
func (q *Query) Operation(name string) string {
	v := q.Text(name)
	bad := strings.ContainsFunc(v, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' })
	if bad || len(v) > 64 {
		q.Wrong("“" + name + "” must be an operation's name in capitals, like COLUMN_ENCRYPTION.")
		return ""
	}
	return v
}

// Period returns the filters “from” and “to”, to being exclusive. A date means the whole day in UTC, so a date in
// “to” includes that day.
func (q *Query) Period() (from, to time.Time) {
	return PeriodOf(q.Text("from"), q.Text("to"), q.Wrong)
}

// PeriodOf reads the typed ends of a period as Period does, empty for an open one, and tells wrong what is
// not right.
func PeriodOf(typedFrom, typedTo string, wrong func(sentence string)) (from, to time.Time) {
	read := func(name, typed string, end bool) time.Time {
		if typed == "" {
			return time.Time{}
		}
		// The plus sign of an offset that was not escaped in the address arrives as a space.
		at, err := period.Parse(strings.Replace(typed, " ", "+", 1), end)
		if err != nil {
			wrong("“" + name + "” must be a date like 2026-01-31, or a time like 2026-01-31T08:00:00Z.")
		}
		return at
	}
	from, to = read("from", typedFrom, false), read("to", typedTo, true)
	if !from.IsZero() && !to.IsZero() && !from.Before(to) {
		wrong("“from” must lie before “to”.")
	}
	return from, to
}

// Day returns a filter that is a date, in UTC, zero for none.
func (q *Query) Day(name string) time.Time {
	v := q.Text(name)
	if v == "" {
		return time.Time{}
	}
	at, err := period.Day(v)
	if err != nil {
		q.Wrong("“" + name + "” must be a date like 2026-01-31.")
	}
	return at
}

// YesNo returns a filter “yes” or “no” as true or false, nil for none.
func (q *Query) YesNo(name string) *bool {
	v := q.OneOf(name, "yes", "no")
	if v == "" {
		return nil
	}
	yes := v == "yes"
	return &yes
}

// Only notes a problem for every filter that is not in names: an export must not hold everything because a filter
// was misspelt. what (“An export”) begins the sentence.
func (q *Query) Only(what string, names []string) {
	for name := range q.values {
		if !slices.Contains(names, name) {
			q.Wrong(what + " has no filter “" + Clip(name) + "”.")
		}
	}
}

// Clip shortens a text that a client sent to 256 bytes.
func Clip(s string) string {
	const most = 256
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// Cursor returns the place in the list, from “before” or “after”.
func (q *Query) Cursor() Cursor {
	cur := Cursor{Before: q.Seq("before"), After: q.Seq("after")}
	if cur.Before != 0 && cur.After != 0 {
		q.Wrong("A page lies before or after a record, not both.")
	}
	return cur
}

// Seq returns a filter that is a sequence number, 0 for none.
func (q *Query) Seq(name string) int64 {
	v := q.Text(name)
	if v == "" {
		return 0
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 1 {
		q.Wrong("“" + name + "” must be a whole number from 1.")
		return 0
	}
	return n
}
