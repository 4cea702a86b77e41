package web

import "time"

// ReviewsView lists which parts of the log were reviewed, newest first, and
// lets an officer mark another.
type ReviewsView struct {
	Chrome
	Since     string // how long ago the newest was: "3 days ago", "There was none yet"
	SinceTone Tone
	Due       string        // names the months that are over and not reviewed to the end; empty: none
	Months    []ReviewMonth // newest first
	Rows      []ReviewRow
	Pager     Pager
	Form      *ReviewForm // nil: this person may not review
}

// ReviewForm is the form that marks a period as reviewed, as typed. UpToSeq is
// the newest record when the page was made.
type ReviewForm struct {
	From, To, Note string
	UpToSeq        int64
	Found          []Link // what the period holds, each with the way to its records
	Error          string // what is wrong with it; empty: nothing yet
}

// ReviewRow is one review.
type ReviewRow struct {
	ID       string // of the record that says so
	At       time.Time
	By, Role string
	From, To time.Time // To exclusive
	UpToSeq  int64
	Size     int64  // of the checkpoint that the review is bound to; 0: it is of an older release
	Root     string // that checkpoint's root, in hex
	Note     string
}

// ReviewMonth is a calendar month of the log.
type ReviewMonth struct {
	Month  time.Time
	Extent string
	Ended  bool
	Gaps   []Link // what is not reviewed of it, each with the way to the form for it
}

// reviewExtents says how much of a month is reviewed.
var reviewExtents = vocabulary{
	{"reviewed", label{"Reviewed", ToneSuccess, "check"}},
	{"in part", label{"In part", ToneWarning, "help"}},
	{"not reviewed", label{"Not reviewed", ToneWarning, "clock"}},
}

func extentLabel(extent string) label { return reviewExtents.label(extent) }
