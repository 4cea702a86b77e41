package console

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
	"cxseal/store"
)

// RestoreConfig is what Restore needs.
type RestoreConfig struct {
	Path        string // the database
	Backup      string // what takes its place; empty: a backup was put there by hand
	Anchors     []audit.SignedCheckpoint
	Acknowledge bool // go on though anchors contradict the backup
	Actor       audit.Actor
	Now         func() time.Time
	Logger      *slog.Logger
}

// Restored is what a restore found and did.
type Restored struct {
	Records  int64        // of the backup, before the record of the restore
	Kept     string       // where the replaced database is, empty when there was none
	Report   audit.Report // of the backup's log; nothing was done unless it is OK
	Missing  int64        // the highest record that is known to have been; Records or less: none is missing
	Sources  []string     // what says so
	Conflict []string     // anchors that contradict the backup's history, a sentence each
	Notes    []string     // what else the operator should know
}

// Restore checks a backup, puts it in the database's place and appends
// LOG_RESTORED with the range of the records that are missing (contract §2). The
// backup is checked and recorded in a copy beside the database, so that a crash
// leaves the old database or the new one (store.PutInPlace).
//
// A console that serves is fault.Conflict, and so are anchors that contradict the
// backup unless they are acknowledged.
func Restore(ctx context.Context, cfg RestoreConfig) (r *Restored, err error) {
	path, err := store.RealFile(cfg.Path)
	if err != nil {
		return nil, err
	}
	release, free, err := store.Lock(path)
	if err != nil {
		return nil, err
	}
	defer release() //nolint:errcheck // the system drops the lock with the process
	if !free {
		return nil, fault.New(fault.Conflict, "A console is serving on %s: stop it first.", cfg.Path)
	}
	r = &Restored{}
	opened := path
	if cfg.Backup != "" {
		if err := r.takeKeys(cfg.Backup, path); err != nil {
			return nil, err
		}
		r.askReplaced(ctx, path)
		if opened, err = store.StageBackup(cfg.Backup, path); err != nil {
			return nil, err
		}
		defer func() {
			if err != nil || !r.Report.OK() {
				store.RemoveStaged(opened)
			}
		}()
	}
	if err := r.record(ctx, cfg, opened, path); err != nil || !r.Report.OK() || cfg.Backup == "" {
		return r, err
	}
	r.Kept, err = store.PutInPlace(ctx, opened, path, cfg.Now())
	return r, err
}

// record opens the backup, checks it, and appends what is missing to its log.
func (r *Restored) record(ctx context.Context, cfg RestoreConfig, opened, path string) (err error) {
	s, err := store.Open(ctx, opened, store.Options{Logger: cfg.Logger, Now: cfg.Now})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.CheckIntegrity(ctx); err != nil {
		return err
	}
	db := &Database{Store: s, path: path}
	key, err := db.VerifierKey(ctx)
	signed, e := s.LatestCheckpoint(ctx)
	if e != nil {
		return e
	}
	if err != nil && (signed != nil || fault.CodeOf(err) != fault.NotFound) {
		return err
	}
	if r.Report, err = audit.VerifyLog(ctx, s.LogInput(ctx, key)); err != nil {
		return err
	}
	if err := s.VerifySurroundings(ctx, key, r.Report.Add); err != nil || !r.Report.OK() {
		return err
	}
	if r.Records, err = s.TreeSize(ctx); err != nil {
		return err
	}
	if err := r.askAnchors(s.HashReader(ctx), key, cfg.Anchors); err != nil {
		return err
	}
	if len(r.Conflict) > 0 && !cfg.Acknowledge {
		return fault.New(fault.Conflict, "%s. Nothing was replaced. Take a backup of this history, or add --acknowledge if an earlier restore explains it.", strings.Join(r.Conflict, ". "))
	}
	record := audit.NewRecord(cfg.Now(), audit.LogRestored, audit.Success, cfg.Actor)
	record.Detail = r.detail(cfg.Backup)
	if err := s.AppendRecords(ctx, record); err != nil {
		return err
	}
	return db.Sign(ctx)
}

// detail is the sentence of the record.
func (r *Restored) detail(backup string) string {
	text := "A backup that was put in the database's place by hand"
	if backup != "" {
		text = "The backup " + filepath.Base(backup)
	}
	text += fmt.Sprintf(" took the database's place with %d records.", r.Records)
	if r.Missing > r.Records {
		text += fmt.Sprintf(" Missing: records %d to %d, as %s.", r.Records+1, r.Missing, strings.Join(r.Sources, " and "))
	} else {
		text += " Nothing at hand says that a record is missing."
	}
	if len(r.Conflict) > 0 {
		text += " Acknowledged: " + strings.Join(r.Conflict, ". ") + "."
	}
	return text
}

// heard notes that a source knows of so many records.
func (r *Restored) heard(size int64, source string) {
	switch {
	case size > r.Missing:
		r.Missing, r.Sources = size, []string{source + " says"}
	case size == r.Missing && size > 0 && len(r.Sources) > 0 && r.Sources[len(r.Sources)-1] != source+" says":
		r.Sources = append(r.Sources, source+" says")
	}
}

// askReplaced asks the database that is to be replaced how many records it has,
// as far as it can be read.
func (r *Restored) askReplaced(ctx context.Context, path string) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return
	}
	s, err := store.OpenReadOnly(ctx, path, store.Options{})
	if err == nil {
		defer s.Close() //nolint:errcheck // it was only read
		var size int64
		if size, err = s.TreeSize(ctx); err == nil {
			r.heard(size, "the replaced database")
			return
		}
	}
	r.Notes = append(r.Notes, "The database that was there could not be asked how many records it had: "+fault.MessageOf(err))
}

// askAnchors holds checkpoints that left the machine against the backup's tree.
func (r *Restored) askAnchors(tree tlog.HashReader, key string, anchors []audit.SignedCheckpoint) error {
	for _, a := range anchors {
		c, err := audit.OpenCheckpoint(a.Text, key)
		if err != nil {
			r.Conflict = append(r.Conflict, fmt.Sprintf("%s holds a checkpoint that the log's key did not sign", a.Source))
			continue
		}
		if c.Size > r.Records {
			r.heard(c.Size, "the anchor "+a.Source)
			continue
		}
		root, err := tlog.TreeHash(c.Size, tree)
		if err != nil {
			return fmt.Errorf("recompute the root of %d records: %w", c.Size, err)
		}
		if root != c.Root {
			r.Conflict = append(r.Conflict, fmt.Sprintf("The anchor %s has another history of the first %d records", a.Source, c.Size))
		}
	}
	return nil
}

// takeKeys makes sure that the keys of the log and of the sealed secrets lie
// beside the database: those that lie beside the backup are copied where there
// are none.
func (r *Restored) takeKeys(backup, path string) error {
	for _, end := range []string{".log-key", ".seal-key"} {
		if _, err := os.Stat(path + end); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		key, err := os.ReadFile(backup + end) //nolint:gosec // G304: beside the operator's file
		if errors.Is(err, fs.ErrNotExist) {
			if end == ".seal-key" {
				r.Notes = append(r.Notes, fmt.Sprintf("There is no %s: put the sealing key of that time there before a console starts, or enter the secrets of connections again.", path+end))
			}
			continue // a log that was signed asks for its key
		}
		if err != nil {
			return fault.Wrap(err, fault.Invalid, "The key %s cannot be read.", backup+end)
		}
		if err := writeKey(path+end, key); err != nil {
			return fault.Wrap(err, fault.Invalid, "The key %s cannot be put beside the database.", backup+end)
		}
		r.Notes = append(r.Notes, fmt.Sprintf("%s was copied to %s.", backup+end, path+end))
	}
	return nil
}

func writeKey(path string, key []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // G304: beside the database
	if err != nil {
		return err
	}
	_, err = f.Write(key)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
