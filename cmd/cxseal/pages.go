package main

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"cxseal/handlers"
	"cxseal/internal/review"
	"cxseal/internal/rotation"
	"cxseal/internal/sensitivity"
	"cxseal/store"
)

// newPages hands the console's parts to the web side.
func newPages(c *Console) (*handlers.Console, error) {
	return handlers.New(handlers.Config{
		Service:        c.service,
		Accounts:       c.accounts,
		Inventory:      c.inv,
		Sessions:       c.kept,
		SignedIn:       c.sessions,
		Factors:        c.factors,
		Tokens:         c.tokens,
		SSO:            c.sso,
		Managed:        c.managed,
		WithFactor:     c.store.FactorUsers,
		RequireFactor:  c.cfg.RequireFactor,
		Reseal:         c.reseal,
		Runs:           c.store,
		Verifications:  c.store,
		Audit:          c.store,
		Tables:         c.store,
		Trends:         c.store,
		Columns:        c.store,
		Sensitivity:    sensitivity.NewService(c.store, c.cfg.Now),
		Campaign:       c.campaign,
		Campaigns:      c.store,
		Records:        c.store,
		Ledger:         c.store,
		Policies:       c.keeper,
		Feeds:          rotation.NewFeeds(c.store, c.accounts, c.cfg.Now),
		Leads:          c.cfg.leads(),
		Alarms:         c.store,
		Desk:           c.desk,
		Jobs:           c.scheduler,
		Facets:         c.store.AuditFacets,
		Connections:    c.connections,
		Log:            c.log,
		LogStatus:      c.log.Status,
		Reviews:        review.NewService(c.store, c.cfg.Now),
		Pack:           c.log,
		Facts:          c.facts,
		Ready:          c.ready,
		PublicURL:      c.cfg.PublicURL,
		TrustedProxies: c.cfg.Proxies,
		Version:        version(),
		DemoNote:       c.cfg.DemoNote,
		Now:            c.cfg.Now,
		Logger:         c.cfg.Logger,
		Metrics:        newMetrics(c.store),
	})
}

// connections describes the usable tenants without their secrets.
func (c *Console) connections() []handlers.Connection {
	var list []handlers.Connection
	for _, k := range c.directory.All() {
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
	stats := c.store.Stats()
	facts := []handlers.Fact{
		{Label: "Database", Value: fmt.Sprintf("%s, %.1f MiB", c.cfg.DB, float64(stats.DatabaseBytes)/(1<<20))},
		{Label: "Address", Value: c.cfg.address()},
	}
	sealing := handlers.Fact{Label: "Sealing key", Value: "1 key"}
	if n := c.sealer.Keys(); n > 1 {
		sealing.Value = fmt.Sprintf("%d keys: a change was not finished, do it again", n)
	}
	facts = append(facts, sealing)
	if size, err := c.store.TreeSize(ctx); err == nil {
		facts = append(facts, handlers.Fact{Label: "Audit records", Value: fmt.Sprint(size)})
	}
	return facts
}

// newMetrics is the registry behind /metrics, with the process's own figures
// and the database's.
func newMetrics(s *store.Store) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	gauge := func(name, help string, value func(store.Stats) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "cxseal", Name: name, Help: help},
			func() float64 { return value(s.Stats()) })
	}
	registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		gauge("database_bytes", "Size of the database file.", func(s store.Stats) float64 { return float64(s.DatabaseBytes) }),
		gauge("wal_bytes", "Size of the write-ahead log.", func(s store.Stats) float64 { return float64(s.WALBytes) }),
		gauge("writes_waiting", "Writes that wait for the one writer.", func(s store.Stats) float64 { return float64(s.Queued) }),
	)
	return registry
}
