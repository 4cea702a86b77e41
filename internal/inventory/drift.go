package inventory

import (
	"fmt"
	"strings"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
)

// settling is how long after the end of a run its table may still show the
// columns as they were before: some tenants show a change later than they say.
const settling = 2 * time.Minute

// What is said of a column that is encrypted and was not, by no run of this console.
const (
	byOthers    = "The column was encrypted by someone else."
	afterARun   = "The column is encrypted. A run of this console had been sent for it, and ended without seeing that."
	sinceUnsure = "The column is encrypted. Since when is not known: CXone's answer could only be read in part before."
)

// What is said of a column that lost protection, or is gone; FindingOf reads it back.
const (
	notEncrypted = "The column is no longer encrypted, and no run of this console did that."
	wentBack     = "The key version went back from %d to %d."
	isGone       = "The column is gone; it was %s."
)

// Finding is what a DRIFT_DETECTED record says of a column, as far as others act on it.
type Finding string

// The findings.
const (
	Other    Finding = ""
	Lost     Finding = "lost"      // the column is no longer encrypted
	WentBack Finding = "went_back" // it shows an older key version than before
	Gone     Finding = "gone"      // it is no longer there
)

// FindingOf returns what a DRIFT_DETECTED record found. A failure that this release does not know is a loss.
func FindingOf(r audit.Record) Finding {
	before := func(form string) string { text, _, _ := strings.Cut(form, "%"); return text }
	switch {
	case r.Operation != audit.DriftDetected:
		return Other
	case r.Outcome == audit.Failure && strings.HasPrefix(r.Detail, before(wentBack)):
		return WentBack
	case r.Outcome == audit.Failure:
		return Lost
	case r.Outcome == audit.Success && strings.HasPrefix(r.Detail, before(isGone)):
		return Gone
	}
	return Other
}

// Change is one thing about a column that no run of this console explains.
type Change struct {
	Column  string
	Outcome audit.Outcome // Failure where protection was lost, else Success
	Detail  string
}

// Compare says what changed between two readings of a table's columns. ours
// has the columns that a run of this console was sent for, however it ended
// (encryptedBy).
func Compare(before, after []Column, ours map[string]encryption.Sent) []Change {
	was := make(map[string]Column, len(before))
	for _, c := range before {
		was[c.Name] = c
	}
	var changes []Change
	note := func(column string, outcome audit.Outcome, format string, args ...any) {
		changes = append(changes, Change{column, outcome, fmt.Sprintf(format, args...)})
	}
	for _, c := range after {
		old, known := was[c.Name]
		delete(was, c.Name)
		switch {
		case !known:
			note(c.Name, audit.Success, "New column of type %s, %s.", c.Type, state(c))
		case old.Encrypted && !c.Encrypted:
			note(c.Name, audit.Failure, notEncrypted)
		case !old.Encrypted && c.Encrypted:
			if how := encryptedBy(old, ours[c.Name]); how != "" {
				note(c.Name, audit.Success, "%s", how)
			}
		case c.KeyVersion != 0 && c.KeyVersion < old.KeyVersion:
			note(c.Name, audit.Failure, wentBack, old.KeyVersion, c.KeyVersion)
		case old.Type != c.Type:
			note(c.Name, audit.Success, "The column's type was %s and is now %s.", old.Type, c.Type)
		}
	}
	for _, c := range before {
		if _, gone := was[c.Name]; gone {
			note(c.Name, audit.Success, isGone, state(c))
		}
	}
	return changes
}

// encryptedBy says how a column that was known as old came to be encrypted, empty
// when the record of a run says it. run is the newest one that was sent for it. That
// run is not blamed on somebody else, and neither is it said to have done what it
// did not see; what was lost after a run had been verified is not that run's any more.
func encryptedBy(old Column, run encryption.Sent) string {
	seenOpen := old.Protection.OpenAt.After(run.EndedAt)
	switch {
	case run.RunID == "":
		return byOthers
	case !run.State.Ended(): // its record is still to come
		return ""
	case run.State == encryption.Verified && seenOpen:
		return byOthers
	case run.State == encryption.Failed, seenOpen:
		return afterARun
	}
	return ""
}

// unsettled reports whether a change is less protection than was known of a
// column that a run of ours is at work on, or was a moment ago. The reading is then
// older than what the tenant showed the run, and proves nothing.
func unsettled(change Change, ours map[string]encryption.Sent, now time.Time) bool {
	run, ok := ours[change.Column]
	return change.Outcome == audit.Failure && ok && (!run.State.Ended() || now.Sub(run.EndedAt) < settling)
}

// recordsOf are the records of what changed of a table that no run of this console
// explains. readError is why the last reading before failed; empty: it did not.
func recordsOf(at time.Time, table Table, readError string, changes []Change) []audit.Record {
	var records []audit.Record
	for _, change := range changes {
		if change.Detail == byOthers && strings.HasPrefix(readError, readInPart) {
			change.Detail = sinceUnsure
		}
		r := audit.NewRecord(at, audit.DriftDetected, change.Outcome, audit.Actor{Name: "inventory", Role: string(access.System)})
		r.Connection, r.DatastoreID, r.TableID = table.Connection, table.DatastoreID, table.TableID
		r.Columns, r.Detail = []string{change.Column}, change.Detail
		records = append(records, r)
	}
	return records
}

func state(c Column) string {
	if c.Encrypted {
		return "encrypted"
	}
	return "not encrypted"
}
