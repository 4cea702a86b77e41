package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/console"
	"cxseal/internal/fault"
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

// operator is the caller of what the command line does: a person who may open the
// database file, which the local address stands for.
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
func openExisting(a *app, db database, l logging) (*console.Database, error) {
	if _, err := os.Stat(db.DB); err != nil {
		return nil, usagef("there is no database at %s (name one with --db)", db.DB)
	}
	return openDatabase(a, db, l)
}

// readExisting opens a database that must be there for reading only.
func readExisting(a *app, db database, l logging) (*console.Database, error) {
	if _, err := os.Stat(db.DB); err != nil {
		return nil, usagef("there is no database at %s (name one with --db)", db.DB)
	}
	return console.ReadDatabase(a.ctx, console.DatabaseConfig{Path: db.DB, Logger: l.logger(a.stderr)})
}

// openDatabase opens a database, and makes it when there is none.
func openDatabase(a *app, db database, l logging) (*console.Database, error) {
	return console.OpenDatabase(a.ctx, console.DatabaseConfig{Path: db.DB, Logger: l.logger(a.stderr)})
}

type keyCmd struct {
	database
	logging
}

// Run prints the verifier key.
func (cmd *keyCmd) Run(a *app) error {
	db, err := readExisting(a, cmd.database, cmd.logging)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // nothing was written
	key, err := db.VerifierKey(a.ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, key)
	return err
}

type backupCmd struct {
	database
	logging
	File string `arg:"" help:"Where to write the copy; it must not exist." placeholder:"FILE"`
}

// Run writes the copy and checks that it is one.
func (cmd *backupCmd) Run(a *app) error {
	db, err := readExisting(a, cmd.database, cmd.logging)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // nothing was written to it
	if err := db.Store.Backup(a.ctx, cmd.File); err != nil {
		return err
	}
	if err := db.Store.Undisturbed(); err != nil {
		return errors.Join(err, os.Remove(cmd.File))
	}
	_, err = fmt.Fprintf(a.stdout, "%s holds a copy of %s. The log's signing key %s is not in it: keep a copy of that apart.\n",
		cmd.File, cmd.DB, console.LogKeyPath(cmd.DB))
	return err
}
