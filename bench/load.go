//go:build bench

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cxseal/handlers"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/internal/inventory"
	"cxseal/internal/review"
	"cxseal/store"
	"cxseal/web"
)

// noTenants is a console without a tenant: the log needs none.
type noTenants struct{}

func (noTenants) Names() []string { return nil }
func (noTenants) Connection(string) (*encryption.Connection, error) {
	return nil, fault.New(fault.NotFound, "There is no tenant.")
}
func (noTenants) Tenant(string) (inventory.Tenant, error) {
	return nil, fault.New(fault.NotFound, "There is no tenant.")
}

// desk is the console's log, in this process.
type desk struct {
	store   *store.Store
	log     *audit.Log
	reviews *review.Service
	console *handlers.Console
	person  access.Caller
}

func (b *bench) openDesk() (d *desk, err error) {
	d = &desk{}
	if d.store, err = store.Open(b.ctx, b.db, store.Options{}); err != nil {
		return nil, err
	}
	key, err := audit.LoadOrCreateKey(filepath.Join(b.tmp, "desk.key"), "")
	if err != nil {
		return nil, err
	}
	now := time.Now
	quiet := slog.New(slog.DiscardHandler)
	d.log = audit.NewLog(d.store, key, now, b.tmp)
	d.reviews = review.NewService(d.store, now)
	accounts := access.NewAccounts(d.store, now, access.DefaultHashCost)
	user, err := accounts.Create(b.ctx, access.Caller{Name: "cli", Role: access.System}, "bench-officer", password, access.Officer)
	if err != nil {
		return nil, err
	}
	d.person = access.Caller{UserID: user.ID, Name: user.Name, Role: user.Role}
	d.console, err = handlers.New(handlers.Config{
		Service: encryption.NewService(d.store, noTenants{}, now, quiet), Accounts: accounts,
		Inventory: inventory.NewService(d.store, noTenants{}, now, quiet), Sessions: d.store.Sessions(handlers.DescribeSession),
		Runs: d.store, Verifications: d.store, Audit: d.store, Tables: d.store, Records: d.store,
		Rotations: func(context.Context, handlers.RotationFilter, *encryption.RotationDate, int) ([]encryption.RotationDate, error) {
			return nil, nil
		},
		Facets: d.facets, Connections: func() []handlers.Connection { return nil },
		Log: d.log, Pack: d.log, LogStatus: d.log.Status, Reviews: d.reviews,
		Ready: d.store.Ping, Version: "bench", Now: now, Logger: quiet, Metrics: prometheus.NewRegistry(),
	})
	return d, err
}

func (d *desk) facets(ctx context.Context, f audit.Filter) (handlers.Facets, error) {
	found, err := d.store.AuditFacets(ctx, f)
	list := func(from []store.FacetCount) []handlers.FacetCount {
		out := make([]handlers.FacetCount, len(from))
		for i, c := range from {
			out[i] = handlers.FacetCount{Value: c.Value, Count: c.Count}
		}
		return out
	}
	return handlers.Facets{Operations: list(found.Operations), Outcomes: list(found.Outcomes), Actors: list(found.Actors),
		Connections: list(found.Connections), Of: found.Of, All: found.All}, err
}

// queries are all that the page asks of the database: who is there, how the
// tenants are, the records, and what surrounds them.
func (d *desk) queries(ctx context.Context) (entries []audit.Entry, err error) {
	f := audit.Filter{}
	_, _, sessionErr := d.store.Sessions(handlers.DescribeSession).FindCtx(ctx, "no such token")
	_, userErr := d.store.UserByID(ctx, d.person.UserID)
	_, syncErr := d.store.Syncs(ctx)
	entries, err = d.store.AuditPage(ctx, f, 0, 51)
	_, _, countErr := d.store.AuditCount(ctx, f, 10_000)
	_, facetErr := d.store.AuditFacets(ctx, f)
	_, statusErr := d.log.Status(ctx)
	_, viewErr := d.reviews.Views(ctx, d.person)
	return entries, errors.Join(err, sessionErr, userErr, syncErr, countErr, facetErr, statusErr, viewErr)
}

// load compares the log's page with its queries alone and with html/template,
// each over HTTP on 16 connections.
func (b *bench) load() (err error) {
	d, err := b.openDesk()
	if err != nil {
		return err
	}
	defer func() {
		d.console.Close()
		err = errors.Join(err, d.store.Close())
	}()
	if _, err := d.log.Sign(b.ctx); err != nil {
		return err
	}
	page, stop, err := listen(d.console)
	if err != nil {
		return err
	}
	defer stop()
	client, err := signIn(page, "bench-officer")
	if err != nil {
		return err
	}
	plain, err := d.plainPage(client, page)
	if err != nil {
		return err
	}
	serve := func(render func(context.Context, io.Writer, []audit.Entry) error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			entries, err := d.queries(r.Context())
			var buf bytes.Buffer
			if err == nil && render != nil {
				err = render(r.Context(), &buf, entries)
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			_, _ = w.Write(buf.Bytes())
		}
	}
	mux := http.NewServeMux()
	mux.Handle("/queries", serve(nil))
	mux.Handle("/templ", serve(func(ctx context.Context, w io.Writer, e []audit.Entry) error {
		return plain.templ(ctx, w, e)
	}))
	mux.Handle("/html", serve(func(_ context.Context, w io.Writer, e []audit.Entry) error { return plain.html(w, e) }))
	other, stopOther, err := listen(mux)
	if err != nil {
		return err
	}
	defer stopOther()
	paces := map[string][]float64{}
	for range b.rounds {
		for name, address := range map[string]string{"page": page + "/audit", "queries": other + "/queries", "templ": other + "/templ", "html": other + "/html"} {
			p, err := b.hammer(client, address)
			if err != nil {
				return err
			}
			paces[name] = append(paces[name], p)
		}
	}
	for name, list := range paces {
		say("  %s: %.0f requests/s", name, middle(list))
	}
	b.atLeast("the whole /audit page, 16 connections", "its queries alone", middle(paces["page"])/middle(paces["queries"]), 0.6, "")
	b.atLeast("the page's queries and templ, 16 connections", "its queries and html/template", middle(paces["templ"])/middle(paces["html"]), 2, "")
	return b.drawing(d, plain)
}

// drawing compares the two without queries and without HTTP.
func (b *bench) drawing(d *desk, plain *plainPage) error {
	entries, err := d.queries(b.ctx)
	if err != nil {
		return err
	}
	var ours, theirs []time.Duration
	for range 300 {
		began := time.Now()
		if err := plain.templ(b.ctx, &bytes.Buffer{}, entries); err != nil {
			return err
		}
		between := time.Now()
		if err := plain.html(&bytes.Buffer{}, entries); err != nil {
			return err
		}
		ours, theirs = append(ours, between.Sub(began)), append(theirs, time.Since(between))
	}
	b.atLeast("drawing the page with templ", "with html/template", float64(median(theirs))/float64(median(ours)), 2, "")
	return nil
}

// listen serves on a port of its own.
func listen(h http.Handler) (address string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { _ = srv.Serve(l) }()
	return "http://" + l.Addr().String(), func() { _ = srv.Close() }, nil
}

// hammer fetches an address on 16 connections and answers the requests a second.
func (b *bench) hammer(client *http.Client, address string) (float64, error) {
	const span = 4 * time.Second
	var done atomic.Int64
	var wg sync.WaitGroup
	failed := make([]error, 16)
	began := time.Now()
	for i := range failed {
		wg.Go(func() {
			for time.Since(began) < span && failed[i] == nil && b.ctx.Err() == nil {
				if _, failed[i] = fetch(client, address); failed[i] == nil {
					done.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return float64(done.Load()) / time.Since(began).Seconds(), errors.Join(errors.Join(failed...), b.ctx.Err())
}

// plainView is the page's view model, made of the entries.
func plainView(entries []audit.Entry) web.AuditView {
	v := web.AuditView{Chrome: web.Chrome{Title: "Audit log", Nav: web.NavAudit, User: web.User{Name: "bench-officer", Role: "officer"},
		CSRF: "token", Version: "bench", Now: time.Now()}, CanExport: true, Evidence: true, Reviews: true, CanSave: true}
	v.Pager = web.Pager{Older: "/audit?before=1", Total: web.FormatNumber(int64(len(entries)))}
	v.Facets = []web.Facet{{Title: "Outcome", Param: "outcome", Values: []web.FacetValue{{Value: "SUCCESS", Count: "900,000"}, {Value: "FAILURE", Count: "100,000"}}}}
	for _, e := range entries[:min(50, len(entries))] {
		r := e.Record
		at, err := time.Parse(time.RFC3339, r.Timestamp)
		if err != nil {
			panic(fmt.Sprintf("record %d has no time: %v", e.Seq, err))
		}
		v.Rows = append(v.Rows, web.AuditRow{Seq: e.Seq, ID: r.AuditID, At: at, Operation: string(r.Operation), Outcome: string(r.Outcome),
			Actor: r.Actor.Name, Role: r.Actor.Role, Connection: r.Connection, DatastoreID: r.DatastoreID, TableID: r.TableID,
			Columns: r.Columns, RunID: r.RunID, Detail: r.Detail})
	}
	return v
}
