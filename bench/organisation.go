//go:build bench

package main

import (
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/internal/connection"
	"cxseal/store"
)

// tenantTables is how many tables the second tenant has, beside the demo's.
const tenantTables = 10_000

// organisation returns the folder of a database as a large organisation has it: the demo's half year of runs,
// campaigns, rotations and alarms, a second tenant of tenantTables tables, and the bench's records. It is built
// the first time and whenever the schema has changed.
func (b *bench) organisation() (string, error) {
	schema, err := schemaHash("")
	if err != nil {
		return "", err
	}
	path := filepath.Join(b.dir, fmt.Sprintf("organisation-%d-%s", b.records, schema))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	dir := filepath.Join(b.tmp, "organisation")
	c, err := b.start(nil, b.cxseal, "demo", "--addr", "127.0.0.1:0", "--dir", dir)
	if err != nil {
		return "", err
	}
	built := filepath.Join(dir, "cxseal.db")
	if err := errors.Join(b.secondTenant(c, built), c.stop()); err != nil {
		return "", err
	}
	s, err := store.Open(b.ctx, built, store.Options{})
	if err != nil {
		return "", err
	}
	if err := errors.Join(b.fill(s), s.Close()); err != nil {
		return "", err
	}
	return path, os.Rename(dir, path)
}

// secondTenant adds a connection to a sandbox of tenantTables tables to the demo, and waits until the console
// has read all of them.
func (b *bench) secondTenant(c *console, db string) (err error) {
	tenant, err := b.start(nil, b.cxseal, "sandbox", "--addr", "127.0.0.1:0", "--tables", fmt.Sprint(tenantTables))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tenant.stop()) }()
	client, err := signIn(c.url, "admin", demoPassword)
	if err != nil {
		return err
	}
	if err := post(client, c.url, "/connections",
		url.Values{"name": {"bulk"}, "mode": {connection.ClientCredentials}, "client_id": {sandbox.DefaultClientID},
			"client_secret": {sandbox.DefaultClientSecret}, "realm": {sandbox.DefaultRealm}, "base_url": {tenant.url}, "path_prefix": {connection.DefaultPathPrefix}, "rate": {"0"},
			"concurrency": {"4"}, "callback_deadline": {"10m"}, "approval_life": {"24h"}}); err != nil {
		return err
	}
	if err := post(client, c.url, "/datastores/sync", url.Values{"connection": {"bulk"}}); err != nil {
		return err
	}
	rows, err := sql.Open("sqlite", db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for began := time.Now(); time.Since(began) < 10*time.Minute && b.ctx.Err() == nil; time.Sleep(time.Second) {
		var done, trouble string
		err := rows.QueryRowContext(b.ctx, `SELECT coalesce(max(succeeded_at), ''), coalesce(max(error), '') FROM inventory_syncs WHERE connection = 'bulk'`).Scan(&done, &trouble)
		if trouble != "" {
			err = errors.New(trouble)
		}
		if err != nil || done != "" {
			return err
		}
	}
	return errors.Join(errors.New("the second tenant was not read"), b.ctx.Err())
}

// post sends a form with the csrf_token that the session's pages carry.
func post(client *http.Client, base, path string, form url.Values) error {
	resp, err := client.Get(base + "/account")
	if err != nil {
		return err
	}
	page, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	m := csrfField.FindSubmatch(page)
	if m == nil {
		return errors.New("the page has no form")
	}
	form.Set("csrf_token", string(m[1]))
	resp, err = client.PostForm(base+path, form)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("POST %s was answered %s: %.2000s", path, resp.Status, answer)
	}
	return nil
}
