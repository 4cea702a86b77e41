package handlers

import (
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/web"
)

// How the domain's types become rows of a list.

func runRow(r encryption.Run) web.RunRow {
	row := web.RunRow{
		ID: r.ID, Operation: string(r.Operation), State: string(r.State), Connection: r.Connection,
		DatastoreID: r.DatastoreID, TableID: r.TableID, TableName: r.TableID, Columns: r.Columns,
		RequestedBy: r.RequestedBy.Name, Role: r.RequestedBy.Role, RequestedAt: r.RequestedAt,
		FinishedAt: r.FinishedAt, Reason: r.ErrorMessage,
	}
	if r.Plan != nil && r.Plan.TableName != "" {
		row.TableName = r.Plan.TableName
	}
	return row
}

func runRows(runs []encryption.Run) []web.RunRow {
	rows := make([]web.RunRow, len(runs))
	for i, r := range runs {
		rows[i] = runRow(r)
	}
	return rows
}

func auditRow(e audit.Entry) web.AuditRow {
	r := e.Record
	return web.AuditRow{
		Seq: e.Seq, ID: r.AuditID, At: r.Time(), Operation: string(r.Operation), Outcome: string(r.Outcome),
		Actor: r.Actor.Name, Role: r.Actor.Role, Connection: r.Connection, DatastoreID: r.DatastoreID,
		TableID: r.TableID, Columns: r.Columns, RunID: r.RunID, Detail: r.Detail,
	}
}

func auditRows(entries []audit.Entry) []web.AuditRow {
	rows := make([]web.AuditRow, len(entries))
	for i, e := range entries {
		rows[i] = auditRow(e)
	}
	return rows
}

func coverage(c encryption.Coverage) web.Coverage {
	return web.Coverage{Encrypted: c.Encrypted, Total: c.Total, Rate: c.Rate}
}
