package web

import "time"

// PoliciesView lists rotation policies, with a form for one more.
type PoliciesView struct {
	Chrome
	Rows        []PolicyRow
	Default     string // what holds without a policy
	Connections []Option
	Categories  []Option
	CanManage   bool
	Form        PolicyForm
}

// PolicyRow is one policy.
type PolicyRow struct {
	ID        int64
	Scope     string
	Rule      string
	Window    string
	Openings  []string // the next ones, in the window's zone
	UpdatedAt time.Time
	UpdatedBy string
}

// PolicyForm is a policy as typed, with what was wrong with it, or the next
// openings of its window when it was only to be checked.
type PolicyForm struct {
	Connection, DatastoreID, Category     string
	Strategy, IntervalDays, GraceDays     string
	AutoRotate                            bool
	WindowCron, WindowZone, WindowMinutes string
	Error                                 string
	Openings                              []string
}
