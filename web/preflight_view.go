package web

import "time"

// PreflightView is what would happen, and what stands in the way.
type PreflightView struct {
	Rotation      bool   // a key rotation, not a first encryption
	TableName     string // for the sentence that says what will happen
	Columns       []PreflightColumn
	TableBlockers []string // sentences about the table as a whole
	Before, After Coverage
	MaxFields     int
	Masked        []string // ordinary indexes that will be masked
	IntervalDays  int
	StartAt       time.Time // zero: at once
	WaitsFor      string    // the scope of the low-traffic window that it waits for; empty: none
	NextRotation  time.Time
	Payload       string // the exact body of the PATCH, indented
	Fingerprint   string
	Error         string // the table could not be read, or the form is wrong: nothing else is filled
	ErrorCode     string
}

// PreflightColumn is one column of the table (all of them, in the tenant's
// order), and after those any that was asked for and does not exist.
type PreflightColumn struct {
	Name     string
	Type     string
	Chosen   bool
	Blockers []string // sentences
}

// Blocked reports whether the run cannot start.
func (v PreflightView) Blocked() bool {
	if v.Error != "" || len(v.TableBlockers) > 0 {
		return true
	}
	for _, c := range v.Columns {
		if len(c.Blockers) > 0 {
			return true
		}
	}
	return false
}

// Chosen are the columns that were asked for, in order.
func (v PreflightView) Chosen() []PreflightColumn {
	var out []PreflightColumn
	for _, c := range v.Columns {
		if c.Chosen {
			out = append(out, c)
		}
	}
	return out
}
