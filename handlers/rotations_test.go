package handlers_test

import (
	"path/filepath"

	"cxseal/handlers"
	"cxseal/internal/access"
	"cxseal/internal/alarm"
	"cxseal/internal/rotation"
	"cxseal/internal/schedule"
)

// addRotations gives the house its rotation ledger, alarms and jobs.
func (h *house) addRotations(cfg *handlers.Config) {
	h.t.Helper()
	sealer, err := access.OpenSealer(h.t.Context(), access.KeySource{File: filepath.Join(h.t.TempDir(), "seal-key"), MayCreate: true})
	must(h.t, err)
	cfg.Ledger, cfg.Alarms, cfg.Leads = h.db, h.db, rotation.DefaultLeads
	cfg.Policies = rotation.NewKeeper(h.db, h.clock)
	cfg.Service.UseWindows(cfg.Policies)
	cfg.Feeds = rotation.NewFeeds(h.db, h.accounts, h.clock)
	cfg.Desk = alarm.NewDesk(h.db, sealer, h.clock, cfg.Logger)
	cfg.Jobs = schedule.New(h.db, nil, h.clock, cfg.Logger, schedule.Options{})
}
