package handlers

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/web"
)

// pageRows is how many rows a list shows at a time.
const pageRows = 50

// query reads the filters of a list. What cannot be understood is an error with
// a sentence, never ignored: a filter that silently does nothing shows an
// officer the wrong records.
type query struct {
	values   url.Values
	problems []string
}

func readQuery(c echo.Context) *query {
	values, err := url.ParseQuery(c.Request().URL.RawQuery)
	q := &query{values: values}
	if err != nil { // Go drops the filter that it cannot read
		q.wrong("A filter in the address is malformed: write “;” as %3B and “%” as %25.")
	}
	return q
}

func (q *query) wrong(sentence string) { q.problems = append(q.problems, sentence) }

// err is every problem in one fault.Invalid, nil when there is none.
func (q *query) err() error {
	if len(q.problems) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "%s", strings.Join(q.problems, " "))
}

// raw is a parameter as typed, for showing it again.
func (q *query) raw(name string) string { return strings.TrimSpace(q.values.Get(name)) }

const maxFilterBytes = 1024

func (q *query) text(name string) string {
	v := q.raw(name)
	switch {
	case len(q.values[name]) > 1:
		q.wrong("“" + name + "” is given twice.")
	case len(v) > maxFilterBytes || !utf8.ValidString(v) || strings.ContainsFunc(v, unicode.IsControl):
		q.wrong("“" + name + "” must be a text of at most 1,024 bytes without control characters.")
	default:
		return v
	}
	return ""
}

func (q *query) oneOf(name string, choices ...string) string {
	v := q.text(name)
	if v != "" && !slices.Contains(choices, v) {
		q.wrong("“" + name + "” must be one of " + strings.Join(choices, ", ") + ".")
		return ""
	}
	return v
}

// operation is the name of an operation of the ledger. Later releases add
// some, so only the form is checked.
func (q *query) operation(name string) string {
	v := q.text(name)
	bad := strings.ContainsFunc(v, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' })
	if bad || len(v) > 64 {
		q.wrong("“" + name + "” must be an operation's name in capitals, like COLUMN_ENCRYPTION.")
		return ""
	}
	return v
}

// period is the filter's from and to, the latter exclusive. A date stands for
// the whole day in UTC, as the end of a period too.
func (q *query) period() (from, to time.Time) {
	from, _ = q.moment("from")
	to, isDate := q.moment("to")
	if isDate {
		to = to.AddDate(0, 0, 1)
	}
	if !from.IsZero() && !to.IsZero() && !from.Before(to) {
		q.wrong("“from” must lie before “to”.")
	}
	return from, to
}

func (q *query) moment(name string) (at time.Time, isDate bool) {
	v := q.text(name)
	if v == "" {
		return time.Time{}, false
	}
	if at, err := time.Parse(time.DateOnly, v); err == nil {
		return at, true
	}
	// The plus sign of an offset arrives as a space from who forgot to escape it.
	at, err := time.Parse(time.RFC3339, strings.Replace(v, " ", "+", 1))
	if err != nil || at.Year() < 1970 || at.Year() > 9998 {
		q.wrong("“" + name + "” must be a date like 2026-01-31, or a time like 2026-01-31T08:00:00Z.")
		return time.Time{}, false
	}
	return at.UTC(), false
}

// periodHelp says on a list's page how its dates are meant.
const periodHelp = "A date in “To” includes that whole day, in UTC."

// cursor is a place in a list ordered by a sequence number, newest first.
type cursor struct{ before, after int64 }

func (q *query) cursor() cursor {
	cur := cursor{before: q.seq("before"), after: q.seq("after")}
	if cur.before != 0 && cur.after != 0 {
		q.wrong("A page lies before or after a record, not both.")
	}
	return cur
}

func (q *query) seq(name string) int64 {
	v := q.text(name)
	if v == "" {
		return 0
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 1 {
		q.wrong("“" + name + "” must be a whole number from 1.")
		return 0
	}
	return n
}

// onePage cuts rows, of which one more than a page was asked for, to the page
// at the cursor, and says how to go on in both directions. path is the list
// with its filter; seq is a row's sequence number.
func onePage[T any](rows []T, cur cursor, path string, seq func(T) int64) ([]T, web.Pager) {
	more := len(rows) > pageRows
	var pager web.Pager
	newer, older := cur.before > 0, more
	if cur.after > 0 {
		newer, older = more, true
		if more {
			rows = rows[1:] // newest first: the one too many is the newest
		}
	} else if more {
		rows = rows[:pageRows]
	}
	if len(rows) == 0 {
		if cur != (cursor{}) {
			pager.Newer = path // past the end: back to the beginning
		}
		return rows, pager
	}
	if newer {
		pager.Newer = withParam(path, "after", strconv.FormatInt(seq(rows[0]), 10))
	}
	if older {
		pager.Older = withParam(path, "before", strconv.FormatInt(seq(rows[len(rows)-1]), 10))
	}
	return rows, pager
}

// withParam adds a parameter to a path that may have some.
func withParam(path, name, value string) string {
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	return path + separator + name + "=" + url.QueryEscape(value)
}

// badFilter puts what is wrong with a filter on the list's page.
func badFilter(chrome *web.Chrome, err error) {
	chrome.Flashes = append(chrome.Flashes, web.Flash{Tone: web.ToneDanger, Message: fault.MessageOf(err)})
}

// connectionOptions are the choices of a connection filter.
func (h *Console) connectionOptions() []web.Option {
	var options []web.Option
	for _, c := range h.cfg.Connections() {
		options = append(options, web.Option{Value: c.Name})
	}
	return options
}

func stateNames() []string {
	names := make([]string, len(encryption.States))
	for i, s := range encryption.States {
		names[i] = string(s)
	}
	return names
}
