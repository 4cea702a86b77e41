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
	From   time.Time
	Before bool // everything before From, in one line
	Due    int
	Now    bool // today lies in it
	Passed bool // its dates have passed: nothing newer was seen
	Path   string
}

func (w TimelineWeek) label() string {
	if w.Before {
		return "Due before " + FormatDate(w.From)
	}
	return "Due in the week from " + FormatDate(w.From)
}
