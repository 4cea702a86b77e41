package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"cxseal/handlers"
	"cxseal/internal/audit"
	"cxseal/internal/connection"
	"cxseal/internal/console"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/store"
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
	job, err := cmd.open(a, tenant)
	if err != nil {
		return err
	}
	defer job.close()
	if cmd.DryRun {
		return job.dryRun(request)
	}
	run, err := job.run(request)
	if err := sign(context.WithoutCancel(a.ctx), cmd.DB, job.store); err != nil {
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
	request := encryption.Request{Operation: audit.ColumnEncryption, Connection: defaultConnection, DatastoreID: cmd.Datastore, TableID: cmd.Table,
		Columns: columns, MaskIndexes: cmd.MaskIndexes, IntervalDays: cmd.IntervalDays}
	if cmd.Rotate {
		request.Operation = audit.KeyRotation
	}
	return request, tenant, nil
}

// job is the pipeline of one encrypt command.
type job struct {
	a       *app
	db      string
	store   *store.Store
	tenants *connection.Directory
	service *encryption.Service
	release func() error
	server  *http.Server // answers the callback; nil while a console does
}

func (cmd *encryptCmd) open(a *app, tenant *console.Tenant) (j *job, err error) {
	j = &job{a: a, db: cmd.DB, release: func() error { return nil }}
	defer func() {
		if err != nil {
			j.close()
		}
	}()
	rules, err := cmd.rules()
	if err != nil {
		return j, err
	}
	logger := cmd.logger(a.stderr)
	if j.store, err = store.Open(a.ctx, cmd.DB, store.Options{Logger: logger, Rules: rules}); err != nil {
		return j, err
	}
	release, alone, err := store.Lock(cmd.DB)
	if err != nil {
		return j, err
	}
	j.release = release
	address := cmd.PublicURL
	if alone && !cmd.DryRun {
		listener, err := listen(cmd.Addr)
		if err != nil {
			return j, err
		}
		if address == "" {
			address = console.AddressOf(listener)
		}
		j.server = &http.Server{Handler: handlers.Callbacks(func() *encryption.Service { return j.service }, logger), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second}
		defer func() {
			if err == nil {
				go j.server.Serve(listener) //nolint:errcheck // ends with close
			}
		}()
	} else if address == "" {
		address = "http://" + cmd.Addr // the console next door answers there
	}
	if j.tenants, err = console.OpenDirectory(tenant, address, console.UserAgent(version()), time.Now, logger); err != nil {
		return j, err
	}
	j.service = encryption.NewService(j.store, j.tenants, time.Now, logger)
	return j, nil
}

func (j *job) close() {
	if j.server != nil {
		j.server.Close() //nolint:errcheck // nothing is in hand any more
	}
	if j.tenants != nil {
		j.tenants.Close()
	}
	if j.store != nil {
		j.store.Close() //nolint:errcheck // every step was committed
	}
	j.release() //nolint:errcheck // the process ends
}

func (j *job) dryRun(request encryption.Request) error {
	preview, err := j.service.Preflight(j.a.ctx, operator(), request)
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
	run, err := j.service.Launch(j.a.ctx, operator(), request)
	if err != nil {
		return run, err
	}
	if run.State == encryption.Awaiting {
		return run, fault.New(fault.Conflict, "This connection asks for a second person: the run %s waits until %s for an approval in the console, which then does it.",
			run.ID, audit.FormatTime(run.Approval.ExpiresAt))
	}
	ctx, stop := context.WithCancel(j.a.ctx)
	told := make(chan struct{})
	go func() { defer close(told); j.tell(ctx, run.ID) }()
	runner := encryption.NewRunner(j.service, encryption.RunnerOptions{Owner: "cli"})
	run, err = runner.RunOne(j.a.ctx, run.ID)
	stop()
	<-told
	if errors.Is(err, context.Canceled) {
		err = fault.New(fault.Conflict, "Interrupted. The run %s is kept: `cxseal serve` on the same database takes it up where it stands.", run.ID)
	}
	if err == nil && run.State != encryption.Verified {
		err = fault.New(run.ErrorCode, "%s", run.ErrorMessage)
	}
	return run, err
}

// tell prints each event of the run as it comes.
func (j *job) tell(ctx context.Context, id string) {
	moved, stop := j.service.Watch(id)
	defer stop()
	var last int64
	show := func(ctx context.Context) {
		events, err := j.store.RunEvents(ctx, id, last)
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
	entries, err := j.store.AuditPage(j.a.ctx, audit.Filter{RunID: run.ID, Operation: string(run.Operation)}, 0, 1)
	if err != nil {
		return nil, nil, err
	}
	if len(entries) == 0 {
		return nil, nil, fmt.Errorf("run %s has no final record", run.ID)
	}
	kept, err := j.store.RunVerifications(j.a.ctx, run.ID)
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
