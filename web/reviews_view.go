package web

import "time"

// ReviewsView lists which parts of the log were reviewed, newest first, and
// lets an officer mark another.
type ReviewsView struct {
	Chrome
	Since     string // how long ago the newest was: "3 days ago", "There was none yet"
	SinceTone Tone
	Rows      []ReviewRow
	Pager     Pager
	Form      *ReviewForm // nil: this person may not review
}

// ReviewForm is the form that marks a period as reviewed, as typed. UpToSeq is
// the newest record when the page was made.
type ReviewForm struct {
	From, To, Note string
	UpToSeq        int64
	Error          string // what is wrong with it; empty: nothing yet
}

// ReviewRow is one review.
type ReviewRow struct {
	ID       string // of the record that says so
	At       time.Time
	By, Role string
	From, To time.Time // To exclusive
	UpToSeq  int64
	Note     string
}
