package main

import (
	"errors"
	"io/fs"
	"iter"
	"os"
	"strings"

	"cxseal/internal/audit"
	"cxseal/internal/console"
	"cxseal/internal/fault"
)

type verifyCmd struct {
	database
	logging
	File    string   `arg:"" optional:"" help:"An evidence pack, proof or checkpoint to check instead of the database." placeholder:"FILE"`
	Key     string   `help:"The log's verifier key, as cxseal key prints it." placeholder:"KEY"`
	Deep    bool     `help:"Hold what pages, searches and the CSV read beside the records against them too; takes about four times as long."`
	Anchors []string `name:"anchor" aliases:"anchors" help:"Files of checkpoints that left the machine, to hold the log against." env:"CXSEAL_ANCHOR" placeholder:"FILE"`
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
	if cmd.Key != "" {
		if err := audit.CheckVerifierKey(cmd.Key); err != nil {
			return audit.Report{}, usagef("--key is malformed: %s", fault.MessageOf(err))
		}
	}
	if cmd.File != "" {
		return cmd.verifyFile(a)
	}
	db, err := readExisting(a, cmd.database, cmd.logging)
	if err != nil {
		return audit.Report{}, err
	}
	defer db.Close() //nolint:errcheck // nothing was written
	key := cmd.Key
	if key == "" {
		if key, err = cmd.ownKey(a, db); err != nil {
			return audit.Report{}, err
		}
	}
	input := db.Store.LogInput(a.ctx, key)
	if input.Checkpoints, err = withAnchors(input.Checkpoints, cmd.Anchors); err != nil {
		return audit.Report{}, err
	}
	report, err := audit.VerifyLog(a.ctx, input)
	if err != nil {
		return report, err
	}
	if err := db.Store.VerifySurroundings(a.ctx, key, report.Add); err != nil {
		return report, err
	}
	if cmd.Deep {
		if err := db.Store.VerifyReadings(a.ctx, report.Add); err != nil {
			return report, err
		}
	}
	return report, db.Store.Undisturbed()
}

// ownKey is the verifier key of the signing key beside the database. Where
// there is neither key nor anything signed there is none, and verifying makes
// none: a fresh key beside a copy would pass for the log's.
func (cmd *verifyCmd) ownKey(a *app, db *console.Database) (string, error) {
	if _, err := os.Stat(console.LogKeyPath(cmd.DB)); errors.Is(err, fs.ErrNotExist) {
		signed, err := db.Store.LatestCheckpoint(a.ctx)
		switch {
		case err != nil:
			return "", err
		case signed == nil && len(cmd.Anchors) == 0:
			return "", nil
		}
		return "", fault.New(fault.NotFound, "Checkpoints were signed, and the log's signing key %s is gone: give the verifier key as --key, or put the key back from your backup.", console.LogKeyPath(cmd.DB))
	}
	return db.VerifierKey(a.ctx)
}

// withAnchors adds the checkpoints of files that left the machine to those of
// the database.
func withAnchors(kept iter.Seq2[audit.SignedCheckpoint, error],
	files []string) (iter.Seq2[audit.SignedCheckpoint, error], error) {
	var anchored []audit.SignedCheckpoint
	for _, name := range files {
		if strings.HasPrefix(name, "syslog:") || strings.HasPrefix(name, "http") {
			continue // a setting that serve shares: what went there cannot be read back from here
		}
		list, err := audit.ReadAnchorFile(strings.TrimPrefix(name, "file:"))
		if err != nil {
			return nil, usagef("--anchors: %s", fault.MessageOf(err))
		}
		anchored = append(anchored, list...)
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
