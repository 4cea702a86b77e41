// Package period reads the dates and months that people type, and bounds them. Pages, the search box, CSV,
// evidence packs and commands all read their dates here, so that a date means the same everywhere.
//
// What may not live here: what a date is compared with, and what a page does when it cannot be read.
package period

import (
	"time"

	"cxseal/internal/fault"
)

// Every time that Parse, Day and Month return lies between Earliest and Latest: the years 1 to 9999, which a
// timestamp of the ledger can write in its fixed width. Earliest is not the zero time, which stands for an
// open end.
var (
	Earliest = time.Date(1, 1, 1, 0, 0, 0, int(time.Millisecond), time.UTC)
	Latest   = time.Date(9999, 12, 31, 23, 59, 59, int(999*time.Millisecond), time.UTC)
)

// bounded returns t in UTC, moved to Earliest or Latest if it lies beyond.
func bounded(t time.Time) time.Time {
	switch {
	case t.Before(Earliest):
		return Earliest
	case t.After(Latest):
		return Latest
	}
	return t.UTC()
}

// Parse reads one end of a period: an RFC 3339 time, or a date in UTC. A date as the end of a period includes that
// whole day, so it stands for the next midnight (after 9999-12-31: for Latest). Anything else is fault.Invalid.
func Parse(text string, end bool) (time.Time, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t, err = time.Parse(time.RFC3339Nano, text)
	} else if end {
		t = t.AddDate(0, 0, 1)
	}
	if err != nil {
		return time.Time{}, fault.New(fault.Invalid, "%q is not a date: write 2026-01-31 or 2026-01-31T14:00:00Z", fault.Clip(text))
	}
	return bounded(t), nil
}

// Day reads a date and returns its midnight in UTC. Anything else is fault.Invalid.
func Day(text string) (time.Time, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}, fault.New(fault.Invalid, "%q is not a date: write 2026-01-31", fault.Clip(text))
	}
	return bounded(t), nil
}

// monthForm is how a month is written, as a browser's month field sends it.
const monthForm = "2006-01"

// Month reads a month and returns its first midnight in UTC. Anything else is fault.Invalid, and so is the year 0.
func Month(text string) (time.Time, error) {
	t, err := time.Parse(monthForm, text)
	if err != nil || t.Year() < 1 {
		return time.Time{}, fault.New(fault.Invalid, "%q is not a month: write 2026-01", fault.Clip(text))
	}
	return t, nil
}

// FormatMonth writes the month of a time as Month reads it, empty for a month that Month refuses.
func FormatMonth(t time.Time) string {
	if y := t.Year(); y < 1 || y > 9999 {
		return ""
	}
	return t.Format(monthForm)
}
