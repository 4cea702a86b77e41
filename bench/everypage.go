//go:build bench

package main

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
)

const demoPassword = "demo admin password"

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

// everyPage measures how long one waits for each page on 16 connections, and how much of a processor the console
// spends on it.
func (b *bench) everyPage() (err error) {
	built, err := b.organisation()
	if err != nil {
		return err
	}
	dir := filepath.Join(b.tmp, "everypage")
	if err := b.command("cp", "-r", "--reflink=auto", built, dir); err != nil {
		return err
	}
	paths, err := b.paths(filepath.Join(dir, "cxseal.db"))
	if err != nil {
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
	return b.pageTable(c, client, paths)
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
