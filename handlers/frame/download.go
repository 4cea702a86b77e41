package frame

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/internal/audit"
)

// Download describes a file that is streamed.
type Download struct {
	What string // names the file in the log
	Type string // the content type
	Name string // file name for a browser to save it under; empty: no Content-Disposition
}

// Download streams a file in constant memory. When write fails after the first byte, the connection is aborted,
// so that a short file never looks complete. The context of write ends with the request, and when the console closes.
func (f *Frame) Download(c echo.Context, d Download, write func(ctx context.Context, w io.Writer) error) error {
	if err := f.save(c); err != nil {
		return err
	}
	header := c.Response().Header()
	header.Set(echo.HeaderContentType, d.Type)
	if d.Name != "" {
		SetDownload(c, d.Name)
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

// SetDownload sets the name under which a browser saves the response.
func SetDownload(c echo.Context, name string) {
	c.Response().Header().Set(echo.HeaderContentDisposition, mime.FormatMediaType("attachment", map[string]string{"filename": name}))
}

// ExportDenied returns the Denied of a route that exports: it appends an AUDIT_EXPORT record with the outcome DENIED.
func (f *Frame) ExportDenied(what string) func(echo.Context, access.Caller, error) error {
	return func(c echo.Context, who access.Caller, why error) error {
		r := audit.NewRecord(f.cfg.Now(), audit.AuditExport, audit.Denied, who.Actor())
		r.Detail = what + " refused: may not " + access.PermExport.Action() + "."
		if err := f.cfg.Records.AppendRecords(c.Request().Context(), r); err != nil {
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
