package handlers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// exporter writes what matches and answers how many records that were.
type exporter func(ctx context.Context, f audit.Filter, w io.Writer) (int64, error)

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
func (h *Console) export(c echo.Context, what, name, extension, contentType string, write exporter) error {
	q := readQuery(c)
	for param := range q.values {
		if !slices.Contains(auditParams, param) { // a misspelt filter must not export everything
			q.wrong("An export has no filter “" + clip(param) + "”.")
		}
	}
	filter, shown, searchErr := auditFilter(q)
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
	out := &exportWriter{w: c.Response(), control: http.NewResponseController(c.Response()), sum: sha256.New()}
	rows, err := write(ctx, filter, out)

	r := audit.NewRecord(h.cfg.Now(), audit.AuditExport, audit.Success, caller(c).Actor())
	conditions := strings.TrimPrefix(strings.TrimPrefix(shown.Path(""), "?"), "/")
	if conditions == "" {
		conditions = "none"
	}
	r.Detail = fmt.Sprintf("%s of %d records, %d bytes, filter %s, SHA-256 %s.", what, rows, out.size, conditions, hex.EncodeToString(out.sum.Sum(nil)))
	if err != nil {
		r.Outcome = audit.Failure
		r.Detail = fmt.Sprintf("%s broke off after %d bytes, filter %s.", what, out.size, conditions)
	}
	if rerr := h.cfg.Records.AppendRecords(context.WithoutCancel(c.Request().Context()), r); rerr != nil {
		err = errors.Join(err, rerr)
	}
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

// setDownload names the file that a browser saves.
func setDownload(c echo.Context, name string) {
	c.Response().Header().Set(echo.HeaderContentDisposition, mime.FormatMediaType("attachment", map[string]string{"filename": name}))
}

// exportWriter hashes what goes out and moves the write deadline on.
type exportWriter struct {
	w       io.Writer
	control *http.ResponseController
	sum     hash.Hash
	size    int64
}

func (e *exportWriter) Write(b []byte) (int, error) {
	if err := e.control.SetWriteDeadline(time.Now().Add(exportIdle)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	n, err := e.w.Write(b)
	e.size += int64(n)
	_, _ = e.sum.Write(b[:n]) // a hash never fails
	return n, err
}
