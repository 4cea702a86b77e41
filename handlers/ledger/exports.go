package ledger

import (
	"context"
	"io"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

func (a *Area) exportCSV(c echo.Context) error {
	return a.export(c, "CSV", "cxseal-audit", "csv", "text/csv; charset=utf-8; header=present", a.Audit.ExportCSV)
}

func (a *Area) exportJSONL(c echo.Context) error {
	return a.export(c, "JSONL", "cxseal-audit", "jsonl", "application/jsonl", a.Audit.ExportJSONL)
}

func (a *Area) exportPack(c echo.Context) error {
	if a.Pack == nil {
		return fault.New(fault.NotFound, "This console makes no evidence packs.")
	}
	return a.export(c, "Evidence pack", "cxseal-evidence", "zip", "application/zip", a.Pack.WritePack)
}

// export streams a file of the records that match the filters, and has the frame record it.
func (a *Area) export(c echo.Context, what, name, extension, contentType string, write audit.Exporter) error {
	q := frame.ReadQuery(c)
	q.Only("An export", auditParams)
	filter, _, searchErr := auditFilter(q)
	if err := q.Err(); err != nil {
		return err
	}
	if searchErr != nil {
		return searchErr
	}
	if _, err := filter.Resolve(); err != nil {
		return err
	}
	d := frame.Download{What: what, Type: contentType, Name: name + "-" + a.Now().UTC().Format("20060102T150405Z") + "." + extension}
	return a.Export(c, d, filter, func(ctx context.Context, f audit.Filter, w io.Writer) (int64, error) {
		a.signBefore(ctx, c, what)
		return write(ctx, f, w)
	})
}

// signBefore makes a checkpoint that covers the records about to be exported. CSV and JSONL are sent even when the
// log cannot be signed (because its end was cut off, for instance); the evidence pack is not, and fails by itself.
func (a *Area) signBefore(ctx context.Context, c echo.Context, what string) {
	if a.Log == nil {
		return
	}
	if _, err := a.Log.Checkpoint(ctx); err != nil && ctx.Err() == nil {
		a.Logger().ErrorContext(ctx, "no checkpoint could be made for an export", "request_id", frame.RequestID(c), "export", what, "err", err)
	}
}
