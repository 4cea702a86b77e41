package console

import (
	"context"
	"fmt"

	"cxseal/handlers"
	"cxseal/handlers/frame"
	"cxseal/handlers/keys"
	"cxseal/handlers/ledger"
	"cxseal/handlers/overview"
	"cxseal/handlers/people"
	"cxseal/handlers/runs"
	"cxseal/handlers/settings"
	"cxseal/handlers/tables"
	"cxseal/internal/access"
	"cxseal/internal/attention"
	"cxseal/internal/fault"
	"cxseal/internal/review"
	"cxseal/internal/rotation"
	"cxseal/internal/seal"
)

// PagesConfig is what the pages are made of: all of the wiring of package
// handlers. A test that needs a page whose reader fails replaces that reader in it
// and serves the result beside the console's own pages.
func (c *Console) PagesConfig() handlers.Config {
	cfg := &c.cfg
	feeds := rotation.NewFeeds(c.Store, c.Accounts, cfg.Now)
	reviews := review.NewService(c.Store, c.Log, cfg.Now)
	pages := handlers.Config{
		Frame: frame.Config{
			Accounts: c.Accounts, Tokens: c.tokens, Factors: c.factors, Sessions: c.sessions,
			Forms: formSealer{c.Sealer}, Connections: c.connections, Ready: c.ready, RequireFactor: cfg.RequireFactor,
			PublicURL: cfg.PublicURL, TrustedProxies: cfg.Proxies,
			Version: cfg.Version, Now: cfg.Now, Logger: cfg.Logger, Metrics: newMetrics(c.Store),
		},
		Tables: tables.Deps{Tenants: c.Inventory, Policies: c.Policies, Launcher: c.Encryption,
			Sensitivity: c.Sensitivity},
		Runs:   runs.Deps{Encryption: c.Encryption, Campaigner: c.Campaigns},
		Ledger: ledger.Deps{LogStatus: c.Log.Status, Reviews: reviews, Log: c.Log, Pack: c.Log},
		Keys: keys.Deps{Policies: c.Policies, Feeds: feeds, Launcher: c.Encryption,
			Leads: cfg.Leads},
		People: people.Deps{Accounts: c.Accounts, SignedIn: c.signedIn, Factors: c.factors, Tokens: c.tokens, Feeds: feeds, SSO: c.sso,
			WithFactor: c.Store.FactorUsers, DemoNote: cfg.DemoNote},
		Overview: overview.Deps{Leads: cfg.Leads, Reviews: reviews, LogStatus: c.Log.Status,
			Acknowledge: attention.NewService(c.Store, cfg.Now)},
		Settings: settings.Deps{Connections: c.Connections, Routing: c.Alarms, Jobs: c.scheduler, Log: c.Log,
			LogStatus: c.Log.Status,
			Facts:     c.facts, Reseal: access.NewSealing(c.Sealer, c.Store, cfg.Now).ChangeKey},
	}
	pages.ReadFrom(c.Store)
	return pages
}

// formSealer seals the forms that browsers keep with a key made from the console's sealing key.
type formSealer struct{ sealer *seal.Sealer }

const keptForm = "a form that waits for its person to sign in again"

func (f formSealer) SealForm(form []byte) ([]byte, error) { return f.sealer.SealCookie(form, keptForm) }

func (f formSealer) OpenForm(sealed []byte) ([]byte, error) {
	return f.sealer.OpenCookie(sealed, keptForm)
}

// connections describes the usable tenants without their secrets.
func (c *Console) connections() []handlers.Connection {
	var list []handlers.Connection
	for _, k := range c.Directory.All() {
		if k.Disabled || k.Trouble != "" {
			continue
		}
		list = append(list, handlers.Connection{Name: k.Settings.Name, BaseURL: k.Settings.BaseURL,
			Source: k.Source, Mode: k.Settings.Mode,
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
