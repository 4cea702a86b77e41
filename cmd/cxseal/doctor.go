package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"cxseal/internal/doctor"
)

type doctorCmd struct {
	listening
	Datastore string `help:"A data store to read." env:"CXONE_DATASTORE_ID"`
	Table     string `help:"A table to read." env:"CXONE_TABLE_ID"`
}

// Run examines each connection and says how to mend what is wrong.
func (cmd *doctorCmd) Run(a *app) error {
	if err := cmd.validate(); err != nil {
		return err
	}
	env, err := readTenant(a.getenv)
	if err != nil {
		return err
	}
	if env == nil {
		return usagef("no tenant is configured: set CXONE_CLIENT_ID, CXONE_CLIENT_SECRET, CXONE_REALM and CXONE_BASE_URL")
	}
	address := cmd.PublicURL
	if address == "" {
		address = "http://" + cmd.Addr
	}
	client, err := clientOf(env, time.Now)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(a.ctx, time.Minute)
	defer cancel()
	fmt.Fprintf(a.stdout, "connection %s (%s)\n", defaultConnection, env.Mode)
	findings := doctor.Examine(ctx, doctor.Target{Tenant: client, BaseURL: env.BaseURL, CallbackURL: callbackSetting(env.CallbackURL, address),
		Signed: len(env.KMS) > 0, DatastoreID: cmd.Datastore, TableID: cmd.Table, HTTP: &http.Client{Timeout: 5 * time.Second}})
	for _, f := range findings {
		fmt.Fprintf(a.stdout, "  %-8s %s: %s\n", f.Verdict, f.Name, f.Detail)
		if f.Mend != "" {
			fmt.Fprintf(a.stdout, "           → %s\n", f.Mend)
		}
	}
	if !doctor.Healthy(findings) {
		return errReported
	}
	return nil
}
