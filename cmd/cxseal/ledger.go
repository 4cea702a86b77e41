package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/console"
	"cxseal/internal/fault"
	"cxseal/store"
)

// anchoring is how often the log is signed, and where copies of its checkpoints
// go.
type anchoring struct {
	Anchor            []string      `help:"Where a copy of each checkpoint goes, off this machine: file:/path, syslog:, syslog:udp://host:514 or https://…; repeatable." env:"CXSEAL_ANCHOR" placeholder:"WHERE"`
	CheckpointRecords int64         `help:"Sign a checkpoint after this many records." default:"1000" env:"CXSEAL_CHECKPOINT_RECORDS"`
	CheckpointEvery   time.Duration `help:"Sign one after this long, when there is a record that none covers." default:"10m" env:"CXSEAL_CHECKPOINT_EVERY"`
}

func (cmd anchoring) options() ([]audit.LogOption, error) {
	if cmd.CheckpointRecords < 1 || cmd.CheckpointEvery < time.Second {
		return nil, usagef("--checkpoint-records must be at least 1, and --checkpoint-every at least 1s")
	}
	var anchors []audit.Anchor
	for _, where := range cmd.Anchor {
		anchor, err := audit.ParseAnchor(where)
		if err != nil {
			return nil, usagef("--anchor: %s", fault.MessageOf(err))
		}
		anchors = append(anchors, anchor)
	}
	return []audit.LogOption{audit.Schedule(cmd.CheckpointRecords, cmd.CheckpointEvery), audit.AnchorTo(anchors...)}, nil
}

// operator is who the command line acts as: whoever may open the database file
// on this machine, which is what the address says.
func operator() access.Caller {
	name := os.Getenv("SUDO_USER")
	if name == "" {
		name = os.Getenv("USER")
	}
	if name == "" {
		name = "operator"
	}
	return access.Caller{Name: "cli:" + name, Role: access.System, IP: "127.0.0.1"}
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
	key, err := console.LogKey(a.ctx, cmd.DB, s)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, key.VerifierKey())
	return err
}

// sign makes a checkpoint of what a command has done, as a console does.
func sign(ctx context.Context, db string, s *store.Store) error {
	log, err := console.OpenLog(ctx, db, s, time.Now)
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
		cmd.File, cmd.DB, console.LogKeyPath(cmd.DB))
	return err
}
