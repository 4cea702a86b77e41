package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"
)

// Recorder appends records outside of any other transaction.
type Recorder interface {
	AppendRecords(ctx context.Context, records ...Record) error
}

// Exporter writes the records that match, oldest first, and returns how many.
type Exporter func(ctx context.Context, f Filter, w io.Writer) (rows int64, err error)

// Exported runs an export and appends a record of it: the actor, what was exported, how many records, the
// filter and the SHA-256 of every byte written. The record is appended after the last byte, so it is never
// part of its own export. An export that cannot be recorded is an error.
func Exported(ctx context.Context, recorder Recorder, now func() time.Time, actor Actor, what string, f Filter, w io.Writer, export Exporter) error {
	conditions, err := f.Words()
	if err != nil {
		return err
	}
	out := &hashedWriter{w: w, sum: sha256.New()}
	rows, err := export(ctx, f, out)
	r := NewRecord(now(), AuditExport, Success, actor)
	r.Detail = fmt.Sprintf("%s of %d records, %d bytes, filter %s, SHA-256 %s.", what, rows, out.size, conditions, hex.EncodeToString(out.sum.Sum(nil)))
	if err != nil {
		r.Outcome = Failure
		r.Detail = fmt.Sprintf("%s broke off after %d bytes, filter %s.", what, out.size, conditions)
	}
	return errors.Join(err, recorder.AppendRecords(context.WithoutCancel(ctx), r))
}

// Words returns the filter in the words of the search box, "none" for an open one.
func (f Filter) Words() (string, error) {
	q, err := f.Resolve()
	if err != nil {
		return "", err
	}
	if words := q.String(); words != "" {
		return words, nil
	}
	return "none", nil
}

type hashedWriter struct {
	w    io.Writer
	sum  hash.Hash
	size int64
}

func (h *hashedWriter) Write(p []byte) (int, error) {
	n, err := h.w.Write(p)
	h.sum.Write(p[:n])
	h.size += int64(n)
	return n, err
}
