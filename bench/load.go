//go:build bench

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"cxseal/handlers"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/review"
	"cxseal/store"
	"cxseal/web"
)

// pageParts holds what the log's page reads from, without the console.
type pageParts struct {
	store   *store.Store
	log     *audit.Log
	reviews *review.Service
	person  int64 // the user id whose saved views are read
}

func openParts(ctx context.Context, db, tmp string) (*pageParts, error) {
	s, err := store.Open(ctx, db, store.Options{})
	if err != nil {
		return nil, err
	}
	key, err := audit.LoadOrCreateKey(filepath.Join(tmp, "parts.key"), "")
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	log := audit.NewLog(s, key, time.Now, tmp)
	return &pageParts{s, log, review.NewService(s, log, time.Now), 1}, nil
}

// queries does all reads of the log's page: session, user, the tenants' last readings, the records, their
// count and facets, the log's state and the saved views.
func (d *pageParts) queries(ctx context.Context) (lines []audit.Line, err error) {
	f := audit.Filter{}
	_, _, sessionErr := d.store.Sessions(handlers.DescribeSession).FindCtx(ctx, "no such token")
	_, userErr := d.store.UserByID(ctx, d.person)
	_, syncErr := d.store.Syncs(ctx)
	lines, err = d.store.AuditLines(ctx, f, 0, 51)
	_, totalsErr := d.store.AuditTotals(ctx, f, 10_000)
	_, statusErr := d.log.Status(ctx)
	_, viewErr := d.reviews.Views(ctx, access.Caller{UserID: d.person, Role: access.Officer})
	return lines, errors.Join(err, sessionErr, userErr, syncErr, totalsErr, statusErr, viewErr)
}

// load compares the log's page with its queries alone and with html/template,
// each over HTTP on 16 connections, the server a process of its own.
func (b *bench) load() (err error) {
	c, err := b.serve()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	client, err := signIn(c.url, "admin", password)
	if err != nil {
		return err
	}
	page := filepath.Join(b.tmp, "page.html")
	if err := save(client, c.url+"/audit", page); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	other, err := b.start(nil, self, "-serve-parts", b.db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, other.stop()) }()
	paces := map[string][]float64{}
	for range b.rounds {
		for name, address := range map[string]string{"page": c.url + "/audit",
			"queries": other.url + "/queries", "templ": other.url + "/templ", "html": other.url + "/html"} {
			p, err := b.hammer(client, address)
			if err != nil {
				return err
			}
			paces[name] = append(paces[name], p)
		}
	}
	for name, list := range paces {
		progress("  %s: %.0f requests/s", name, median(list))
	}
	b.atLeast("the whole /audit page, 16 connections", "its queries alone",
		median(paces["page"])/median(paces["queries"]), 0.6, "")
	b.atLeast("the page's queries and templ, 16 connections", "its queries and html/template",
		median(paces["templ"])/median(paces["html"]), 2, "")
	return b.drawing(page)
}

// save writes a page to a file.
func save(client *http.Client, address, path string) error {
	resp, err := client.Get(address)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	return os.WriteFile(path, body, 0o600)
}

// serveParts serves the page's parts on a database until ctx ends: /queries, and the page drawn by /templ and
// /html. It runs as a process of its own; page.html, the page as the console draws it, lies beside the
// database.
func serveParts(ctx context.Context, db string) error {
	d, err := openParts(ctx, db, filepath.Dir(db))
	if err != nil {
		return err
	}
	plain, err := d.plainPage(filepath.Join(filepath.Dir(db), "page.html"))
	if err != nil {
		return errors.Join(err, d.store.Close())
	}
	serve := func(render func(context.Context, io.Writer, []audit.Line) error) http.HandlerFunc {
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
	mux.Handle("/templ", serve(plain.templ))
	mux.Handle("/html", serve(plain.html))
	return errors.Join(serveUntil(ctx, mux), d.store.Close())
}

// serveUntil serves on a free port, which it prints, until ctx ends.
func serveUntil(ctx context.Context, handler http.Handler) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	defer context.AfterFunc(ctx, func() { _ = srv.Close() })()
	fmt.Println("bench" + servingOn + "http://" + l.Addr().String())
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// drawing compares templ with html/template without queries and without HTTP.
func (b *bench) drawing(page string) (err error) {
	d, err := openParts(b.ctx, b.db, b.tmp)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.store.Close()) }()
	plain, err := d.plainPage(page)
	if err != nil {
		return err
	}
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
		if err := plain.html(b.ctx, &bytes.Buffer{}, entries); err != nil {
			return err
		}
		ours, theirs = append(ours, between.Sub(began)), append(theirs, time.Since(between))
	}
	b.atLeast("drawing the page with templ", "with html/template", float64(median(theirs))/float64(median(ours)), 2, "")
	return nil
}

// hammer fetches an address on 16 connections for four seconds and returns the requests per second.
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

// plainView returns the page's view model with the first 50 of the lines.
func plainView(lines []audit.Line) web.AuditView {
	v := web.AuditView{Chrome: web.Chrome{Title: "Audit log", Nav: web.NavAudit,
		User: web.User{Name: "bench-officer", Role: "officer"},
		CSRF: "token", Version: "bench", Now: time.Now()}, CanExport: true, Evidence: true, Reviews: true, CanSave: true}
	v.Pager = web.Pager{Older: "/audit?before=1", Total: web.FormatNumber(int64(len(lines)))}
	v.Facets = []web.Facet{{Title: "Outcome", Param: "outcome",
		Values: []web.FacetValue{{Value: "SUCCESS", Count: "900,000"}, {Value: "FAILURE", Count: "100,000"}}}}
	for _, r := range lines[:min(50, len(lines))] {
		v.Rows = append(v.Rows, web.AuditRow{Seq: r.Seq, ID: r.AuditID, At: r.Time(),
			Operation: string(r.Operation), Outcome: string(r.Outcome),
			Actor: r.Actor.Name, Role: r.Actor.Role, Connection: r.Connection, DatastoreID: r.DatastoreID, TableID: r.TableID,
			Columns: r.Columns, RunID: r.RunID, Detail: r.Detail})
	}
	return v
}
