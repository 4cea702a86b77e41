package handlers

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

func (h *Console) exportCSV(c echo.Context) error {
	return h.export(c, "CSV", "cxseal-audit", "csv", "text/csv; charset=utf-8; header=present", h.cfg.Audit.ExportCSV)
}

func (h *Console) exportJSONL(c echo.Context) error {
	return h.export(c, "JSONL", "cxseal-audit", "jsonl", "application/jsonl", h.cfg.Audit.ExportJSONL)
}

func (h *Console) exportPack(c echo.Context) error {
	if h.cfg.Pack == nil {
		return fault.New(fault.NotFound, "This console makes no evidence packs.")
	}
	return h.export(c, "Evidence pack", "cxseal-evidence", "zip", "application/zip", h.cfg.Pack.WritePack)
}

// exportDenied records that someone asked for an export and may not have it.
func (h *Console) exportDenied(what string) func(echo.Context, access.Caller) error {
	return func(c echo.Context, who access.Caller) error {
		r := audit.NewRecord(h.cfg.Now(), audit.AuditExport, audit.Denied, who.Actor())
		r.Detail = what + " refused: may not " + access.PermExport.Deed() + "."
		return h.cfg.Records.AppendRecords(c.Request().Context(), r)
	}
}

// exportIdle is how long a client may take nothing before its export ends.
const exportIdle = time.Minute

// export streams a file of what the filters match, in constant memory. The
// export is itself a record, appended after the last byte and before the end
// is told: what cannot be recorded, or breaks off, ends in an aborted
// connection and never in a short file that looks whole.
func (h *Console) export(c echo.Context, what, name, extension, contentType string, write audit.Exporter) error {
	q := readQuery(c)
	for param := range q.values {
		if !slices.Contains(auditParams, param) { // a misspelt filter must not export everything
			q.wrong("An export has no filter “" + clip(param) + "”.")
		}
	}
	filter, _, searchErr := auditFilter(q)
	if err := firstErr(q.err(), searchErr); err != nil {
		return err
	}
	if _, err := filter.Resolve(); err != nil {
		return err
	}
	if err := h.save(c); err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentType, contentType)
	setDownload(c, name+"-"+h.cfg.Now().UTC().Format("20060102T150405Z")+"."+extension)
	if c.Request().Method == http.MethodHead {
		c.Response().WriteHeader(http.StatusOK)
		return nil
	}

	ctx, cancel := context.WithCancel(c.Request().Context())
	defer cancel()
	defer context.AfterFunc(h.stop, cancel)()
	out := &exportWriter{w: c.Response(), control: http.NewResponseController(c.Response())}
	h.signBefore(ctx, c, what)
	err := audit.Exported(ctx, h.cfg.Records, h.cfg.Now, caller(c).Actor(), what, filter, out, write)
	if err == nil {
		return nil
	}
	if !c.Response().Committed {
		c.Response().Header().Del(echo.HeaderContentDisposition)
		return err
	}
	if c.Request().Context().Err() == nil {
		h.cfg.Logger.ErrorContext(ctx, "an export broke off", "request_id", requestID(c), "export", what, "err", err)
	}
	panic(http.ErrAbortHandler)
}

// signBefore makes a checkpoint that covers what is about to be exported. An
// export is for reading too, so a log that cannot be signed any more (its end
// was cut off, say) is still handed out; the pack, which is evidence, is not.
func (h *Console) signBefore(ctx context.Context, c echo.Context, what string) {
	if h.cfg.Log == nil {
		return
	}
	if _, err := h.cfg.Log.Checkpoint(ctx); err != nil && ctx.Err() == nil {
		h.cfg.Logger.ErrorContext(ctx, "no checkpoint could be made for an export", "request_id", requestID(c), "export", what, "err", err)
	}
}

// setDownload names the file that a browser saves.
func setDownload(c echo.Context, name string) {
	c.Response().Header().Set(echo.HeaderContentDisposition, mime.FormatMediaType("attachment", map[string]string{"filename": name}))
}

// exportWriter moves the write deadline on with every piece.
type exportWriter struct {
	w       io.Writer
	control *http.ResponseController
}

func (e *exportWriter) Write(b []byte) (int, error) {
	if err := e.control.SetWriteDeadline(time.Now().Add(exportIdle)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return e.w.Write(b)
}
