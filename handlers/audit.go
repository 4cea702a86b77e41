package handlers

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
	"cxseal/web"
)

// auditParams are the filters of /audit and of its exports (contract §3).
var auditParams = []string{"from", "to", "operation", "outcome", "actor", "connection", "datastore_id", "table_id", "run_id", "q"}

func outcomes() []string {
	return []string{string(audit.Success), string(audit.Failure), string(audit.Denied)}
}

// auditFilter reads the filters; shown is them as typed. What is wrong with
// the search box comes back apart from the rest.
func auditFilter(q *query) (filter audit.Filter, shown web.AuditFilter, searchErr error) {
	shown = web.AuditFilter{From: q.raw("from"), To: q.raw("to"), Operation: q.raw("operation"), Outcome: q.raw("outcome"),
		Actor: q.raw("actor"), Connection: q.raw("connection"), DatastoreID: q.raw("datastore_id"), TableID: q.raw("table_id"),
		RunID: q.raw("run_id"), Query: q.raw("q")}
	filter = audit.Filter{Operation: q.operation("operation"), Outcome: q.oneOf("outcome", outcomes()...), Actor: q.text("actor"),
		Connection: q.text("connection"), DatastoreID: q.text("datastore_id"), TableID: q.text("table_id"),
		RunID: q.text("run_id"), Query: shown.Query}
	filter.From, filter.To = q.period()
	_, searchErr = audit.ParseQuery(filter.Query)
	return filter, shown, searchErr
}

// countTo is as far as matching records are counted for a page.
const countTo = 10_000

// audit is the log, newest first.
func (h *Console) audit(c echo.Context) error {
	ctx := c.Request().Context()
	q := readQuery(c)
	filter, shown, searchErr := auditFilter(q)
	v := web.AuditView{
		Chrome: h.chrome(c, "Audit log", web.NavAudit), Filter: shown, Connections: h.connectionOptions(),
		CanExport: caller(c).Can(access.PermExport), Evidence: h.cfg.Pack != nil,
	}
	v.Lead = "Every attempt, as it was recorded. " + periodHelp
	cur := q.cursor()
	filterErr := q.err()
	if searchErr == nil && filterErr == nil {
		_, filterErr = filter.Resolve() // the fields and the box together
	}
	if searchErr != nil || filterErr != nil {
		if wantsJSON(c.Request()) {
			return firstErr(filterErr, searchErr)
		}
		if searchErr != nil {
			v.QueryError = fault.MessageOf(searchErr)
		}
		if filterErr != nil {
			badFilter(&v.Chrome, filterErr)
		}
		return h.render(c, http.StatusBadRequest, web.AuditPage(v))
	}
	if err := h.fillAudit(ctx, &v, filter, cur); err != nil {
		return err
	}
	if err := h.addDesk(c, &v); err != nil {
		return err
	}
	return h.render(c, http.StatusOK, web.AuditPage(v))
}

func firstErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (h *Console) fillAudit(ctx context.Context, v *web.AuditView, filter audit.Filter, cur cursor) error {
	var lines []audit.Line
	var err error
	if cur.after > 0 {
		lines, err = h.cfg.Audit.AuditLinesAfter(ctx, filter, cur.after, pageRows+1)
	} else {
		lines, err = h.cfg.Audit.AuditLines(ctx, filter, cur.before, pageRows+1)
	}
	if err != nil {
		return err
	}
	lines, v.Pager = onePage(lines, cur, v.Filter.Path("/audit"), func(l audit.Line) int64 { return l.Seq })
	v.Rows = auditRows(lines)
	n, exact, err := h.cfg.Audit.AuditCount(ctx, filter, countTo)
	if err != nil {
		return err
	}
	v.Pager.Total = web.FormatNumber(n)
	if !exact {
		v.Pager.Total = "more than " + v.Pager.Total
	}
	if h.cfg.Facets == nil {
		return nil
	}
	facets, err := h.cfg.Facets(ctx, filter)
	if err != nil {
		return err
	}
	v.Facets = facetViews(facets)
	if !facets.All {
		v.FacetsOf = "the newest " + web.FormatNumber(facets.Of)
	}
	return nil
}

// facetViews shows the most frequent values with their counts; the page says
// when those are of the newest records only.
func facetViews(f audit.Facets) []web.Facet {
	const most = 8
	var list []web.Facet
	for _, d := range []struct {
		title, param string
		counts       []audit.FacetCount
	}{
		{"Operation", "operation", f.Operations}, {"Outcome", "outcome", f.Outcomes},
		{"Actor", "actor", f.Actors}, {"Connection", "connection", f.Connections},
	} {
		if len(d.counts) == 0 {
			continue
		}
		facet := web.Facet{Title: d.title, Param: d.param}
		for _, c := range d.counts[:min(len(d.counts), most)] {
			facet.Values = append(facet.Values, web.FacetValue{Value: c.Value, Count: web.FormatNumber(c.Count)})
		}
		list = append(list, facet)
	}
	return list
}

// auditRecord is one record with its place in the tree.
func (h *Console) auditRecord(c echo.Context) error {
	ctx := c.Request().Context()
	entry, err := h.auditEntry(c)
	if err != nil {
		return err
	}
	r := entry.Record
	v := web.AuditRecordView{Record: auditRow(entry.Line()), ActorIP: r.Actor.IP, Raw: string(entry.Raw),
		LeafHash: audit.HexHash(entry.LeafHash)}
	if m := r.Metrics; m != nil {
		v.Metrics = &web.RecordMetrics{LatencyMs: m.LatencyMs, CoverageRate: m.CoverageRate, FieldsEncrypted: m.FieldsEncrypted,
			TotalFields: m.TotalFields, Risk: m.QueryDegradationRisk}
	}
	if k := r.Compliance; k != nil {
		v.Compliance = &web.RecordCompliance{GDPRAligned: k.GDPRAligned, Algorithm: k.Algorithm, RotationEnabled: k.KeyRotationEnabled}
	}
	if k := r.KMS; k != nil {
		v.KMS = &web.RecordKMS{KeyVersion: k.KeyVersion, PermissionHash: k.PermissionHash, Status: k.Status}
	}
	if err := h.addPlace(ctx, &v, entry.Seq); err != nil {
		return err
	}
	v.Chrome = h.chrome(c, web.OperationText(string(r.Operation)), web.NavAudit, web.Link{Text: "Audit log", Href: "/audit"})
	return h.render(c, http.StatusOK, web.AuditRecordPage(v))
}

func (h *Console) auditEntry(c echo.Context) (audit.Entry, error) {
	id, err := param(c, "audit")
	if err != nil {
		return audit.Entry{}, err
	}
	return h.cfg.Audit.AuditEntry(c.Request().Context(), id)
}

// addPlace fills in where the record stands in the log.
func (h *Console) addPlace(ctx context.Context, v *web.AuditRecordView, seq int64) error {
	var err error
	if v.TreeSize, err = h.cfg.Audit.TreeSize(ctx); err != nil {
		return err
	}
	if seq > 1 {
		before, err := h.cfg.Audit.AuditLines(ctx, audit.Filter{}, seq, 1)
		if err != nil {
			return err
		}
		if len(before) == 1 {
			v.Prev = before[0].AuditID
		}
	}
	after, err := h.cfg.Audit.AuditLinesAfter(ctx, audit.Filter{}, seq, 1)
	if err != nil {
		return err
	}
	if len(after) == 1 {
		v.Next = after[0].AuditID
	}
	if h.cfg.Log == nil {
		return nil
	}
	v.Proof, v.VerifierKey = true, h.cfg.Log.VerifierKey()
	// What was signed so far; a page that is only looked at signs nothing.
	newest, err := h.cfg.Audit.LatestCheckpoint(ctx)
	if newest != nil {
		v.Checkpoint = newest.Size
	}
	return err
}

var errNoLog = fault.New(fault.NotFound, "This console signs no checkpoints.")

// checkpoint is the newest signed checkpoint, as text.
func (h *Console) checkpoint(c echo.Context) error {
	if h.cfg.Log == nil {
		return errNoLog
	}
	text, err := h.cfg.Log.Checkpoint(c.Request().Context())
	if err != nil {
		return err
	}
	return h.text(c, http.StatusOK, text)
}

// proof is one record's inclusion proof (C2SP tlog-proof).
func (h *Console) proof(c echo.Context) error {
	entry, err := h.auditEntry(c)
	if err != nil {
		return err
	}
	if h.cfg.Log == nil {
		return errNoLog
	}
	raw, err := h.cfg.Log.Proof(c.Request().Context(), entry.Seq)
	if err != nil {
		return err
	}
	setDownload(c, entry.Record.AuditID+".tlog-proof")
	return h.send(c, http.StatusOK, echo.MIMETextPlainCharsetUTF8, raw)
}
