package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cxseal/internal/connection"
	"cxseal/internal/console"
	"cxseal/internal/doctor"
	"cxseal/internal/fault"
)

// examineWithin bounds the examination of one connection.
const examineWithin = time.Minute

type doctorCmd struct {
	database
	listening
	logging
	sealing
	Datastore string `help:"A data store to read through the environment's connection." env:"CXONE_DATASTORE_ID"`
	Table     string `help:"A table of it to read." env:"CXONE_TABLE_ID"`
}

// Run examines each connection, the environment's and those that were made in
// the console, and says how to mend what is wrong.
func (cmd *doctorCmd) Run(a *app) error {
	if err := cmd.validate(); err != nil {
		return err
	}
	env, err := readTenant(a.getenv)
	if err != nil {
		return err
	}
	if env != nil {
		env.DatastoreID, env.TableID = cmd.Datastore, cmd.Table
	}
	source, err := cmd.source(cmd.DB, a.getenv)
	if err != nil {
		return err
	}
	address := cmd.PublicURL
	if address == "" {
		address = "http://" + cmd.Addr
	}
	connections, err := console.OpenConnections(a.ctx, console.ConnectionsConfig{DB: cmd.DB, Seal: source, Tenant: env,
		Address: address, Version: version(), Logger: cmd.logger(a.stderr)})
	if err != nil {
		return err
	}
	defer connections.Close() //nolint:errcheck // nothing was written
	known := connections.All()
	if len(known) == 0 {
		return usagef("no tenant is configured: set CXONE_CLIENT_ID, CXONE_CLIENT_SECRET, CXONE_REALM and CXONE_BASE_URL, " +
			"or name a console's database with --db")
	}
	healthy := true
	for _, k := range known {
		healthy = examine(a, connections.Manager, k) && healthy
	}
	if !healthy {
		return errReported
	}
	return nil
}

// examine prints what was found of one connection, and reports whether nothing
// is a problem.
func examine(a *app, manager *connection.Manager, k connection.Known) bool {
	disabled := ""
	if k.Disabled {
		disabled = ", disabled"
	}
	fmt.Fprintf(a.stdout, "connection %s (%s%s)\n", k.Settings.Name, k.Settings.Mode, disabled)
	if k.Trouble != "" {
		fmt.Fprintf(a.stdout, "  %-8s %s: %s\n", doctor.Bad, "secrets", k.Trouble)
		return false
	}
	ctx, cancel := context.WithTimeout(a.ctx, examineWithin)
	defer cancel()
	findings, err := manager.Test(ctx, operator(), k.Settings.Name)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		fmt.Fprintf(a.stdout, "  %-8s %s\n", doctor.Bad, fault.MessageOf(err))
		return false
	}
	for _, f := range findings {
		fmt.Fprintf(a.stdout, "  %-8s %s: %s\n", f.Verdict, f.Name, f.Detail)
		if f.Mend != "" {
			fmt.Fprintf(a.stdout, "           → %s\n", f.Mend)
		}
	}
	return doctor.Healthy(findings) && err == nil
}
