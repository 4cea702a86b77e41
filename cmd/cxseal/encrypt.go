package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/console"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
)

type encryptCmd struct {
	database
	listening
	classifying
	logging
	Datastore    string   `help:"The data store's id." env:"CXONE_DATASTORE_ID" placeholder:"D"`
	Table        string   `help:"The table's id." env:"CXONE_TABLE_ID" placeholder:"T"`
	Columns      []string `help:"The columns to encrypt, with commas between; quote a name that has one." placeholder:"a,b" sep:"none"`
	IntervalDays int      `help:"Days between key rotations." default:"90"`
	MaskIndexes  bool     `help:"Allow ordinary indexes on these columns to be masked."`
	Rotate       bool     `help:"Rotate the keys of columns that are encrypted already."`
	DryRun       bool     `help:"Check and show the payload; send and record nothing."`
}

// result is what encrypt prints (contract §2).
type result struct {
	Success         bool            `json:"success"`
	RunID           string          `json:"runId,omitempty"`
	AuditLog        json.RawMessage `json:"auditLog,omitempty"`
	KMSVerification json.RawMessage `json:"kmsVerification,omitempty"`
	Error           *resultError    `json:"error,omitempty"`
}

type resultError struct {
	Code    fault.Code `json:"code"`
	Message string     `json:"message"`
}

// dryRun is what encrypt --dry-run prints.
type dryRun struct {
	Success bool            `json:"success"`
	Plan    encryption.Plan `json:"plan"`
	Payload json.RawMessage `json:"payload"`
}

// Run does one run from the command line: same pipeline, same database.
func (cmd *encryptCmd) Run(a *app) error {
	request, tenant, err := cmd.read(a)
	if err != nil {
		return err
	}
	parts, err := cmd.open(a, tenant)
	if err != nil {
		return err
	}
	defer parts.Close() //nolint:errcheck // every step was committed, and the process ends
	job := &job{a: a, parts: parts}
	if cmd.DryRun {
		return job.dryRun(request)
	}
	run, err := job.run(request)
	if err := job.parts.Sign(context.WithoutCancel(a.ctx)); err != nil {
		fmt.Fprintf(a.stderr, "cxseal: no checkpoint was made: %v\n", err)
	}
	return job.print(run, err)
}

func (cmd *encryptCmd) read(a *app) (encryption.Request, *console.Tenant, error) {
	var none encryption.Request
	if err := cmd.validate(); err != nil {
		return none, nil, err
	}
	tenant, err := readTenant(a.getenv)
	if err != nil {
		return none, nil, err
	}
	columns, err := splitColumns(cmd.Columns)
	switch {
	case err != nil:
		return none, nil, err
	case tenant == nil:
		return none, nil, usagef("no tenant is configured: set CXONE_CLIENT_ID, CXONE_CLIENT_SECRET, CXONE_REALM and CXONE_BASE_URL")
	case cmd.Datastore == "":
		return none, nil, usagef("--datastore is missing (or CXONE_DATASTORE_ID)")
	case cmd.Table == "":
		return none, nil, usagef("--table is missing (or CXONE_TABLE_ID)")
	case len(columns) == 0:
		return none, nil, usagef("--columns is missing")
	case cmd.IntervalDays < 1 || cmd.IntervalDays > encryption.MaxIntervalDays:
		return none, nil, usagef("--interval-days must be 1 to %d", encryption.MaxIntervalDays)
	}
	request := encryption.Request{Operation: audit.ColumnEncryption, Connection: defaultConnection,
		DatastoreID: cmd.Datastore, TableID: cmd.Table,
		Columns: columns, MaskIndexes: cmd.MaskIndexes, IntervalDays: cmd.IntervalDays}
	if cmd.Rotate {
		request.Operation = audit.KeyRotation
	}
	return request, tenant, nil
}

// open puts together what the run needs. A dry run sends nothing, so it
// answers no callback.
func (cmd *encryptCmd) open(a *app, tenant *console.Tenant) (*console.Pipeline, error) {
	rules, err := cmd.rules()
	if err != nil {
		return nil, err
	}
	cfg := console.PipelineConfig{Tenant: tenant, Version: version(), PublicURL: cmd.PublicURL, Addr: cmd.Addr,
		DatabaseConfig: console.DatabaseConfig{Path: cmd.DB, Rules: rules, Logger: cmd.logger(a.stderr)}}
	if !cmd.DryRun {
		cfg.Listen = func() (net.Listener, error) { return listen(cmd.Addr) }
	}
	return console.OpenPipeline(a.ctx, cfg)
}

// job is one encrypt command at work.
type job struct {
	a     *app
	parts *console.Pipeline
}

func (j *job) dryRun(request encryption.Request) error {
	preview, err := j.parts.Encryption.Preflight(j.a.ctx, operator(), request)
	if err != nil {
		return j.print(encryption.Run{}, err)
	}
	clear := len(preview.Plan.Blockers) == 0
	if err := j.write(dryRun{Success: clear, Plan: preview.Plan, Payload: preview.Payload}); err != nil {
		return err
	}
	if !clear {
		return errReported
	}
	return nil
}

// run queues the run and works on it until it has ended, saying on stderr how
// it goes.
func (j *job) run(request encryption.Request) (encryption.Run, error) {
	run, err := j.parts.Encryption.Launch(j.a.ctx, operator(), request)
	if err != nil {
		return run, err
	}
	if run.State == encryption.Awaiting {
		return run, fault.New(fault.Conflict,
			"This connection asks for a second person: the run %s waits until %s for an approval in the console, which then does it.",
			run.ID, audit.FormatTime(run.Approval.ExpiresAt))
	}
	ctx, stop := context.WithCancel(j.a.ctx)
	printed := make(chan struct{})
	go func() { defer close(printed); j.printEvents(ctx, run.ID) }()
	runner := encryption.NewRunner(j.parts.Encryption, encryption.RunnerOptions{Owner: "cli"})
	run, err = runner.RunOne(j.a.ctx, run.ID)
	stop()
	<-printed
	if errors.Is(err, context.Canceled) {
		err = fault.New(fault.Conflict, "Interrupted. The run %s is kept: `cxseal serve` on the same database takes it up where it stands.", run.ID)
	}
	if err == nil && run.State != encryption.Verified {
		err = fault.New(run.ErrorCode, "%s", run.ErrorMessage)
	}
	return run, err
}

// printEvents prints each event of the run as it comes, until ctx is done.
func (j *job) printEvents(ctx context.Context, id string) {
	moved, stop := j.parts.Encryption.Watch(id)
	defer stop()
	var last int64
	show := func(ctx context.Context) {
		events, err := j.parts.Store.RunEvents(ctx, id, last)
		if err != nil {
			return
		}
		for _, e := range events {
			fmt.Fprintf(j.a.stderr, "%s  %-10s %s\n", e.At.UTC().Format("15:04:05.000"), e.State, e.Message)
			last = e.Seq
		}
	}
	for {
		show(ctx)
		select {
		case <-moved:
		case <-time.After(time.Second):
		case <-ctx.Done():
			show(context.WithoutCancel(ctx))
			return
		}
	}
}

// print writes the result; err is why the run is not verified.
func (j *job) print(run encryption.Run, err error) error {
	if err != nil {
		out := result{RunID: run.ID, Error: &resultError{Code: fault.CodeOf(err), Message: fault.MessageOf(err)}}
		if fault.CodeOf(err) == fault.Internal {
			fmt.Fprintf(j.a.stderr, "cxseal: %v\n", err)
		}
		if err := j.write(out); err != nil {
			return err
		}
		return errReported
	}
	record, verification, err := j.evidence(run)
	if err != nil {
		return err
	}
	return j.write(result{Success: true, RunID: run.ID, AuditLog: record, KMSVerification: verification})
}

// evidence reads back what was kept: the record's exact bytes and the answer
// that the KMS was given.
func (j *job) evidence(run encryption.Run) (record, verification json.RawMessage, err error) {
	entries, err := j.parts.Store.AuditPage(j.a.ctx, audit.Filter{RunID: run.ID, Operation: string(run.Operation)}, 0, 1)
	if err != nil {
		return nil, nil, err
	}
	if len(entries) == 0 {
		return nil, nil, fmt.Errorf("run %s has no final record", run.ID)
	}
	kept, err := j.parts.Store.RunVerifications(j.a.ctx, run.ID)
	if err != nil {
		return nil, nil, err
	}
	for _, v := range slices.Backward(kept) {
		if v.Accepted {
			verification = json.RawMessage(v.Answer)
			break
		}
	}
	return entries[0].Raw, verification, nil
}

func (j *job) write(v any) error {
	encoder := json.NewEncoder(j.a.stdout)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// splitColumns reads "a,b" with CSV's quoting, so that any name can be given.
// The flag may be repeated.
func splitColumns(flags []string) ([]string, error) {
	var columns []string
	for _, flag := range flags {
		fields, err := readCSVLine(flag)
		if err != nil {
			return nil, usagef("--columns %q: names with commas between; a name that has a comma or a quote stands in double quotes", flag)
		}
		for _, f := range fields {
			if f = strings.TrimSpace(f); f != "" {
				columns = append(columns, f)
			}
		}
	}
	return columns, nil
}
