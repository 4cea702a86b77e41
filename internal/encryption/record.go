package encryption

import (
	"fmt"
	"time"

	"cxseal/cxone"
	"cxseal/internal/access"
	"cxseal/internal/audit"
)

// KMSStatus is what a run's record says of the KMS's confirmation (contract §4).
type KMSStatus string

// The KMS statuses.
const (
	kmsVerified    KMSStatus = "VERIFIED"
	kmsRejected    KMSStatus = "REJECTED"
	kmsUnconfirmed KMSStatus = "UNCONFIRMED"
	kmsNotReached  KMSStatus = "NOT_REACHED"
)

// KMSStatuses returns every KMS status.
func KMSStatuses() []KMSStatus {
	return []KMSStatus{kmsVerified, kmsRejected, kmsUnconfirmed, kmsNotReached}
}

// degradationThreshold is the coverage above which queries on the table are
// expected to degrade (contract §4).
const degradationThreshold = 80

// record starts an audit record about a run, done by the console itself.
func (s *Service) record(run Run, op audit.Operation, outcome audit.Outcome) audit.Record {
	r := audit.NewRecord(s.now(), op, outcome, audit.Actor{Name: "console", Role: string(access.System)})
	r.Connection, r.DatastoreID, r.TableID = run.Connection, run.DatastoreID, run.TableID
	r.Columns, r.RunID = run.Columns, run.ID
	return r
}

// finalRecord is the one COLUMN_ENCRYPTION or KEY_ROTATION record that ends a
// run. Its actor is who asked for the run: they answer for it.
func (s *Service) finalRecord(run Run, detail string) audit.Record {
	outcome := audit.Failure
	if run.State == Verified {
		outcome = audit.Success
	}
	r := s.record(run, run.Operation, outcome)
	r.Actor = run.RequestedBy
	r.Metrics = metrics(run)
	r.Compliance = compliance(run)
	r.KMS = &audit.KMS{KeyVersion: run.KeyVersion, KeyVersionID: run.KeyID, PermissionHash: run.PermissionHash, Status: string(kmsStatus(run))}
	r.Detail = detail + approvedBy(run)
	return r
}

// metrics are the run's figures, nil when the table was never read. Coverage
// counts every encrypted column of the table, not only this run's.
func metrics(run Run) *audit.Metrics {
	coverage, known := run.Coverage()
	if !known {
		return nil
	}
	m := &audit.Metrics{
		LatencyMs:            run.Timings.Total(),
		CoverageRate:         coverage.Rate,
		FieldsEncrypted:      coverage.Encrypted,
		TotalFields:          coverage.Total,
		QueryDegradationRisk: "LOW",
	}
	if coverage.Rate > degradationThreshold {
		m.QueryDegradationRisk = "HIGH"
	}
	return m
}

// Coverage is the table's coverage after the run, as far as it was read: after
// the change, else before it. known is false when the table was never read.
func (r Run) Coverage() (coverage Coverage, known bool) {
	switch {
	case r.After != nil:
		return CoverageOf(r.After), true
	case r.Plan != nil && r.Plan.Columns != nil && r.State != Queued:
		return r.Plan.Before, true
	}
	return Coverage{}, false
}

// Total is the run's latency: the sum of the stages it reached. Time spent
// queued is not counted.
func (t Timings) Total() int64 {
	var total int64
	for _, ms := range []int64{t.TokenMs, t.ChecksMs, t.PatchMs, t.KMSMs} {
		total += max(ms, 0)
	}
	return total
}

// compliance says what was established. gdprAligned needs all three: the
// algorithm that the KMS reported, a verified callback, and a rotation that
// the tenant was given with the key.
func compliance(run Run) *audit.Compliance {
	rotation := run.State == Verified && run.IntervalDays > 0 && !run.NextRotation.IsZero()
	c := &audit.Compliance{KeyRotationEnabled: rotation}
	if run.Payload != nil {
		c.Algorithm = cxone.Algorithm
	}
	c.GDPRAligned = run.State == Verified && rotation
	return c
}

func kmsStatus(run Run) KMSStatus {
	switch run.State {
	case Verified:
		return kmsVerified
	case Rejected:
		return kmsRejected
	case Unconfirmed:
		return kmsUnconfirmed
	}
	return kmsNotReached
}

// rotationDates are the dates that a run's PATCH asked for.
func rotationDates(run Run, now time.Time) []RotationDate {
	dates := make([]RotationDate, len(run.Columns))
	for i, column := range run.Columns {
		dates[i] = RotationDate{
			Connection: run.Connection, DatastoreID: run.DatastoreID, TableID: run.TableID, Column: column,
			Strategy: run.Strategy, IntervalDays: run.IntervalDays, DueAt: run.NextRotation,
			KeyVersion: run.KeyVersion, RunID: run.ID, UpdatedAt: now,
		}
	}
	return dates
}

func (s *Service) event(run Run, kind, message string) Event {
	return Event{RunID: run.ID, At: s.now(), State: run.State, Kind: kind, Message: message}
}

func label(op audit.Operation) string {
	if op == audit.KeyRotation {
		return "Key rotation"
	}
	return "Encryption"
}

// callbackRecord is the KMS_CALLBACK record of one callback.
func (s *Service) callbackRecord(run Run, v Verification) audit.Record {
	outcome, status := audit.Success, kmsVerified
	if !v.Accepted {
		outcome, status = audit.Failure, kmsRejected
		if !v.judged() { // turned away, whatever for
			outcome = audit.Denied
		}
	}
	r := s.record(run, audit.KMSCallback, outcome)
	r.Actor = audit.Actor{Name: "kms", Role: string(access.System), IP: v.RemoteIP}
	r.KMS = &audit.KMS{KeyVersion: v.KeyVersion, KeyVersionID: v.KeyID, Status: string(status)}
	r.Detail = verdictSentence(v)
	if v.Accepted {
		r.KMS.PermissionHash = v.permissionHash()
		if run.State == Verified {
			r.Compliance = compliance(run)
		}
	}
	return r
}

func verdictSentence(v Verification) string {
	if !v.Accepted {
		return "The KMS confirmation was refused. " + v.Reason
	}
	how := "by callback"
	switch {
	case v.Inline:
		how = "in the tenant's answer"
	case v.Signed:
		how = "by signed callback"
	}
	return fmt.Sprintf("Confirmed by the KMS %s, key version %s.", how, KeyVersionText(v.KeyVersion, v.KeyID))
}
