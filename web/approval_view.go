package web

import "time"

// ApprovalView is the state of a run's four-eyes request.
type ApprovalView struct {
	State       string // requested, approved, declined, expired, used
	RequestedBy string
	DecidedBy   string
	DecidedAt   time.Time
	ExpiresAt   time.Time
	Reason      string // why it was declined
	Fingerprint string // what an approval is for
	Own         bool   // the reader asked for the run
	CanDecide   bool
}
