// Package rows turns domain values into the rows of lists that several areas show. It may read no store and hold
// no rule.
package rows

import (
	"net/url"
	"time"

	"cxseal/handlers/frame"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/inventory"
	"cxseal/internal/protection"
	"cxseal/internal/rotation"
	"cxseal/internal/sensitivity"
	"cxseal/web"
)

// Run is a run in a list.
func Run(r encryption.RunLine) web.RunRow {
	row := web.RunRow{
		ID: r.ID, Operation: string(r.Operation), State: string(r.State), Connection: r.Connection,
		DatastoreID: r.DatastoreID, TableID: r.TableID, TableName: r.TableName, Columns: r.Columns,
		RequestedBy: r.RequestedBy.Name, Role: r.RequestedBy.Role, RequestedAt: r.RequestedAt,
		FinishedAt: r.FinishedAt, Reason: r.ErrorMessage,
	}
	if row.TableName == "" {
		row.TableName = r.TableID
	}
	return row
}

// Runs is a list of runs.
func Runs(runs []encryption.RunLine) []web.RunRow { return each(runs, Run) }

// Record is an audit record in a list.
func Record(l audit.Line) web.AuditRow {
	return web.AuditRow{
		Seq: l.Seq, ID: l.AuditID, At: l.Time(), Operation: string(l.Operation), Outcome: string(l.Outcome),
		Actor: l.Actor.Name, Role: l.Actor.Role, Connection: l.Connection, DatastoreID: l.DatastoreID,
		TableID: l.TableID, Columns: l.Columns, RunID: l.RunID, Detail: l.Detail,
	}
}

// Records is a list of audit records.
func Records(lines []audit.Line) []web.AuditRow { return each(lines, Record) }

func each[T, R any](list []T, row func(T) R) []R {
	rows := make([]R, len(list))
	for i, v := range list {
		rows[i] = row(v)
	}
	return rows
}

// Coverage is how many columns of how many are encrypted.
func Coverage(c encryption.Coverage) web.Coverage {
	return web.Coverage{Encrypted: c.Encrypted, Total: c.Total, Rate: c.Rate}
}

// ProtectedColumns counts a table's columns by how far they are protected.
func ProtectedColumns(columns []inventory.Column) web.Protected {
	v := web.Protected{Total: len(columns)}
	for _, c := range columns {
		switch c.Protection.State() {
		case protection.Verified:
			v.Verified++
		case protection.Unverified:
			v.Unverified++
		case protection.Refused:
			v.Refused++
		case protection.Unprotected:
		}
		if c.Protection.Observed() {
			v.Observed++
		}
	}
	v.Rate = encryption.NewCoverage(v.Verified, v.Total).Rate
	return v
}

// Protected counts the sensitive columns of all tables by how far they are
// protected, each number with its list.
func Protected(t inventory.Totals) web.Protected {
	list := func(state protection.State) string {
		return "/sensitivity?" + url.Values{"state": {string(sensitivity.Sensitive)}, "protection": {string(state)}}.Encode()
	}
	return web.Protected{
		Verified: t.Verified, Observed: t.Observed, Unverified: t.Unverified, Refused: t.Refused, Total: t.Sensitive,
		Rate:         encryption.NewCoverage(t.Verified, t.Sensitive).Rate,
		VerifiedHref: list(protection.Verified), UnverifiedHref: list(protection.Unverified),
		RefusedHref: list(protection.Refused), OpenHref: list(protection.Unprotected),
	}
}

// Rotation is a column of the rotation ledger in a list. connection is how the
// page names its connection, policy says which policy it follows.
func Rotation(c rotation.Column, connection, policy string, now time.Time, leads rotation.Leads) web.RotationRow {
	return web.RotationRow{
		Connection: connection, DatastoreID: c.DatastoreID, TableID: c.TableID, TableName: c.TableName, Column: c.Column,
		Strategy: c.Strategy, IntervalDays: c.IntervalDays, GraceDays: c.GraceDays, DueAt: c.DueAt,
		Status: string(c.StatusAt(now, leads)), KeyVersion: c.KeyVersion, RunID: c.RunID, Policy: policy,
		Key:    frame.EncodeKey(c.Connection, c.DatastoreID, c.TableID, c.Column),
		SeenAt: c.SeenAt, RotatedAt: c.Rotated.At, RotatedHow: string(c.Rotated.How), Timeliness: string(c.Rotated.Timeliness),
		BackAt: c.BackAt, BackTo: c.BackTo,
	}
}

// LogState returns how far the log is signed and anchored, for a page.
func LogState(s audit.LogStatus) web.LogState {
	state := web.LogState{Size: s.Size, Anchors: s.Anchors, NotAnchored: s.NotAnchored, Error: s.AnchorError,
		FailedSince: s.FailedSince}
	if s.Checkpoint != nil {
		state.Checkpoint, state.CheckpointAt = s.Checkpoint.Size, s.Checkpoint.CreatedAt
	}
	if s.Anchored != nil {
		state.Anchored, state.AnchoredAt, state.Where = s.Anchored.Size, s.Anchored.AnchoredAt, s.Anchored.Anchor
	}
	return state
}
