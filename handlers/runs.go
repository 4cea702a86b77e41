package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/web"
)

// runs is the history of runs, newest first.
func (h *Console) runs(c echo.Context) error {
	ctx := c.Request().Context()
	q := readQuery(c)
	v := web.RunsView{
		Chrome: h.chrome(c, "Runs", web.NavRuns), Connections: h.connectionOptions(),
		Filter: web.RunsFilter{State: q.raw("state"), Operation: q.raw("operation"), Connection: q.raw("connection"),
			DatastoreID: q.raw("datastore_id"), TableID: q.raw("table_id"), RequestedBy: q.raw("requested_by"), From: q.raw("from"), To: q.raw("to")},
	}
	v.Lead = periodHelp
	filter := encryption.RunFilter{
		State:     q.oneOf("state", append(stateNames(), encryption.InProgress)...),
		Operation: q.oneOf("operation", string(audit.ColumnEncryption), string(audit.KeyRotation)), Connection: q.text("connection"),
		DatastoreID: q.text("datastore_id"), TableID: q.text("table_id"), RequestedBy: q.text("requested_by"),
	}
	filter.From, filter.To = q.period()
	cur := q.cursor()
	if err := q.err(); err != nil {
		if wantsJSON(c.Request()) {
			return err
		}
		badFilter(&v.Chrome, err)
		return h.render(c, http.StatusBadRequest, web.RunsPage(v))
	}
	var runs []encryption.RunLine
	var err error
	if cur.after > 0 {
		runs, err = h.cfg.Runs.RunsAfter(ctx, filter, cur.after, pageRows+1)
	} else {
		runs, err = h.cfg.Runs.Runs(ctx, filter, cur.before, pageRows+1)
	}
	if err != nil {
		return err
	}
	runs, v.Pager = onePage(runs, cur, v.Filter.Path(), func(r encryption.RunLine) int64 { return r.Seq })
	v.Rows = runRows(runs)
	return h.render(c, http.StatusOK, web.RunsPage(v))
}

// run is one run's dossier.
func (h *Console) run(c echo.Context) error {
	id, err := param(c, "run")
	if err != nil {
		return err
	}
	run, err := h.cfg.Runs.Run(c.Request().Context(), id)
	if err != nil {
		return err
	}
	if wantsJSON(c.Request()) {
		return h.json(c, http.StatusOK, runJSON(run))
	}
	v, err := h.dossier(c.Request().Context(), run, caller(c))
	if err != nil {
		return err
	}
	crumbs := []web.Link{{Text: "Runs", Href: "/runs"}}
	campaign, err := h.cfg.Campaigns.CampaignOfRun(c.Request().Context(), id)
	if err != nil {
		return err
	}
	if campaign != "" {
		crumbs = append(crumbs, web.Link{Text: "Campaign", Href: web.CampaignPath(campaign)})
	}
	v.Chrome = h.chrome(c, web.OperationText(string(run.Operation))+" of "+v.Run.TableName, web.NavRuns, crumbs...)
	return h.render(c, http.StatusOK, web.RunPage(v))
}

// cancelRun ends a run that has not started.
func (h *Console) cancelRun(c echo.Context) error {
	id, err := param(c, "run")
	if err != nil {
		return err
	}
	if err := h.cfg.Service.Cancel(c.Request().Context(), caller(c), id); err != nil {
		return err
	}
	h.flash(c, web.ToneSuccess, "The run is cancelled. Nothing was sent to CXone.")
	return h.redirect(c, web.RunPath(id))
}

// dossierRecords bounds how many audit records a dossier shows; a run has few,
// unless a stranger who knows its callback URL makes them many.
const dossierRecords = 200

// dossier gathers everything about a run, but the frame of the page.
func (h *Console) dossier(ctx context.Context, run encryption.Run, who access.Caller) (web.RunView, error) {
	redact := redactor(run)
	v := web.RunView{
		Run: runRow(run.Line()), Strategy: run.Strategy, IntervalDays: run.IntervalDays, StartAt: run.StartAt,
		NextRotation: run.NextRotation, MaskIndexes: run.MaskIndexes, IdempotencyKey: run.IdempotencyKey,
		Attempts: run.Attempts, KeyVersion: run.KeyVersion, Deadline: run.CallbackDeadline,
		Request: indent([]byte(redact(string(run.Payload)))), ErrorCode: string(run.ErrorCode), ErrorMessage: run.ErrorMessage,
		CanCancel: who.Can(access.PermCancelRun) && (run.State == encryption.Queued || run.State == encryption.Awaiting), Live: !run.State.Ended(),
		Timings: []web.Timing{{Stage: "Token", Ms: run.Timings.TokenMs}, {Stage: "Checks", Ms: run.Timings.ChecksMs},
			{Stage: "PATCH", Ms: run.Timings.PatchMs}, {Stage: "KMS confirmation", Ms: run.Timings.KMSMs}},
	}
	v.Approval = approvalView(run, who)
	if v.Approval != nil && v.Approval.CanDecide {
		v.Live = false // nothing moves before they do, and a reason half typed must not be swapped away
	}
	if run.Plan != nil {
		v.Before, v.After, v.Masked = coverage(run.Plan.Before), coverage(run.Plan.After), run.Plan.Masked
		v.TypeOf = map[string]string{}
		for _, c := range run.Plan.Columns {
			v.TypeOf[c.Name] = c.Type
		}
		if run.State.Ended() && run.After == nil {
			v.After = v.Before // nothing is known to have changed
		}
	}
	if run.After != nil {
		v.After = coverage(encryption.CoverageOf(run.After))
	}
	if run.Answer != nil {
		v.Response, v.Status, v.Replayed = indent([]byte(redact(run.Answer.Body))), run.Answer.Status, run.Answer.Replayed
	}
	if known, err := h.cfg.Tables.Table(ctx, run.Connection, run.DatastoreID, run.TableID); err == nil {
		v.DatastoreName = known.DatastoreName
		if v.Run.TableName == run.TableID && known.Name != "" {
			v.Run.TableName = known.Name
		}
	}
	return v, h.addHappenings(ctx, run, redact, &v)
}

// addHappenings fills in the run's events, callbacks and records.
func (h *Console) addHappenings(ctx context.Context, run encryption.Run, redact func(string) string, v *web.RunView) error {
	events, err := h.cfg.Runs.RunEvents(ctx, run.ID, 0)
	if err != nil {
		return err
	}
	for _, e := range events {
		v.Events = append(v.Events, web.RunEvent{Seq: e.Seq, At: e.At, State: string(e.State), Kind: e.Kind, Message: redact(e.Message)})
	}
	callbacks, err := h.cfg.Runs.RunVerifications(ctx, run.ID)
	if err != nil {
		return err
	}
	for _, k := range callbacks {
		v.Verdicts = append(v.Verdicts, verdict(k, redact))
	}
	records, err := h.cfg.Audit.AuditLines(ctx, audit.Filter{RunID: run.ID}, 0, dossierRecords)
	if err != nil {
		return err
	}
	slices.Reverse(records)
	v.Records = auditRows(records)
	return nil
}

// redactor hides the run's callback token: whoever reads the dossier must not
// be able to speak for the KMS.
func redactor(run encryption.Run) func(string) string {
	return func(s string) string {
		if run.CallbackToken == "" {
			return s
		}
		return strings.ReplaceAll(s, run.CallbackToken, "••••")
	}
}

func verdict(k encryption.Verification, redact func(string) string) web.Verdict {
	v := web.Verdict{ID: k.ID, ReceivedAt: k.ReceivedAt, Accepted: k.Accepted, Inline: k.Inline, From: k.RemoteIP,
		Reason: k.Reason, Status: k.Status, Body: indent([]byte(redact(k.Body)))}
	for _, c := range k.Checks {
		result := web.CheckFailed
		if c.Passed {
			result = web.CheckPassed
		}
		v.Checks = append(v.Checks, web.Check{Name: web.OperationText(strings.ToUpper(c.Name)), Result: result, Detail: c.Detail})
	}
	return v
}

// indent makes JSON readable, and leaves what is none as it is.
func indent(raw []byte) string {
	var buf bytes.Buffer
	if json.Indent(&buf, raw, "", "  ") != nil {
		return string(raw)
	}
	return buf.String()
}
