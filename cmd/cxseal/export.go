package main

import (
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
	"cxseal/internal/period"
)

type exportCmd struct {
	database
	logging
	Format string `help:"csv or jsonl." default:"csv" enum:"csv,jsonl"`
	auditFilter
}

// auditFilter are the filters of contract §3 as flags.
type auditFilter struct {
	From       string `help:"From this time or date on (RFC 3339, UTC)."`
	To         string `help:"Up to this time, or through this date."`
	Operation  string `help:"Only this operation, such as COLUMN_ENCRYPTION."`
	Outcome    string `help:"SUCCESS, FAILURE or DENIED."`
	Actor      string `help:"Only what this account did."`
	Connection string `help:"Only this connection."`
	Datastore  string `name:"datastore-id" aliases:"datastore_id,datastore" help:"Only this data store."`
	Table      string `name:"table-id" aliases:"table_id,table" help:"Only this table."`
	RunID      string `name:"run-id" aliases:"run_id,run" help:"Only this run."`
	Query      string `name:"q" help:"The search box: words and qualifiers."`
}

func (f auditFilter) parse() (audit.Filter, error) {
	out := audit.Filter{Operation: f.Operation, Outcome: f.Outcome, Actor: f.Actor, Connection: f.Connection,
		DatastoreID: f.Datastore, TableID: f.Table, RunID: f.RunID, Query: f.Query}
	var err error
	if f.From != "" {
		if out.From, err = period.Parse(f.From, false); err != nil {
			return out, usagef("--from: %s", fault.MessageOf(err))
		}
	}
	if f.To != "" {
		if out.To, err = period.Parse(f.To, true); err != nil {
			return out, usagef("--to: %s", fault.MessageOf(err))
		}
	}
	if _, err := out.Resolve(); err != nil {
		return out, usagef("%s", fault.MessageOf(err))
	}
	return out, nil
}

// Run writes the export and records it.
func (cmd *exportCmd) Run(a *app) error {
	filter, err := cmd.parse()
	if err != nil {
		return err
	}
	db, err := openExisting(a, cmd.database, cmd.logging)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // a failed record is reported below
	export := db.Store.ExportCSV
	if cmd.Format == "jsonl" {
		export = db.Store.ExportJSONL
	}
	if err := db.Sign(a.ctx); err != nil {
		return err
	}
	return audit.Exported(a.ctx, db.Store, time.Now, operator().Actor(), cmd.Format, filter, a.stdout, export)
}
