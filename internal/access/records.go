package access

import (
	"time"

	"github.com/google/uuid"

	"cxseal/internal/audit"
)

// newRecord is an audit record of something that the actor did here.
func newRecord(at time.Time, op audit.Operation, outcome audit.Outcome, actor audit.Actor, detail string) audit.Record {
	return audit.Record{
		AuditID:   uuid.NewString(),
		Timestamp: audit.FormatTime(at),
		Operation: op,
		Outcome:   outcome,
		Actor:     actor,
		Detail:    detail,
	}
}

// DenialRecord is the audit record of a caller who lacked a permission. It
// names what they lacked, never the thing they asked for: a denial must not
// tell whether that exists.
func DenialRecord(at time.Time, c Caller, perm Permission) audit.Record {
	return newRecord(at, audit.AccessDenied, audit.Denied, c.Actor(), "May not "+perm.Deed()+" ("+string(perm)+").")
}
