package frame

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/internal/audit"
)

// Download describes a file that leaves the console.
type Download struct {
	What   string // names the file in the audit log: “Coverage series”
	Filter string // what it was narrowed to, empty for nothing
	Type   string // the content type
	Name   string // file name for a browser to save it under; empty: no Content-Disposition
}

// Download records the download and streams the file. The record is appended before the first byte, once an hour
// for each person, file and filter (see audit.Fold); a download that cannot be recorded is not made.
func (f *Frame) Download(c echo.Context, d Download, write func(ctx context.Context, w io.Writer) error) error {
	if err := f.recordDownload(c, d); err != nil {
		return err
	}
	return f.Stream(c, d, write)
}

// DownloadBytes is Download for a small file: it is made in memory and compressed where the client takes that.
func (f *Frame) DownloadBytes(c echo.Context, d Download, produce func(ctx context.Context) ([]byte, error)) error {
	if err := f.recordDownload(c, d); err != nil {
		return err
	}
	body, err := produce(c.Request().Context())
	if err != nil {
		return err
	}
	if d.Name != "" {
		setFileName(c, d.Name)
	}
	return f.Send(c, http.StatusOK, d.Type, body)
}

// Export streams an export of the audit log. Each one has a record of its own, with the SHA-256 of the file: it is
// appended after the last byte and before the response ends, and an export that cannot be recorded is aborted.
func (f *Frame) Export(c echo.Context, d Download, filter audit.Filter, write audit.Exporter) error {
	if c.Request().Method != http.MethodHead {
		if err := f.exports.Take(strconv.FormatInt(Caller(c).UserID, 10), "You have made many exports, and each is a record for ever."); err != nil {
			return err
		}
	}
	return f.Stream(c, d, func(ctx context.Context, w io.Writer) error {
		return audit.Exported(ctx, f.cfg.Records, f.cfg.Now, Caller(c).Actor(), d.What, filter, w, write)
	})
}

// recordDownload notes the download in the audit log. A HEAD request downloads nothing.
func (f *Frame) recordDownload(c echo.Context, d Download) error {
	if c.Request().Method == http.MethodHead {
		return nil
	}
	r := audit.NewRecord(f.cfg.Now(), audit.AuditExport, audit.Success, Caller(c).Actor())
	filter := d.Filter
	if filter == "" {
		filter = "none"
	}
	r.Detail = d.What + " downloaded, filter " + Clip(filter) + "."
	return f.repeats.Note(c.Request().Context(), r)
}

// Stream streams a file in constant memory and records nothing: it serves Download, Export and the calendar
// feed, whose making is on record. When write fails after the first byte, the connection is aborted, so that
// a short file never looks complete. The context of write ends with the request, and when the console closes.
func (f *Frame) Stream(c echo.Context, d Download, write func(ctx context.Context, w io.Writer) error) error {
	if err := f.save(c); err != nil {
		return err
	}
	header := c.Response().Header()
	header.Set(echo.HeaderContentType, d.Type)
	if d.Name != "" {
		setFileName(c, d.Name)
	}
	if c.Request().Method == http.MethodHead {
		c.Response().WriteHeader(http.StatusOK)
		return nil
	}
	ctx, cancel := f.untilClosed(c)
	defer cancel()
	err := write(ctx, &movingWriter{w: c.Response(), control: http.NewResponseController(c.Response())})
	if err == nil {
		return nil
	}
	if !c.Response().Committed {
		for _, name := range []string{echo.HeaderContentDisposition, echo.HeaderContentEncoding, "ETag"} {
			header.Del(name) // they describe the file, and an error page is sent instead
		}
		return err
	}
	if c.Request().Context().Err() == nil {
		f.cfg.Logger.ErrorContext(ctx, "a download broke off", "request_id", RequestID(c), "download", d.What, "err", err)
	}
	panic(http.ErrAbortHandler)
}

// setFileName sets the name under which a browser saves the response.
func setFileName(c echo.Context, name string) {
	c.Response().Header().Set(echo.HeaderContentDisposition,
		mime.FormatMediaType("attachment", map[string]string{"filename": name}))
}

// ExportDenied returns the Denied of a route that exports: it appends an AUDIT_EXPORT record with the outcome
// DENIED, once an hour for each person and kind of export.
func (f *Frame) ExportDenied(what string) func(echo.Context, access.Caller, error) error {
	return func(c echo.Context, who access.Caller, why error) error {
		r := audit.NewRecord(f.cfg.Now(), audit.AuditExport, audit.Denied, who.Actor())
		r.Detail = what + " refused: may not " + access.PermExport.Action() + "."
		if err := f.repeats.Note(c.Request().Context(), r); err != nil {
			return err
		}
		return why
	}
}

// untilClosed returns the request's context, cancelled when the console closes too.
func (f *Frame) untilClosed(c echo.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(c.Request().Context())
	release := context.AfterFunc(f.closing, cancel)
	return ctx, func() { release(); cancel() }
}

// downloadIdle is how long a client may read nothing before its download is aborted.
const downloadIdle = time.Minute

// movingWriter sets the write deadline anew before every write.
type movingWriter struct {
	w       io.Writer
	control *http.ResponseController
}

func (m *movingWriter) Write(b []byte) (int, error) {
	if err := m.control.SetWriteDeadline(time.Now().Add(downloadIdle)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return m.w.Write(b)
}
