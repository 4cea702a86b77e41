package ledger

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/handlers/rows"
	"cxseal/internal/audit"
	"cxseal/web"
)

// record is one record with its place in the tree.
func (a *Area) record(c echo.Context) error {
	ctx := c.Request().Context()
	entry, err := a.entry(c)
	if err != nil {
		return err
	}
	r := entry.Record
	v := web.AuditRecordView{Record: rows.Record(entry.Line()), ActorIP: r.Actor.IP, Raw: string(entry.Raw),
		LeafHash: audit.HexHash(entry.LeafHash)}
	if m := r.Metrics; m != nil {
		v.Metrics = &web.RecordMetrics{LatencyMs: m.LatencyMs, CoverageRate: m.CoverageRate, FieldsEncrypted: m.FieldsEncrypted,
			TotalFields: m.TotalFields, Risk: m.QueryDegradationRisk}
	}
	if k := r.Compliance; k != nil {
		v.Compliance = &web.RecordCompliance{GDPRAligned: k.GDPRAligned, Algorithm: k.Algorithm, RotationEnabled: k.KeyRotationEnabled}
	}
	if k := r.KMS; k != nil {
		v.KMS = &web.RecordKMS{KeyVersion: k.KeyVersion, KeyVersionID: k.KeyVersionID, PermissionHash: k.PermissionHash, Status: k.Status}
	}
	if err := a.addPlace(ctx, &v, entry.Seq); err != nil {
		return err
	}
	v.Chrome = a.Chrome(c, web.OperationText(string(r.Operation)), web.NavAudit, web.Link{Text: "Audit log", Href: "/audit"})
	return a.Render(c, http.StatusOK, web.AuditRecordPage(v))
}

func (a *Area) entry(c echo.Context) (audit.Entry, error) {
	id, err := frame.Param(c, "audit")
	if err != nil {
		return audit.Entry{}, err
	}
	return a.Audit.AuditEntry(c.Request().Context(), id)
}

// addPlace fills in where the record stands in the log.
func (a *Area) addPlace(ctx context.Context, v *web.AuditRecordView, seq int64) error {
	var err error
	if v.TreeSize, err = a.Audit.TreeSize(ctx); err != nil {
		return err
	}
	if seq > 1 {
		before, err := a.Audit.AuditLines(ctx, audit.Filter{}, seq, 1)
		if err != nil {
			return err
		}
		if len(before) == 1 {
			v.Prev = before[0].AuditID
		}
	}
	after, err := a.Audit.AuditLinesAfter(ctx, audit.Filter{}, seq, 1)
	if err != nil {
		return err
	}
	if len(after) == 1 {
		v.Next = after[0].AuditID
	}
	if a.Log == nil {
		return nil
	}
	v.Proof, v.VerifierKey = true, a.Log.VerifierKey()
	// The newest checkpoint that exists: a page that is read makes none.
	newest, err := a.Audit.LatestCheckpoint(ctx)
	if newest != nil {
		v.Checkpoint = newest.Size
	}
	return err
}
