package tables

import (
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/handlers/rows"
	"cxseal/internal/access"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/web"
)

// launch takes a run form and leads to the run. What is wrong with the form is
// shown on the table's page again, with status 422.
func (a *Area) launch(c echo.Context) error {
	f := readLaunchForm(c.Request().PostForm)
	connection, err := a.Connection(f.request.Connection)
	if err == nil {
		f.request.Connection = connection
		err = f.err()
	}
	if err != nil {
		// Launch never sees this request, so the attempt is recorded here.
		return a.launchRefused(c, f, a.Launcher.Refuse(c.Request().Context(), frame.Caller(c), f.request, err))
	}
	run, err := a.Launcher.Launch(c.Request().Context(), frame.Caller(c), f.request)
	if err != nil {
		return a.launchRefused(c, f, err)
	}
	if frame.WantsJSON(c.Request()) {
		c.Response().Header().Set(echo.HeaderLocation, web.RunPath(run.ID))
		return a.JSON(c, http.StatusSeeOther, map[string]string{"runId": run.ID})
	}
	return a.Redirect(c, web.RunPath(run.ID))
}

// launchDenied records the refusal of a caller who may not launch.
func (a *Area) launchDenied(c echo.Context, who access.Caller, why error) error {
	return a.Launcher.Refuse(c.Request().Context(), who, readLaunchForm(c.Request().PostForm).request, why)
}

// launchRefused shows a form that was refused on its table's page. Where there
// is no such page, or a program asks, it is an error as any other.
func (a *Area) launchRefused(c echo.Context, f launchForm, why error) error {
	if fault.CodeOf(why) != fault.Invalid || frame.WantsJSON(c.Request()) || frame.IsHTMX(c.Request()) {
		return why
	}
	connection, err := a.Connection(f.request.Connection)
	if err != nil || badID(f.request.DatastoreID) || badID(f.request.TableID) {
		return why
	}
	if f.err() == nil {
		placeError(&f, why)
	} else if why := f.shown.Errors["mask_indexes"]; why != "" {
		showAbove(&f, why) // a tick box has no wrong value to stand beside
	}
	ref := tableRef{connection, f.request.DatastoreID, f.request.TableID}
	if err := a.showTable(c, ref, http.StatusUnprocessableEntity, f.asForms()); err != nil {
		if fault.CodeOf(err) == fault.Internal {
			return err
		}
		return why // the table cannot be shown: what was wrong with the form comes first
	}
	return nil
}

// placeError puts the service's sentence beside the field that it is about.
func placeError(f *launchForm, why error) {
	message := fault.MessageOf(why)
	switch {
	case strings.Contains(message, "olumn"):
		f.shown.Errors["columns"] = message
	case strings.Contains(message, "interval"):
		f.shown.Errors["interval_days"] = message
	case strings.Contains(message, "start"):
		f.shown.Errors["start_at"] = message
	default:
		showAbove(f, message)
	}
}

// showAbove puts a sentence where the form's check would stand.
func showAbove(f *launchForm, message string) {
	f.shown.Preflight = &web.PreflightView{Rotation: f.rotation(), Error: message, ErrorCode: string(fault.Invalid)}
}

// preflight checks a run form without changing anything: as a fragment for
// htmx, as the table's whole page without JavaScript.
func (a *Area) preflight(c echo.Context) error {
	ref, err := a.tableRef(c)
	if err != nil {
		return err
	}
	f := readLaunchForm(c.Request().PostForm)
	// The address says which table; the fields of the form are for /runs.
	f.request.Connection, f.request.DatastoreID, f.request.TableID = ref.connection, ref.datastore, ref.table
	view, err := a.check(c, f)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if view.Error != "" {
		status = frame.StatusOf(fault.Code(view.ErrorCode))
		if status == http.StatusBadRequest {
			status = http.StatusUnprocessableEntity
		}
	}
	if frame.IsHTMX(c.Request()) {
		return a.Render(c, status, web.Preflight(view))
	}
	f.shown.Preflight = &view
	return a.showTable(c, ref, status, f.asForms())
}

// check asks the service for a plan. What stands in the way is part of the
// view; an error is ours.
func (a *Area) check(c echo.Context, f launchForm) (web.PreflightView, error) {
	ctx := c.Request().Context()
	view := web.PreflightView{Rotation: f.rotation(), IntervalDays: f.request.IntervalDays, StartAt: f.request.StartAt}
	if err := f.err(); err != nil {
		view.Error, view.ErrorCode = fault.MessageOf(err), string(fault.Invalid)
		return view, nil
	}
	if len(f.request.Columns) == 0 { // nothing is ticked yet, or any more
		columns, err := a.Tables.Columns(ctx, f.request.Connection, f.request.DatastoreID, f.request.TableID)
		for _, col := range columns {
			view.Columns = append(view.Columns, web.PreflightColumn{Name: col.Name, Type: col.Type})
		}
		return view, err
	}
	preview, err := a.Launcher.Preflight(ctx, frame.Caller(c), f.request)
	switch {
	case err != nil && fault.CodeOf(err) == fault.Internal:
		return view, err
	case err != nil:
		view.Error, view.ErrorCode = fault.MessageOf(err), string(fault.CodeOf(err))
		return view, nil
	}
	fillPreflight(&view, preview, f.request.Columns)
	if !f.request.StartAt.After(a.Now()) {
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
	v.Before, v.After = rows.Coverage(plan.Before), rows.Coverage(plan.After)
	v.NextRotation, v.Payload = preview.NextRotation, rows.Indent(preview.Payload)
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
