package console

import (
	"context"
	"fmt"

	"cxseal/handlers"
	"cxseal/internal/access"
	"cxseal/internal/fault"
	"cxseal/internal/review"
	"cxseal/internal/rotation"
	"cxseal/internal/sensitivity"
)

// PagesConfig is what the pages are made of: all of the wiring of package
// handlers. A test that wants to see a page whose reader fails lays one over it
// and serves the result beside the console's own.
func (c *Console) PagesConfig() handlers.Config {
	cfg := &c.cfg
	return handlers.Config{
		Service:        c.Encryption,
		Accounts:       c.Accounts,
		Inventory:      c.Inventory,
		Sessions:       c.sessions,
		SignedIn:       c.signedIn,
		Factors:        c.factors,
		Tokens:         c.tokens,
		SSO:            c.sso,
		Managed:        c.Connections,
		WithFactor:     c.Store.FactorUsers,
		RequireFactor:  cfg.RequireFactor,
		Reseal:         access.NewSealing(c.Sealer, c.Store, cfg.Now).ChangeKey,
		Runs:           c.Store,
		Verifications:  c.Store,
		Audit:          c.Store,
		Tables:         c.Store,
		Trends:         c.Store,
		Columns:        c.Store,
		Sensitivity:    sensitivity.NewService(c.Store, cfg.Now),
		Campaign:       c.Campaigns,
		Campaigns:      c.Store,
		Records:        c.Store,
		Ledger:         c.Store,
		Policies:       c.Policies,
		Feeds:          rotation.NewFeeds(c.Store, c.Accounts, cfg.Now),
		Leads:          cfg.Leads,
		Alarms:         c.Store,
		Desk:           c.Alarms,
		Jobs:           c.scheduler,
		Facets:         c.Store.AuditFacets,
		Connections:    c.connections,
		Log:            c.Log,
		LogStatus:      c.Log.Status,
		Reviews:        review.NewService(c.Store, cfg.Now),
		Pack:           c.Log,
		Facts:          c.facts,
		Ready:          c.ready,
		PublicURL:      cfg.PublicURL,
		TrustedProxies: cfg.Proxies,
		Version:        cfg.Version,
		DemoNote:       cfg.DemoNote,
		Now:            cfg.Now,
		Logger:         cfg.Logger,
		Metrics:        newMetrics(c.Store),
	}
}

// connections describes the usable tenants without their secrets.
func (c *Console) connections() []handlers.Connection {
	var list []handlers.Connection
	for _, k := range c.Directory.All() {
		if k.Disabled || k.Trouble != "" {
			continue
		}
		list = append(list, handlers.Connection{Name: k.Settings.Name, BaseURL: k.Settings.BaseURL, Source: k.Source, Mode: k.Settings.Mode,
			Callback: k.Callback(), Signed: k.Secrets > 0})
	}
	return list
}

// facts are what an operator wants to know at a glance.
func (c *Console) facts(ctx context.Context) []handlers.Fact {
	stats := c.Store.Stats()
	facts := []handlers.Fact{
		{Label: "Database", Value: fmt.Sprintf("%s, %.1f MiB", c.cfg.DB, float64(stats.DatabaseBytes)/(1<<20))},
		{Label: "Address", Value: c.cfg.address()},
	}
	sealing := handlers.Fact{Label: "Sealing key", Value: "1 key"}
	if n := c.Sealer.Keys(); n > 1 {
		sealing.Value = fmt.Sprintf("%d keys: a change was not finished, do it again", n)
	}
	facts = append(facts, sealing)
	if size, err := c.Store.TreeSize(ctx); err == nil {
		facts = append(facts, handlers.Fact{Label: "Audit records", Value: fmt.Sprint(size)})
	}
	return facts
}

// ready says whether the console can do its work.
func (c *Console) ready(ctx context.Context) error {
	err := c.Store.Ping(ctx)
	if err != nil && fault.CodeOf(err) != fault.Unavailable {
		return fault.Wrap(err, fault.Internal, "The database does not answer.")
	}
	return err
}
