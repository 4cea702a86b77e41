package handlers

import (
	"cxseal/handlers/frame"
	"cxseal/handlers/keys"
	"cxseal/handlers/ledger"
	"cxseal/handlers/overview"
	"cxseal/handlers/people"
	"cxseal/handlers/runs"
	"cxseal/handlers/settings"
	"cxseal/handlers/tables"
)

// Config holds the dependencies of the frame and of each area.
type Config struct {
	Frame    frame.Config
	Tables   tables.Deps
	Runs     runs.Deps
	Ledger   ledger.Deps
	Keys     keys.Deps
	People   people.Deps
	Overview overview.Deps
	Settings settings.Deps
}

// Store is a database that the pages read; *store.Store is one.
type Store interface {
	frame.Recorder
	frame.Syncs
	tables.Tables
	tables.Columns
	tables.Runs
	tables.Rotations
	tables.Decisions
	runs.Requests
	runs.Runs
	runs.Campaigns
	runs.Audit
	runs.Tables
	runs.Columns
	ledger.Audit
	ledger.Verifications
	keys.Rotations
	overview.Tables
	overview.Runs
	overview.Rotations
	overview.Trends
	overview.Columns
	overview.Decisions
	overview.Audit
	overview.Items
	settings.Alarms
	settings.Audit
}

// ReadFrom sets the store as every reader of the frame and the areas.
func (cfg *Config) ReadFrom(s Store) {
	cfg.Frame.Records, cfg.Frame.Syncs = s, s
	cfg.Tables.Tables, cfg.Tables.Columns, cfg.Tables.Runs, cfg.Tables.Rotations = s, s, s, s
	cfg.Tables.Decisions, cfg.Runs.Requests = s, s
	cfg.Runs.Runs, cfg.Runs.Campaigns, cfg.Runs.Audit, cfg.Runs.Tables, cfg.Runs.Columns = s, s, s, s, s
	cfg.Ledger.Audit, cfg.Ledger.Verifications = s, s
	cfg.Keys.Rotations = s
	cfg.Overview.Tables, cfg.Overview.Runs, cfg.Overview.Rotations = s, s, s
	cfg.Overview.Trends, cfg.Overview.Columns, cfg.Overview.Decisions, cfg.Overview.Audit = s, s, s, s
	cfg.Overview.Items = s
	cfg.Settings.Alarms, cfg.Settings.Audit = s, s
}

// Connection is one configured tenant, without its secrets.
type Connection = frame.Connection

// Fact is one labelled value of the system page.
type Fact = settings.Fact
