//go:build bench

package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"cxseal/store"
)

const demoPassword = "demo admin password"

// queriesFile is the name of the file that holds the reads of every page.
const queriesFile = "queries.jsonl"

// measuredPages are the pages to measure; %s stands for an id, which the query beside it finds.
var measuredPages = []struct{ path, id string }{
	{path: "/"}, {path: "/audit"}, {path: "/audit/%s",
		id: `SELECT audit_id FROM audit_records ORDER BY seq DESC LIMIT 1 OFFSET 1000`},
	{path: "/audit?operation=KEY_ROTATION"}, {path: "/audit?q=certificate"}, {path: "/reviews"},
	{path: "/runs"}, {path: "/runs/%s", id: `SELECT id FROM runs WHERE state = 'verified' ORDER BY rowid DESC LIMIT 1`},
	{path: "/campaigns"}, {path: "/campaigns/%s", id: `SELECT id FROM campaigns ORDER BY rowid DESC LIMIT 1`},
	{path: "/charts"}, {path: "/datastores"}, {path: "/datastores?connection=bulk"}, {path: "/sensitivity"}, {path: "/sensitivity?state=sensitive&encrypted=no"},
	{path: "/verifications"}, {path: "/rotations"}, {path: "/rotations/month"}, {path: "/rotations/timeline"}, {path: "/rotations/policies"},
	{path: "/alarms"}, {path: "/jobs"}, {path: "/system"}, {path: "/people"}, {path: "/account"}, {path: "/connections"}, {path: "/connections/default"},
	{path: "/login"},
}

// everyPage compares each page with the reads that it does, which a second server repeats, each over HTTP on 16
// connections.
func (b *bench) everyPage() (err error) {
	built, err := b.organisation()
	if err != nil {
		return err
	}
	dir := filepath.Join(b.tmp, "everypage")
	db := filepath.Join(dir, "cxseal.db")
	if err := b.command("cp", "-r", "--reflink=auto", built, dir); err != nil {
		return err
	}
	paths, err := b.paths(db)
	if err != nil {
		return err
	}
	recorded, err := b.record(dir, paths)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, queriesFile), recorded, 0o600); err != nil {
		return err
	}
	c, err := b.start(nil, b.cxseal, "demo", "--addr", "127.0.0.1:0", "--dir", dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	client, err := signIn(c.url, "admin", demoPassword)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	other, err := b.start(nil, self, "-serve-queries", db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, other.stop()) }()
	for _, path := range paths {
		var page, queries []float64
		for range min(b.rounds, 2) { // there are many pages
			for address, list := range map[string]*[]float64{c.url + path: &page,
				other.url + "/?page=" + url.QueryEscape(path): &queries} {
				pace, err := b.hammer(client, address)
				if err != nil {
					return err
				}
				*list = append(*list, pace)
			}
		}
		progress("  %s: %.0f of %.0f requests/s", path, median(page), median(queries))
		b.atLeast("the whole page "+path, "its queries alone", median(page)/median(queries), 0.6, "")
	}
	return nil
}

// paths returns the pages with their ids filled in.
func (b *bench) paths(db string) (list []string, err error) {
	rows, err := sql.Open("sqlite", db)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for _, p := range measuredPages {
		if p.id != "" {
			var id string
			if err := rows.QueryRowContext(b.ctx, p.id).Scan(&id); err != nil {
				return nil, fmt.Errorf("%s: %w", p.path, err)
			}
			p.path = fmt.Sprintf(p.path, id)
		}
		list = append(list, p.path)
	}
	return list, nil
}

// record opens each page in a console that logs its reads, and returns the reads of each page as JSON.
// Background jobs read too, so each page is opened five times and the attempt with the fewest reads is kept.
func (b *bench) record(dir string, paths []string) (recorded []byte, err error) {
	watched, file := filepath.Join(b.tmp, "cxseal-watched"), filepath.Join(b.tmp, "watched.jsonl")
	if err := b.command("go", "build", "-tags", "bench", "-o", watched, "./cmd/cxseal"); err != nil {
		return nil, err
	}
	c, err := b.start([]string{"CXSEAL_BENCH_QUERIES=" + file}, watched, "demo", "--addr", "127.0.0.1:0", "--dir", dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	client, err := signIn(c.url, "admin", demoPassword)
	if err != nil {
		return nil, err
	}
	pages := map[string][]json.RawMessage{}
	for _, path := range paths {
		for i := range 5 {
			before, err := os.ReadFile(file) //nolint:gosec // G304: the bench's own file
			if err != nil {
				return nil, err
			}
			if _, err := fetch(client, c.url+path); err != nil {
				return nil, err
			}
			after, err := os.ReadFile(file) //nolint:gosec // G304: the bench's own file
			if err != nil {
				return nil, err
			}
			var reads []json.RawMessage
			for line := range bytes.Lines(after[len(before):]) {
				reads = append(reads, bytes.TrimSpace(line))
			}
			if i == 0 || len(reads) < len(pages[path]) {
				pages[path] = reads
			}
		}
	}
	return json.Marshal(pages)
}

// serveQueries serves an address that repeats the reads of the page named by its parameter page.
func serveQueries(ctx context.Context, db string) error {
	text, err := os.ReadFile(filepath.Join(filepath.Dir(db), queriesFile))
	if err != nil {
		return err
	}
	var pages map[string][]store.WatchedQuery
	if err := json.Unmarshal(text, &pages); err != nil {
		return err
	}
	s, err := store.Open(ctx, db, store.Options{})
	if err != nil {
		return err
	}
	return errors.Join(serveUntil(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		queries, known := pages[r.URL.Query().Get("page")]
		if !known {
			http.NotFound(w, r)
			return
		}
		for _, q := range queries {
			if err := s.Repeat(r.Context(), q); err != nil {
				http.Error(w, q.Text+": "+err.Error(), http.StatusInternalServerError)
				return
			}
		}
		_, _ = io.WriteString(w, "done")
	})), s.Close())
}
