package alarm

import (
	"fmt"

	"cxseal/internal/audit"
)

// FromRecord returns the alarm that an audit record raises; ok is false for most records, and for every record
// of a success. The record's id is the alarm's key, so that a record read twice raises one alarm.
func FromRecord(r audit.Record) (a Alarm, ok bool) {
	a = Alarm{Dedupe: "record\x1f" + r.AuditID, Severity: Warning, Detail: r.Detail, Connection: r.Connection,
		DatastoreID: r.DatastoreID, TableID: r.TableID, Columns: r.Columns, RunID: r.RunID, RaisedAt: r.Time()}
	switch {
	case r.Operation == audit.DriftDetected && r.Outcome == audit.Failure:
		a.Kind, a.Severity, a.Title = Drift, Critical, fmt.Sprintf("Drift on %s: protection was lost", r.TableID)
	case r.Operation == audit.KMSCallback && r.Outcome != audit.Success && r.RunID != "":
		// One alarm a run for callbacks that failed their signature and one for callbacks that were judged
		// wrong: a caller who knows the URL could send thousands.
		a.Dedupe = "callback\x1f" + r.RunID + "\x1f" + string(r.Outcome)
		a.Kind, a.Severity, a.Title = KMSRefused, Critical, fmt.Sprintf("A KMS confirmation for %s was refused", r.TableID)
	case (r.Operation == audit.ColumnEncryption || r.Operation == audit.KeyRotation) && r.Outcome == audit.Failure:
		what := "The encryption of"
		if r.Operation == audit.KeyRotation {
			what = "The key rotation on"
		}
		a.Kind, a.Title = RunFailed, fmt.Sprintf("%s %s failed", what, r.TableID)
		switch {
		case r.KMS != nil && r.KMS.Status == "UNCONFIRMED":
			a.Kind, a.Title = RunUnconfirmed, fmt.Sprintf("%s %s is not confirmed by the KMS", what, r.TableID)
		case r.KMS != nil && r.KMS.Status == "REJECTED":
			return a, false // the callback's own record raises it
		}
	default:
		return a, false
	}
	return a, true
}
