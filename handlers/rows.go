package handlers

import (
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/web"
)

// How the domain's types become rows of a list.

func runRow(r encryption.RunLine) web.RunRow {
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

func runRows(runs []encryption.RunLine) []web.RunRow {
	rows := make([]web.RunRow, len(runs))
	for i, r := range runs {
		rows[i] = runRow(r)
	}
	return rows
}

func auditRow(l audit.Line) web.AuditRow {
	return web.AuditRow{
		Seq: l.Seq, ID: l.AuditID, At: l.Time(), Operation: string(l.Operation), Outcome: string(l.Outcome),
		Actor: l.Actor.Name, Role: l.Actor.Role, Connection: l.Connection, DatastoreID: l.DatastoreID,
		TableID: l.TableID, Columns: l.Columns, RunID: l.RunID, Detail: l.Detail,
	}
}

func auditRows(lines []audit.Line) []web.AuditRow {
	rows := make([]web.AuditRow, len(lines))
	for i, l := range lines {
		rows[i] = auditRow(l)
	}
	return rows
}

func coverage(c encryption.Coverage) web.Coverage {
	return web.Coverage{Encrypted: c.Encrypted, Total: c.Total, Rate: c.Rate}
}
