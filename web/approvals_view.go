package web

import "time"

// ApprovalsView lists everything that waits for a second person.
type ApprovalsView struct {
	Chrome
	Runs     []RunRow
	MoreRuns bool // there are more than these
	Requests []RequestRow
}

// RequestRow is a request for decisions that waits.
type RequestRow struct {
	ID, Connection string
	Decision       string
	Columns        int
	Effect         string // when it was asked for
	By, Reason     string
	ExpiresAt      time.Time
}
