package access

import (
	"time"

	"cxseal/internal/audit"
)

// newRecord returns an audit record of something that the actor did in this console.
func newRecord(at time.Time, op audit.Operation, outcome audit.Outcome, actor audit.Actor,
	detail string) audit.Record {
	r := audit.NewRecord(at, op, outcome, actor)
	r.Detail = detail
	return r
}

// DenialRecord returns the audit record of a caller who lacked a permission. It names the permission and
// never what was asked for, because a denial must not tell whether that exists.
func DenialRecord(at time.Time, c Caller, perm Permission) audit.Record {
	return newRecord(at, audit.AccessDenied, audit.Denied, c.Actor(), "May not "+perm.Action()+" ("+string(perm)+").")
}
