package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"cxseal/internal/console"
)

// syncEvery is how old the inventory may get by itself.
const syncEvery = time.Hour

type serveCmd struct {
	database
	listening
	classifying
	logging
	encrypted
	sealing
	signOn
	anchoring
	DueSoon        []int    `help:"Days before a due date at which a key rotation is announced: first, second; 30,7 unless given." default:"30,7" env:"CXSEAL_DUE_SOON" placeholder:"DAYS,DAYS"`
	TrustedProxies []string `help:"Reverse proxies that may say who the client is: addresses or prefixes." env:"CXSEAL_TRUSTED_PROXIES" placeholder:"ADDR,…"`
}

// Run serves the console until it is told to stop.
func (cmd *serveCmd) Run(a *app) error { return stoppedEarly(a, cmd.serve(a)) }

func (cmd *serveCmd) serve(a *app) error {
	if err := cmd.validate(); err != nil {
		return err
	}
	tenant, err := readTenant(a.getenv)
	if err != nil {
		return err
	}
	trusted, err := proxies(cmd.TrustedProxies)
	if err != nil {
		return err
	}
	rules, err := cmd.rules()
	if err != nil {
		return err
	}
	certificates, err := cmd.config(cmd.PublicURL, cmd.DB)
	if err != nil {
		return err
	}
	leads, err := leadsOf(cmd.DueSoon)
	if err != nil {
		return err
	}
	signing, err := cmd.anchoring.options()
	if err != nil {
		return err
	}
	seal, err := cmd.source(cmd.DB, a.getenv)
	if err != nil {
		return err
	}
	providers, err := cmd.providers(a.getenv)
	if err != nil {
		return err
	}
	listener, err := listen(cmd.Addr)
	if err != nil {
		return err
	}
	logger := cmd.logger(a.stderr)
	c, err := console.New(a.ctx, console.Config{DB: cmd.DB, Listener: listener, Version: version(),
		PublicURL: cmd.PublicURL, Tenant: tenant,
		Proxies: trusted, TLS: certificates, Seal: seal, SSO: providers, NoLocal: !cmd.LocalLogin, RequireFactor: cmd.RequireSecondFactor,
		SyncEvery: syncEvery, Leads: leads, Rules: rules, Signing: signing, Now: time.Now, Logger: logger})
	if err != nil {
		return err
	}
	if err := cmd.announce(a, c); err != nil {
		return errors.Join(err, c.Close())
	}
	return c.Run(a.ctx)
}

// stoppedEarly turns the error of a console that was told to stop while it was
// still starting into none: that is an orderly end too.
func stoppedEarly(a *app, err error) error {
	if a.ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// announce makes the first admin when asked to, and says on the terminal where
// the console is and what it still lacks.
func (cmd *serveCmd) announce(a *app, c *console.Console) error {
	if password := a.getenv("CXSEAL_ADMIN_PASSWORD"); password != "" {
		created, err := c.Accounts.EnsureAdmin(a.ctx, password)
		if err != nil {
			return usagef("CXSEAL_ADMIN_PASSWORD: %w", err)
		}
		if created {
			fmt.Fprintln(a.stdout, "Account admin made with the password from CXSEAL_ADMIN_PASSWORD.")
		}
	}
	token, err := c.Accounts.SetupToken(a.ctx)
	if err != nil {
		return err
	}
	if token != "" {
		fmt.Fprintf(a.stdout, "No account exists yet. Make the first one within an hour, in a browser:\n  %s/setup?token=%s\nor here: %s user add NAME --role admin --db %s\n",
			c.Address(), token, os.Args[0], cmd.DB)
	}
	if len(c.Directory.Names()) == 0 {
		fmt.Fprintln(a.stdout, "No tenant is configured yet: an admin adds one under Connections, or set CXONE_CLIENT_ID, CXONE_CLIENT_SECRET, CXONE_REALM and CXONE_BASE_URL.")
	}
	fmt.Fprintf(a.stdout, "cxseal is serving on %s\n", c.Address())
	return nil
}
