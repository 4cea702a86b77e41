package store

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"cxseal/internal/fault"
)

// journalModes is where a SQLite file's header says which journal its writers
// and readers use: two bytes, 1 for a rollback journal and 2 for a write-ahead
// log (https://www.sqlite.org/fileformat2.html, "File format version numbers").
const journalModes = 18

// header reads the beginning of the file, shorter when the file is; nothing of
// a file that is not there.
func header(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // G304: the operator names the database
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	head := make([]byte, journalModes+2)
	n, err := io.ReadFull(f, head)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return head[:n], err
}

// checkLeftover refuses a database beside a write-ahead log that is another's:
// SQLite would add that log's pages to it, or drop them. A console's database
// uses a write-ahead log and says so in its header; a backup does not until a
// console opens it, so a log that is not empty beside it was left by the
// database that stood there before. So was one beside no database at all.
func checkLeftover(path string) error {
	if fileSize(path+"-wal") == 0 {
		return nil
	}
	head, err := header(path)
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The database %s cannot be read.", path)
	}
	switch {
	case len(head) < journalModes+2:
		return fault.New(fault.Conflict, "There is no database at %s, but beside it lies %s-wal with changes of one: put that database back, or a backup with `cxseal restore FILE`.", path, path)
	case head[journalModes] == 1 && head[journalModes+1] == 1:
		return fault.New(fault.Conflict, "The database %s is a backup, and %s-wal beside it belongs to the database that was there before: opened together they would be neither. Run `cxseal restore FILE` with a copy of the backup, or move %s-wal and %s-shm away first.", path, path, path, path)
	}
	return nil
}
