package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
	"cxseal/store"
)

// keyPath is where the log's signing key lies: beside its database.
func keyPath(db string) string { return db + ".log-key" }

// openLog loads the log's key, made at the first start, and returns the log.
// Once anything was signed, a missing key is an error: a new one would break
// the chain of checkpoints without a word.
func openLog(ctx context.Context, db string, s *store.Store, now func() time.Time) (*audit.Log, error) {
	key, err := logKey(ctx, db, s)
	if err != nil {
		return nil, err
	}
	return audit.NewLog(s, key, now, filepath.Dir(db)), nil
}

func logKey(ctx context.Context, db string, s *store.Store) (*audit.Key, error) {
	signed, err := s.LatestCheckpoint(ctx)
	if err != nil {
		return nil, err
	}
	if signed == nil {
		return audit.LoadOrCreateKey(keyPath(db), "")
	}
	key, err := audit.LoadKey(keyPath(db))
	if fault.CodeOf(err) == fault.NotFound {
		return nil, fault.Wrap(err, fault.NotFound,
			"The log's signing key %s is gone, but checkpoints were signed with it. Put the key back from your backup.", keyPath(db))
	}
	return key, err
}

// operator is who the command line acts as: whoever may open the database file
// on this machine.
func operator() access.Caller {
	name := os.Getenv("SUDO_USER")
	if name == "" {
		name = os.Getenv("USER")
	}
	if name == "" {
		name = "operator"
	}
	return access.Caller{Name: "cli:" + name, Role: access.System}
}

// openExisting opens a database that must be there: a mistyped path is an
// error, not a new and empty log that verifies.
func openExisting(ctx context.Context, path string, logger logging, stderr io.Writer) (*store.Store, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, usagef("there is no database at %s (name one with --db)", path)
	}
	return store.Open(ctx, path, store.Options{Logger: logger.logger(stderr)})
}

type keyCmd struct {
	database
	logging
}

// Run prints the verifier key.
func (cmd *keyCmd) Run(a *app) error {
	s, err := openExisting(a.ctx, cmd.DB, cmd.logging, a.stderr)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // nothing was written
	key, err := logKey(a.ctx, cmd.DB, s)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, key.VerifierKey())
	return err
}

type verifyCmd struct {
	database
	logging
	File    string   `arg:"" optional:"" help:"An evidence pack, proof or checkpoint to check instead of the database." placeholder:"FILE"`
	Key     string   `help:"The log's verifier key, as cxseal key prints it." placeholder:"KEY"`
	Anchors []string `help:"Files of checkpoints that left the machine, to hold the log against." placeholder:"FILE"`
}

// Run verifies a file or the whole log.
func (cmd *verifyCmd) Run(a *app) error {
	report, err := cmd.verify(a)
	if err != nil {
		return err
	}
	if err := report.Write(a.stdout); err != nil {
		return err
	}
	if !report.OK() {
		return errReported
	}
	return nil
}

func (cmd *verifyCmd) verify(a *app) (audit.Report, error) {
	if cmd.File != "" {
		return cmd.verifyFile(a)
	}
	s, err := openExisting(a.ctx, cmd.DB, cmd.logging, a.stderr)
	if err != nil {
		return audit.Report{}, err
	}
	defer s.Close() //nolint:errcheck // nothing was written
	key := cmd.Key
	if key == "" {
		own, err := logKey(a.ctx, cmd.DB, s)
		if err != nil {
			return audit.Report{}, err
		}
		key = own.VerifierKey()
	}
	input := s.LogInput(a.ctx, key)
	if input.Checkpoints, err = withAnchors(input.Checkpoints, cmd.Anchors); err != nil {
		return audit.Report{}, err
	}
	return audit.VerifyLog(a.ctx, input)
}

// withAnchors adds the checkpoints of files that left the machine to those of
// the database.
func withAnchors(kept iter.Seq2[audit.SignedCheckpoint, error], files []string) (iter.Seq2[audit.SignedCheckpoint, error], error) {
	var anchored []audit.SignedCheckpoint
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, usageError{err}
		}
		for text, err := range audit.ReadCheckpoints(f) {
			if err != nil {
				return nil, errors.Join(usagef("%s: %w", name, err), f.Close())
			}
			anchored = append(anchored, audit.SignedCheckpoint{Text: bytes.Clone(text), Source: name})
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
	return func(yield func(audit.SignedCheckpoint, error) bool) {
		for c, err := range kept {
			if !yield(c, err) {
				return
			}
		}
		for _, c := range anchored {
			if !yield(c, nil) {
				return
			}
		}
	}, nil
}

func (cmd *verifyCmd) verifyFile(a *app) (audit.Report, error) {
	if cmd.Key == "" {
		return audit.Report{}, usagef("--key is needed: the verifier key that the console shows and cxseal key prints, from someone you trust")
	}
	f, err := os.Open(cmd.File)
	if err != nil {
		return audit.Report{}, usageError{err}
	}
	defer f.Close() //nolint:errcheck // read only
	info, err := f.Stat()
	if err != nil {
		return audit.Report{}, err
	}
	return audit.VerifyFile(a.ctx, f, info.Size(), cmd.Key)
}

type exportCmd struct {
	database
	logging
	Format string `help:"csv or jsonl." default:"csv" enum:"csv,jsonl"`
	auditFilter
}

// auditFilter are the filters of contract §3 as flags.
type auditFilter struct {
	From       string `help:"From this time or date on (RFC 3339, UTC)."`
	To         string `help:"Up to this time, or through this date."`
	Operation  string `help:"Only this operation, such as COLUMN_ENCRYPTION."`
	Outcome    string `help:"SUCCESS, FAILURE or DENIED."`
	Actor      string `help:"Only what this account did."`
	Connection string `help:"Only this connection."`
	Datastore  string `name:"datastore-id" help:"Only this data store."`
	Table      string `name:"table-id" help:"Only this table."`
	RunID      string `name:"run-id" help:"Only this run."`
	Query      string `name:"q" help:"The search box: words and qualifiers."`
}

func (f auditFilter) parse() (audit.Filter, error) {
	out := audit.Filter{Operation: f.Operation, Outcome: f.Outcome, Actor: f.Actor, Connection: f.Connection,
		DatastoreID: f.Datastore, TableID: f.Table, RunID: f.RunID, Query: f.Query}
	var err error
	if f.From != "" {
		if out.From, err = audit.ParseBound(f.From, false); err != nil {
			return out, usagef("--from: %s", fault.MessageOf(err))
		}
	}
	if f.To != "" {
		if out.To, err = audit.ParseBound(f.To, true); err != nil {
			return out, usagef("--to: %s", fault.MessageOf(err))
		}
	}
	if _, err := out.Resolve(); err != nil {
		return out, usagef("%s", fault.MessageOf(err))
	}
	return out, nil
}

// Run writes the export and records it.
func (cmd *exportCmd) Run(a *app) error {
	filter, err := cmd.parse()
	if err != nil {
		return err
	}
	s, err := openExisting(a.ctx, cmd.DB, cmd.logging, a.stderr)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // a failed record is reported below
	export := s.ExportCSV
	if cmd.Format == "jsonl" {
		export = s.ExportJSONL
	}
	if err := sign(a.ctx, cmd.DB, s); err != nil {
		return err
	}
	return audit.Exported(a.ctx, s, time.Now, operator().Actor(), cmd.Format, filter, a.stdout, export)
}

// sign makes a checkpoint of what a command has done, as a console does.
func sign(ctx context.Context, db string, s *store.Store) error {
	log, err := openLog(ctx, db, s, time.Now)
	if err != nil {
		return err
	}
	_, err = log.Sign(ctx)
	return err
}

type backupCmd struct {
	database
	logging
	File string `arg:"" help:"Where to write the copy; it must not exist." placeholder:"FILE"`
}

// Run writes the copy and checks that it is one.
func (cmd *backupCmd) Run(a *app) error {
	s, err := openExisting(a.ctx, cmd.DB, cmd.logging, a.stderr)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // nothing was written to it
	if err := s.Backup(a.ctx, cmd.File); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "%s holds a copy of %s. The log's signing key %s is not in it: keep a copy of that apart.\n",
		cmd.File, cmd.DB, keyPath(cmd.DB))
	return err
}
