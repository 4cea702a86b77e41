package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"cxseal/internal/fault"
)

// A restore never writes into the database that it replaces. It makes a staged
// copy of the backup beside it, in which the caller checks and records what it
// wants, and then gives the copy the database's name with one rename. The
// replaced database keeps its content under a dated name. A crash at any step
// leaves the old database or the new one:
//
//   - before the rename, the old one with a dated second name, which opening it
//     for writing removes (dropKeptLink);
//   - after the rename, the new one, whose header says that it uses no
//     write-ahead log: one that is left beside it is the old one's, is kept under
//     the dated name, and is removed when the new one is opened (finishRestore).

// restoreStep is called before each step that a crash could follow. Tests set it.
var restoreStep = func(string) {}

// StageBackup copies a backup beside the database at path and returns the copy's
// name, which PutInPlace takes. The database may be absent. The caller holds the
// database's lock.
func StageBackup(backup, path string) (staged string, err error) {
	if err := checkLeftover(backup); err != nil {
		return "", err
	}
	if fileSize(backup+"-wal") > 0 {
		return "", fault.New(fault.Invalid, "%s is no backup but a console's database, with changes in %s-wal: make a backup of it with `cxseal backup --db %s FILE`, and restore that.", backup, backup, backup)
	}
	from, err := os.Open(backup) //nolint:gosec // G304: the operator names the backup
	if err != nil {
		return "", fault.Wrap(err, fault.Invalid, "The backup %s cannot be read.", backup)
	}
	defer from.Close() //nolint:errcheck // it was only read
	info, err := from.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return "", fault.Wrap(err, fault.Invalid, "%s is not a backup: name a file that `cxseal backup` made.", backup)
	}
	if now, err := os.Stat(path); err == nil && os.SameFile(now, info) {
		return "", fault.New(fault.Invalid, "%s is the database itself: name the backup, or give --acknowledge and no file.", backup)
	}
	if err := checkMagic(backup); err != nil {
		return "", err
	}
	staged = path + ".restoring"
	for _, end := range []string{"", "-wal", "-shm", "-journal"} { // of a restore that was killed
		if err := os.Remove(staged + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fault.Wrap(err, fault.Invalid, "%s%s of an earlier restore cannot be removed.", staged, end)
		}
	}
	restoreStep("copy")
	to, err := os.OpenFile(staged, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // G304: beside the database
	if err != nil {
		return "", fault.Wrap(err, fault.Invalid, "The backup cannot be copied to %s: check the permissions of the folder.", staged)
	}
	_, err = io.Copy(to, from)
	if err := errors.Join(err, to.Sync(), to.Close()); err != nil {
		return "", errors.Join(fault.Wrap(err, fault.Invalid, "The backup could not be copied to %s: is the disk full?", staged), os.Remove(staged))
	}
	restoreStep("copied")
	return staged, nil
}

// RemoveStaged removes a staged copy that is not to be used.
func RemoveStaged(staged string) {
	for _, end := range []string{"", "-wal", "-shm", "-journal"} {
		_ = os.Remove(staged + end) // the next restore tries again
	}
}

// CheckIntegrity has SQLite look at every page of the database.
func (s *Store) CheckIntegrity(ctx context.Context) error {
	found, err := collectFrom(reading{ctx, s.long}, func(row scanner) (line string, err error) {
		return line, row.Scan(&line)
	}, `PRAGMA integrity_check(3)`)
	if err != nil {
		return err
	}
	if len(found) == 1 && found[0] == "ok" {
		return nil
	}
	return fault.New(fault.Invalid, "SQLite finds the file damaged: %s", brief(fmt.Sprint(found)))
}

// PutInPlace gives a staged copy, which nobody has open, the name of the
// database at path. The database that was there is kept under the name that is
// returned, which is empty when there was none.
func PutInPlace(ctx context.Context, staged, path string, at time.Time) (kept string, err error) {
	if err := settle(ctx, staged); err != nil {
		return "", err
	}
	restoreStep("settled")
	if info, err := os.Stat(path); err == nil {
		dropKeptLink(path, info)
		if err := fold(ctx, path); err != nil {
			return "", err
		}
	}
	restoreStep("folded")
	base := path + replacedMark + at.UTC().Format("20060102T150405Z")
	kept = base
	for i := 2; exists(kept) || exists(kept+"-wal"); i++ {
		kept = fmt.Sprintf("%s-%d", base, i)
	}
	any := false
	for _, end := range []string{"", "-wal"} {
		if !exists(path+end) || end == "-wal" && fileSize(path+end) == 0 {
			continue
		}
		if err := keep(path+end, kept+end); err != nil {
			return "", fault.Wrap(err, fault.Invalid, "The database that is there could not be kept as %s, so nothing was replaced.", kept+end)
		}
		any = true
		restoreStep("kept" + end)
	}
	if !any {
		kept = ""
	}
	folder := filepath.Dir(path)
	if err := syncFolder(folder); err != nil {
		return "", err
	}
	restoreStep("rename")
	if err := os.Rename(staged, path); err != nil {
		return "", fault.Wrap(err, fault.Invalid, "The backup could not be put in the place of %s.", path)
	}
	restoreStep("renamed")
	if err := syncFolder(folder); err != nil {
		return kept, err
	}
	for _, end := range []string{"-wal", "-shm", "-journal"} {
		if err := os.Remove(path + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return kept, fault.Wrap(err, fault.Invalid, "The backup is in place, but %s%s of the database before it could not be removed: remove it before a console starts.", path, end)
		}
		restoreStep("removed" + end)
	}
	return kept, syncFolder(folder)
}

// settle makes a database one file that uses no write-ahead log, on disk.
func settle(ctx context.Context, path string) (err error) {
	db, err := sql.Open("sqlite", dsn(path, url.Values{}, fmt.Sprintf("busy_timeout(%d)", busyTimeout), "synchronous(FULL)"))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	var mode string
	err = errors.Join(db.QueryRowContext(ctx, `PRAGMA journal_mode = DELETE`).Scan(&mode), db.Close())
	if err != nil {
		return explainFile(err, path)
	}
	if mode != "delete" || fileSize(path+"-wal") != 0 {
		return fmt.Errorf("%s still uses a write-ahead log (%s)", path, mode)
	}
	return syncFile(path)
}

// fold moves what is in the write-ahead log of the database at path into it, so
// that it is one file when it is kept. A database that SQLite cannot open is
// kept with its log as they are.
func fold(ctx context.Context, path string) error {
	if fileSize(path+"-wal") == 0 || checkLeftover(path) != nil {
		return nil //nolint:nilerr // it is kept with its log as they are
	}
	db, err := sql.Open("sqlite", dsn(path, url.Values{}, "busy_timeout(1000)", "synchronous(FULL)"))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	var busy, pages, moved int64
	err = db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &moved)
	_ = db.Close() // a damaged database may fail here too
	if err == nil && busy != 0 {
		return fault.New(fault.Conflict, "Another process has the database %s open: stop it, and run the command again.", path)
	}
	return nil
}

// keep gives a file a second name, or copies it where the disk has no links.
func keep(path, kept string) error {
	if os.Link(path, kept) == nil {
		return nil
	}
	from, err := os.Open(path) //nolint:gosec // G304: the operator names the database
	if err != nil {
		return err
	}
	defer from.Close()                                                     //nolint:errcheck // it was only read
	to, err := os.OpenFile(kept, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // G304: beside it
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	if err = errors.Join(err, to.Sync(), to.Close()); err != nil {
		return errors.Join(err, os.Remove(kept))
	}
	return nil
}

// dropKeptLink removes the dated name of a database that a restore was killed
// before replacing.
func dropKeptLink(path string, info fs.FileInfo) {
	if name := keptLink(path, info); name != "" {
		_ = os.Remove(name) // RealFile bears the name, and the next start tries again
	}
}

// finishRestore ends a restore that was killed after its rename: it removes the
// write-ahead log of the replaced database, which is kept under a dated name.
func finishRestore(path string) {
	if info, err := os.Stat(path); err == nil {
		dropKeptLink(path, info)
	}
	log, err := os.Stat(path + "-wal")
	if err != nil || log.Size() == 0 || checkLeftover(path) == nil || keptLink(path, log) == "" || fileSize(path) == 0 {
		return
	}
	_ = os.Remove(path + "-wal") // what stays is refused by checkLeftover
	_ = os.Remove(path + "-shm")
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil // it has no sync of folders
	}
	return syncFile(path)
}
