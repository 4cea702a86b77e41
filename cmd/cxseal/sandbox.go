package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/internal/console"
)

type sandboxCmd struct {
	logging
	Addr         string        `help:"The address to listen on, 127.0.0.1:9090 unless given; loopback, since its controls need no token." default:"127.0.0.1:9090" placeholder:"HOST:PORT"`
	ClientID     string        `help:"The client it knows." default:"sandbox-client"`
	ClientSecret string        `help:"That client's secret." default:"sandbox-secret"`
	Realm        string        `help:"The realm it expects." default:"sandbox-realm"`
	Tables       int           `help:"How many tables to make, beside data store ds-customers with table tbl-contacts." default:"12"`
	Rate         float64       `help:"Requests per second and client; 0: no limit." default:"0"`
	Burst        int           `help:"Requests that may come at once within the limit; 0: a fifth of a second's worth." default:"0"`
	Latency      time.Duration `help:"Added to every answer."`
	KMSSecret    string        `name:"kms-secret" help:"Signs the callbacks (whsec_…)."`
	KMS          string        `name:"kms" help:"How it confirms a change: callback, inline, both or none." default:"both" enum:"callback,inline,both,none" placeholder:"HOW"`
	Inline       bool          `help:"Short for --kms inline."`
	Fault        []string      `help:"Something that goes wrong, until it is cleared over its control: a kind, and after a colon its fields (accepted:latencyMs=3000, bom:endpoint=table), or JSON; repeatable. cxone/sandbox/README.md lists them." sep:"none" placeholder:"FAULT"`
	Seed         int64         `help:"Same number, same data." default:"1"`
}

// Run serves the simulated tenant until it is told to stop.
func (cmd *sandboxCmd) Run(a *app) error {
	switch {
	case cmd.Tables < 0 || cmd.Tables > 100_000:
		return usagef("--tables must be 0 to 100000")
	case !(cmd.Rate >= 0 && cmd.Rate <= 100_000):
		return usagef("--rate must be 0 to 100000 requests per second")
	case cmd.Burst < 0:
		return usagef("--burst must not be negative")
	case cmd.Latency < 0 || cmd.Latency > time.Minute:
		return usagef("--latency must be 0 to 1m")
	}
	if cmd.KMSSecret != "" {
		if err := sandbox.CheckKMSSecret(cmd.KMSSecret); err != nil {
			return usagef("--kms-secret: %w", err)
		}
	}
	faults, err := readFaults(cmd.Fault)
	if err != nil {
		return err
	}
	if cmd.Inline {
		cmd.KMS = string(sandbox.KMSInline)
	}
	listener, err := listen(cmd.Addr)
	if err != nil {
		return err
	}
	tenant := sandbox.New(sandbox.Config{ClientID: cmd.ClientID, ClientSecret: cmd.ClientSecret,
		Realm: cmd.Realm, Tables: cmd.Tables,
		Rate: cmd.Rate, Burst: cmd.Burst, Latency: cmd.Latency, KMSSecret: cmd.KMSSecret, KMS: sandbox.Confirmation(cmd.KMS), Seed: cmd.Seed,
		Logger: cmd.logger(a.stderr)})
	for _, f := range faults {
		tenant.Fail(f)
	}
	server := &http.Server{Handler: tenant, ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintf(a.stdout, "The sandbox tenant is serving on %s (controls: %s/_sandbox/)\n",
		console.AddressOf(listener), console.AddressOf(listener))
	serving := make(chan error, 1)
	go func() { serving <- server.Serve(listener) }()
	select {
	case err = <-serving:
	case <-a.ctx.Done():
		limit, cancel := context.WithTimeout(context.WithoutCancel(a.ctx), 5*time.Second)
		defer cancel()
		err = server.Shutdown(limit)
	}
	tenant.Close()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// readFaults reads what --fault names.
func readFaults(texts []string) ([]sandbox.Fault, error) {
	faults := make([]sandbox.Fault, len(texts))
	for i, text := range texts {
		var err error
		if faults[i], err = sandbox.ParseFault(text); err != nil {
			return nil, usagef("--fault %q: %w", text, err)
		}
	}
	return faults, nil
}
