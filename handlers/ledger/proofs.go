package ledger

import (
	"context"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/internal/fault"
)

var errNoLog = fault.New(fault.NotFound, "This console signs no checkpoints.")

// checkpoint is the newest signed checkpoint, as text.
func (a *Area) checkpoint(c echo.Context) error {
	if a.Log == nil {
		return errNoLog
	}
	d := frame.Download{What: "Checkpoint", Type: echo.MIMETextPlainCharsetUTF8}
	return a.DownloadBytes(c, d, func(ctx context.Context) ([]byte, error) {
		text, err := a.Log.Checkpoint(ctx)
		return []byte(text), err
	})
}

// proof is one record's inclusion proof (C2SP tlog-proof).
func (a *Area) proof(c echo.Context) error {
	entry, err := a.entry(c)
	if err != nil {
		return err
	}
	if a.Log == nil {
		return errNoLog
	}
	d := frame.Download{What: "Inclusion proof", Filter: "record " + entry.Record.AuditID, Type: echo.MIMETextPlainCharsetUTF8,
		Name: entry.Record.AuditID + ".tlog-proof"}
	return a.DownloadBytes(c, d, func(ctx context.Context) ([]byte, error) { return a.Log.Proof(ctx, entry.Seq) })
}
