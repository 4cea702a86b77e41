package runs

import (
	"context"
	"slices"
	"strings"

	"cxseal/handlers/rows"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/web"
)

// dossierRecords is the most audit records that a dossier shows. A run has few, unless somebody who knows its
// callback URL sends many callbacks.
const dossierRecords = 200

// dossier returns the view of a run, without the page's Chrome.
func (a *Area) dossier(ctx context.Context, run encryption.Run, who access.Caller) (web.RunView, error) {
	redact := redactor(run)
	v := web.RunView{
		Run: rows.Run(run.Line()), Strategy: run.Strategy, IntervalDays: run.IntervalDays, StartAt: run.StartAt,
		NextRotation: run.NextRotation, MaskIndexes: run.MaskIndexes, IdempotencyKey: run.IdempotencyKey,
		Attempts: run.Attempts, KeyVersion: run.KeyVersion, KeyID: run.KeyID, Deadline: run.CallbackDeadline,
		Request: rows.Indent([]byte(redact(string(run.Payload)))), ErrorCode: string(run.ErrorCode), ErrorMessage: run.ErrorMessage,
		CanCancel: who.Can(access.PermCancelRun) && (run.State == encryption.Held || slices.Contains(encryption.Waiting(), run.State)),
		HeldWhy:   run.HeldWhy, TakenBy: run.TakenBy, CanTakeOver: who.Can(access.PermLaunchRun) && run.State == encryption.Held, Live: !run.State.Ended(),
		Timings: []web.Timing{{Stage: "Token", Ms: run.Timings.TokenMs}, {Stage: "Checks", Ms: run.Timings.ChecksMs},
			{Stage: "PATCH", Ms: run.Timings.PatchMs}, {Stage: "KMS confirmation", Ms: run.Timings.KMSMs}},
	}
	v.Approval = approvalView(run, who)
	if v.Approval != nil && v.Approval.CanDecide {
		v.Live = false // nothing moves before they do, and a reason half typed must not be swapped away
	}
	if run.Plan != nil {
		v.Before, v.After, v.Masked = rows.Coverage(run.Plan.Before), rows.Coverage(run.Plan.After), run.Plan.Masked
		v.TypeOf = map[string]string{}
		for _, c := range run.Plan.Columns {
			v.TypeOf[c.Name] = c.Type
		}
		if run.State.Ended() && run.After == nil {
			v.After = v.Before // nothing is known to have changed
		}
	}
	if run.After != nil {
		v.After = rows.Coverage(encryption.CoverageOf(run.After))
	}
	if run.Answer != nil {
		v.Response, v.Status, v.Replayed = rows.Indent([]byte(redact(run.Answer.Body))), run.Answer.Status, run.Answer.Replayed
	}
	if known, err := a.Tables.Table(ctx, run.Connection, run.DatastoreID, run.TableID); err == nil {
		v.DatastoreName = known.DatastoreName
		if v.Run.TableName == run.TableID && known.Name != "" {
			v.Run.TableName = known.Name
		}
	}
	return v, a.addHappenings(ctx, run, redact, &v)
}

// addHappenings fills in the run's events, callbacks and records.
func (a *Area) addHappenings(ctx context.Context, run encryption.Run, redact func(string) string, v *web.RunView) error {
	events, err := a.Runs.RunEvents(ctx, run.ID, 0)
	if err != nil {
		return err
	}
	for _, e := range events {
		v.Events = append(v.Events, web.RunEvent{Seq: e.Seq, At: e.At, State: string(e.State), Kind: e.Kind, Message: redact(e.Message)})
	}
	callbacks, err := a.Runs.RunVerifications(ctx, run.ID)
	if err != nil {
		return err
	}
	for _, k := range callbacks {
		v.Verdicts = append(v.Verdicts, verdict(k, redact))
	}
	records, err := a.Audit.AuditLines(ctx, audit.Filter{RunID: run.ID}, 0, dossierRecords)
	if err != nil {
		return err
	}
	slices.Reverse(records)
	v.Records = rows.Records(records)
	return nil
}

// redactor returns a function that hides the run's callback token in a text: a reader of the dossier could
// use it to send callbacks in the name of the KMS.
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
		Reason: k.Reason, Status: k.Status, Body: rows.Indent([]byte(redact(k.Body)))}
	for _, c := range k.Checks {
		result := web.CheckFailed
		if c.Passed {
			result = web.CheckPassed
		}
		v.Checks = append(v.Checks, web.Check{Name: web.OperationText(strings.ToUpper(c.Name)), Result: result, Detail: c.Detail})
	}
	return v
}
