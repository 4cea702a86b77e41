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

// LogState says how far the log is signed and how far a copy of that has left
// the machine. The zero value shows nothing.
type LogState struct {
	Size         int64
	Checkpoint   int64 // records the newest signed checkpoint covers; 0: none yet
	CheckpointAt time.Time
	Anchors      []string // where copies go; empty: nowhere
	Anchored     int64    // records the newest anchored checkpoint covers; 0: none yet
	AnchoredAt   time.Time
	Where        string // where that one went
	NotAnchored  int64  // records after it
	Error        string // why the last attempt failed; empty: it did not
	FailedSince  time.Time
}

// SavedView is a search that this person gave a name.
type SavedView struct {
	ID   int64
	Name string
	Href string // the log with that search
}
