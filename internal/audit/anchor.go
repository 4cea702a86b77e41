package audit

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"cxseal/internal/fault"
)

// Anchor copies checkpoints to a place that a person who controls the database cannot change unnoticed. Such
// a copy shows when the end of the log was cut off, or when the whole log was rewritten and signed again with
// its key.
type Anchor interface {
	// Put copies one signed checkpoint, or returns an error with a sentence for a person. The same checkpoint
	// may be given twice.
	Put(ctx context.Context, c KeptCheckpoint) error
	// String names the place for a person, without secrets.
	String() string
}

// ParseAnchor reads the setting of one anchor:
//
//	file:/mnt/worm/checkpoints      append to a file
//	syslog:                         this machine's syslog
//	syslog:udp://loghost:514        RFC 5424 over UDP; tcp:// and unix:///path too
//	https://collector.example/log   POST the checkpoint's text
func ParseAnchor(setting string) (Anchor, error) {
	kind, rest, found := strings.Cut(setting, ":")
	if found {
		switch kind {
		case "file":
			return newFileAnchor(rest)
		case "syslog":
			return newSyslogAnchor(rest)
		case "https", "http":
			return newPostAnchor(setting)
		}
	}
	return nil, fault.New(fault.Invalid, "The anchor %q is not understood: write file:/path, syslog:, syslog:udp://host:514 or https://host/path", fault.Clip(setting))
}

// fileAnchor appends checkpoints to a file. On a disk of another machine, or with the file system's
// append-only flag set, a checkpoint cannot be removed from this machine.
type fileAnchor struct{ path string }

func newFileAnchor(path string) (Anchor, error) {
	path = strings.TrimPrefix(path, "//") // file:///path is file:/path
	if path == "" {
		return nil, fault.New(fault.Invalid, "The anchor file: names no file: write file:/path")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The anchor file %q cannot be used", path)
	}
	return &fileAnchor{abs}, nil
}

func (a *fileAnchor) String() string { return "file:" + a.path }

// Put appends the checkpoint and syncs the file. A file whose end is not a whole checkpoint is not written to,
// because what follows could not be read back.
func (a *fileAnchor) Put(_ context.Context, c KeptCheckpoint) (err error) {
	// Mode 0600: other users need not read the log's roots and sizes. The path is the operator's own setting.
	f, err := os.OpenFile(a.path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600) //nolint:gosec // G304: see above
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The anchor file %s cannot be opened: check that its folder exists and may be written to", a.path)
	}
	defer func() {
		if e := f.Close(); e != nil && err == nil {
			err = fault.Wrap(e, fault.Internal, "The checkpoint could not be written to %s", a.path)
		}
	}()
	tail, err := readTail(f, int64(maxCheckpointBytes))
	if err != nil {
		return fault.Wrap(err, fault.Internal, "The anchor file %s cannot be read", a.path)
	}
	if bytes.HasSuffix(tail, []byte(c.Note)) {
		return nil // already there: the console stopped before it could note the copy
	}
	if last := bytes.LastIndexByte(bytes.TrimSuffix(tail, []byte("\n")), '\n') + 1; len(tail) > 0 &&
		(!bytes.HasSuffix(tail, []byte("\n")) || !bytes.HasPrefix(tail[last:], []byte("— "))) {
		return fault.New(fault.Conflict, "The anchor file %s does not end in a whole checkpoint: was it edited, or the machine switched off while writing? Move it away and keep it; a new one is begun", a.path)
	}
	if _, err := f.WriteString(c.Note); err != nil {
		return fault.Wrap(err, fault.Internal, "The checkpoint could not be written to %s", a.path)
	}
	if err := f.Sync(); err != nil {
		return fault.Wrap(err, fault.Internal, "The checkpoint may not have reached the disk of %s", a.path)
	}
	return nil
}

func readTail(f *os.File, most int64) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	n := min(info.Size(), most)
	tail := make([]byte, n)
	if _, err := f.ReadAt(tail, info.Size()-n); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return tail, nil
}

// AnchoredIn returns the path of the file that an anchor appends to, from which its checkpoints can be read
// back; ok is false for anchors of other kinds.
func AnchoredIn(a Anchor) (path string, ok bool) {
	if f, isFile := a.(*fileAnchor); isFile {
		return f.path, true
	}
	return "", false
}

// ReadAnchorFile reads the checkpoints of a file that an anchor appended to, in the form that VerifyLog
// takes. A missing file is fault.NotFound, so that removing it does not make a cut log verify.
func ReadAnchorFile(path string) ([]SignedCheckpoint, error) {
	f, err := os.Open(path) //nolint:gosec // G304: the operator's own setting
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Wrap(err, fault.NotFound, "The anchor file %s is gone", path)
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The anchor file %s cannot be read", path)
	}
	defer func() { _ = f.Close() }() // it was only read
	var list []SignedCheckpoint
	for text, err := range ReadCheckpoints(f) {
		if err != nil {
			return nil, err
		}
		list = append(list, SignedCheckpoint{Text: text, Source: path})
	}
	return list, nil
}
