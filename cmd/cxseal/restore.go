package main

import (
	"fmt"
	"os"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/console"
)

type restoreCmd struct {
	database
	logging
	File        string   `arg:"" optional:"" help:"The backup; it stays as it is." placeholder:"FILE"`
	Acknowledge bool     `help:"Without FILE: check and record a backup that was put in the database's place by hand. With FILE: go on though anchors contradict the backup, as after an earlier restore."`
	Anchors     []string `name:"anchor" aliases:"anchors" help:"Files of checkpoints that left the machine, which know what is missing." env:"CXSEAL_ANCHOR" placeholder:"FILE"`
}

// Run puts a backup in the place of the database, and says what is missing.
func (cmd *restoreCmd) Run(a *app) error {
	if cmd.File == "" && !cmd.Acknowledge {
		return usagef("name the backup to restore, or give --acknowledge for one that was put in place by hand")
	}
	if cmd.File != "" {
		if _, err := os.Stat(cmd.File); err != nil {
			return usageError{err}
		}
	} else if _, err := os.Stat(cmd.DB); err != nil {
		return usagef("there is no database at %s (name one with --db)", cmd.DB)
	}
	anchored, err := withAnchors(func(func(audit.SignedCheckpoint, error) bool) {}, cmd.Anchors)
	if err != nil {
		return err
	}
	var anchors []audit.SignedCheckpoint
	for c, err := range anchored {
		if err != nil {
			return err
		}
		anchors = append(anchors, c)
	}
	done, err := console.Restore(a.ctx, console.RestoreConfig{Path: cmd.DB, Backup: cmd.File, Anchors: anchors, Acknowledge: cmd.Acknowledge,
		Actor: operator().Actor(), Now: time.Now, Logger: cmd.logger(a.stderr)})
	if err != nil {
		return err
	}
	if !done.Report.OK() {
		if err := done.Report.Write(a.stdout); err != nil {
			return err
		}
		fmt.Fprintf(a.stderr, "cxseal: the backup does not verify, so nothing was replaced\n")
		return errReported
	}
	return cmd.say(a, done)
}

func (cmd *restoreCmd) say(a *app, done *console.Restored) error {
	text := fmt.Sprintf("%s has the %d records of the backup, which verify. Record %d, LOG_RESTORED, says so.\n", cmd.DB, done.Records, done.Records+1)
	if done.Missing > done.Records {
		text += fmt.Sprintf("Missing: records %d to %d", done.Records+1, done.Missing)
		for i, source := range done.Sources {
			if i == 0 {
				text += ", as " + source
				continue
			}
			text += " and " + source
		}
		text += ".\n"
	} else {
		text += "Nothing at hand says that a record is missing"
		if len(cmd.Anchors) == 0 {
			text += "; no anchor was asked (--anchor FILE)"
		}
		text += ".\n"
	}
	if done.Kept != "" {
		text += "The database that was there is kept as " + done.Kept + ".\n"
	}
	for _, line := range append(done.Conflict, done.Notes...) {
		text += line + "\n"
	}
	_, err := fmt.Fprint(a.stdout, text)
	return err
}
