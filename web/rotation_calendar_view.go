package web

import "time"

// MonthView is a month with what is due on each day.
type MonthView struct {
	Chrome
	Month      time.Time // its first day, UTC
	Prev, Next string    // addresses; empty: no such month
	Weeks      [][]MonthDay
	Total      int
}

// MonthDay is one cell of the month.
type MonthDay struct {
	Date   time.Time
	Inside bool // belongs to the month
	Today  bool
	Due    int
	Path   string // what is due on that day; empty: nothing
}

// TimelineView counts what is due, week by week.
type TimelineView struct {
	Chrome
	Weeks []TimelineWeek
	Most  int // columns in the fullest week
}

// TimelineWeek is one week, from Monday.
type TimelineWeek struct {
	From    time.Time
	Before  bool // everything before From, in one line
	Due     int
	Overdue int  // of those, past their grace too
	Now     bool // today lies in it
	Passed  bool // its dates have passed: nothing newer was seen
	Path    string
}

// barTone is the tone of a week's bar, that of its most pressing rotation. Green is for what was done, so no date that
// is still to come, or has passed, is drawn in it.
func (w TimelineWeek) barTone() Tone {
	switch {
	case w.Overdue > 0:
		return ToneDanger
	case w.Passed:
		return ToneWarning
	}
	return ToneInfo
}

func (w TimelineWeek) label() string {
	if w.Before {
		return "Due before " + FormatDate(w.From)
	}
	return "Due in the week from " + FormatDate(w.From)
}
