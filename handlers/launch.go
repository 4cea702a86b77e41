package handlers

import (
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/web"
)

// launch takes a run form and leads to the run. What is wrong with the form is
// shown on the table's page again, with status 422.
func (h *Console) launch(c echo.Context) error {
	f := readLaunchForm(c.Request().PostForm)
	connection, err := h.connection(f.request.Connection)
	if err == nil {
		f.request.Connection = connection
		err = f.err()
	}
	if err != nil {
		// The service never sees this request, so the attempt is recorded here.
		if rerr := h.recordMalformed(c, f, err); rerr != nil {
			return rerr
		}
		return h.launchRefused(c, f, err)
	}
	run, err := h.cfg.Service.Launch(c.Request().Context(), caller(c), f.request)
	if err != nil {
		return h.launchRefused(c, f, err)
	}
	if wantsJSON(c.Request()) {
		c.Response().Header().Set(echo.HeaderLocation, web.RunPath(run.ID))
		return h.json(c, http.StatusSeeOther, map[string]string{"runId": run.ID})
	}
	return h.redirect(c, web.RunPath(run.ID))
}

// launchDenied has the service refuse and record a caller who may not launch.
func (h *Console) launchDenied(c echo.Context, who access.Caller) error {
	_, err := h.cfg.Service.Launch(c.Request().Context(), who, readLaunchForm(c.Request().PostForm).request)
	return err
}

func (h *Console) recordMalformed(c echo.Context, f launchForm, why error) error {
	r := audit.NewRecord(h.cfg.Now(), audit.RunRequested, audit.Failure, caller(c).Actor())
	r.Connection, r.DatastoreID, r.TableID = clip(f.request.Connection), clip(f.request.DatastoreID), clip(f.request.TableID)
	r.Detail = fault.MessageOf(why)
	return h.cfg.Records.AppendRecords(c.Request().Context(), r)
}

// clip bounds a text that a stranger typed, for the ledger.
func clip(s string) string {
	const most = 256
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// launchRefused shows a form that was refused on its table's page. Where there
// is no such page, or a program asks, it is an error as any other.
func (h *Console) launchRefused(c echo.Context, f launchForm, why error) error {
	if fault.CodeOf(why) != fault.Invalid || wantsJSON(c.Request()) || isHTMX(c.Request()) {
		return why
	}
	connection, err := h.connection(f.request.Connection)
	if err != nil || badID(f.request.DatastoreID) || badID(f.request.TableID) {
		return why
	}
	if f.err() == nil {
		h.placeError(&f, why)
	}
	ref := tableRef{connection, f.request.DatastoreID, f.request.TableID}
	if err := h.showTable(c, ref, http.StatusUnprocessableEntity, f.asForms()); err != nil {
		if fault.CodeOf(err) == fault.Internal {
			return err
		}
		return why // the table cannot be shown: what was wrong with the form comes first
	}
	return nil
}

// placeError puts the service's sentence where a person looks for it.
func (h *Console) placeError(f *launchForm, why error) {
	message := fault.MessageOf(why)
	switch {
	case strings.Contains(message, "olumn"):
		f.shown.Errors["columns"] = message
	case strings.Contains(message, "interval"):
		f.shown.Errors["interval_days"] = message
	case strings.Contains(message, "start"):
		f.shown.Errors["start_at"] = message
	default:
		f.shown.Preflight = &web.PreflightView{Rotation: f.rotation(), Error: message, ErrorCode: string(fault.Invalid)}
	}
}

// preflight checks a run form without changing anything: as a fragment for
// htmx, as the table's whole page without JavaScript.
func (h *Console) preflight(c echo.Context) error {
	ref, err := h.tableRef(c)
	if err != nil {
		return err
	}
	f := readLaunchForm(c.Request().PostForm)
	// The address says which table; the fields of the form are for /runs.
	f.request.Connection, f.request.DatastoreID, f.request.TableID = ref.connection, ref.datastore, ref.table
	view, err := h.check(c, f)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if view.Error != "" {
		status = statusOf[fault.Code(view.ErrorCode)]
		if status == http.StatusBadRequest {
			status = http.StatusUnprocessableEntity
		}
	}
	if isHTMX(c.Request()) {
		return h.render(c, status, web.Preflight(view))
	}
	f.shown.Preflight = &view
	return h.showTable(c, ref, status, f.asForms())
}

// check asks the service for a plan. What stands in the way is part of the
// view; an error is ours.
func (h *Console) check(c echo.Context, f launchForm) (web.PreflightView, error) {
	ctx := c.Request().Context()
	view := web.PreflightView{Rotation: f.rotation(), IntervalDays: f.request.IntervalDays, StartAt: f.request.StartAt}
	if err := f.err(); err != nil {
		view.Error, view.ErrorCode = fault.MessageOf(err), string(fault.Invalid)
		return view, nil
	}
	if len(f.request.Columns) == 0 { // nothing is ticked yet, or any more
		columns, err := h.cfg.Tables.Columns(ctx, f.request.Connection, f.request.DatastoreID, f.request.TableID)
		for _, col := range columns {
			view.Columns = append(view.Columns, web.PreflightColumn{Name: col.Name, Type: col.Type})
		}
		return view, err
	}
	preview, err := h.cfg.Service.Preflight(ctx, caller(c), f.request)
	switch {
	case err != nil && fault.CodeOf(err) == fault.Internal:
		return view, err
	case err != nil:
		view.Error, view.ErrorCode = fault.MessageOf(err), string(fault.CodeOf(err))
		return view, nil
	}
	fillPreflight(&view, preview, f.request.Columns)
	if !f.request.StartAt.After(h.cfg.Now()) {
		view.StartAt = time.Time{} // past: at once
	}
	if preview.WaitsFor != "" {
		view.StartAt, view.WaitsFor = preview.Opens, preview.WaitsFor
	}
	return view, nil
}

func fillPreflight(v *web.PreflightView, preview encryption.Preview, asked []string) {
	plan := preview.Plan
	v.TableName, v.MaxFields, v.Masked, v.Fingerprint = plan.TableName, plan.MaxFields, plan.Masked, plan.Fingerprint
	v.Before, v.After = coverage(plan.Before), coverage(plan.After)
	v.NextRotation, v.Payload = preview.NextRotation, indent(preview.Payload)
	chosen, placed := map[string]bool{}, map[string]bool{}
	for _, name := range asked {
		chosen[name] = true
	}
	place := func(name, columnType string) {
		if placed[name] {
			return
		}
		placed[name] = true
		v.Columns = append(v.Columns, web.PreflightColumn{Name: name, Type: columnType, Chosen: chosen[name],
			Blockers: sentences(plan.BlockersOf(name))})
	}
	for _, col := range plan.Columns {
		place(col.Name, col.Type)
	}
	for _, name := range asked {
		place(name, "")
	}
	v.TableBlockers = sentences(plan.BlockersOf(""))
}

func sentences(blockers []encryption.Blocker) []string {
	var list []string
	for _, b := range blockers {
		list = append(list, b.Message)
	}
	return list
}
