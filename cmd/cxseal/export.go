package main

import (
	"fmt"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/console"
	"cxseal/internal/fault"
	"cxseal/internal/period"
)

type exportCmd struct {
	database
	logging
	Format        string `help:"csv or jsonl." default:"csv" enum:"csv,jsonl"`
	WithoutRecord bool   `help:"Export from a database that cannot be written, such as a copy on read-only media: no record of it is made. Refused for every other database."`
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

// Run writes the export and records it. An export leaves a record in the log it
// was made of (contract §4). Where the log cannot be written there is none, and
// the operator says by --without-record that they know.
func (cmd *exportCmd) Run(a *app) error {
	filter, err := cmd.parse()
	if err != nil {
		return err
	}
	db, err := readExisting(a, cmd.database, cmd.logging) // refuses a schema that opening it would change
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // a failed record is reported below
	writable := console.Writable(cmd.DB)
	switch {
	case cmd.WithoutRecord && writable:
		return usagef("--without-record is for a database that cannot be written: this one can, and its export is recorded")
	case cmd.WithoutRecord:
		return cmd.unrecorded(a, db, filter)
	case !writable:
		return fault.New(fault.Invalid, "The database %s cannot be written, so this export would leave no record in its log: export where it is served, or add --without-record.", cmd.DB)
	}
	recorded, err := openExisting(a, cmd.database, cmd.logging)
	if err != nil {
		return err
	}
	defer recorded.Close() //nolint:errcheck // a failed record is reported below
	if err := recorded.Sign(a.ctx); err != nil {
		return err
	}
	return audit.Exported(a.ctx, recorded.Store, time.Now, operator().Actor(), cmd.Format, filter, a.stdout,
		cmd.exporter(recorded))
}

func (cmd *exportCmd) exporter(db *console.Database) audit.Exporter {
	if cmd.Format == "jsonl" {
		return db.Store.ExportJSONL
	}
	return db.Store.ExportCSV
}

// unrecorded writes the export and says that there is no record of it.
func (cmd *exportCmd) unrecorded(a *app, db *console.Database, filter audit.Filter) error {
	if _, err := cmd.exporter(db)(a.ctx, filter, a.stdout); err != nil {
		return err
	}
	if err := db.Store.Undisturbed(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.stderr, "cxseal: %s cannot be written: this export is not recorded in its log.\n", cmd.DB)
	return err
}
