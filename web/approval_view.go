package web

import "time"

// ApprovalView is where a run's four-eyes request stands.
type ApprovalView struct {
	State       string // requested, approved, declined, expired, used
	RequestedBy string
	DecidedBy   string
	DecidedAt   time.Time
	ExpiresAt   time.Time
	Reason      string // why it was declined
	Fingerprint string // what an approval is for
	Own         bool   // whoever looks asked for it
	CanDecide   bool
}
