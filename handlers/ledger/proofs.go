package ledger

import (
	"net/http"

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
	text, err := a.Log.Checkpoint(c.Request().Context())
	if err != nil {
		return err
	}
	return a.Text(c, http.StatusOK, text)
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
	raw, err := a.Log.Proof(c.Request().Context(), entry.Seq)
	if err != nil {
		return err
	}
	frame.SetDownload(c, entry.Record.AuditID+".tlog-proof")
	return a.Send(c, http.StatusOK, echo.MIMETextPlainCharsetUTF8, raw)
}
