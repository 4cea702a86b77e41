package runs

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/internal/access"
	"cxseal/internal/campaign"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/internal/sensitivity"
	"cxseal/web"
)

const (
	pickTables    = 300 // tables that the form lists
	previewTables = 100 // tables that a preflight lists
)

// campaigns lists campaigns; with a data store, it offers the form.
func (a *Area) campaigns(c echo.Context) error {
	q := frame.ReadQuery(c)
	form := web.CampaignForm{Connection: q.Text("connection"), DatastoreID: q.Text("datastore_id")}
	before := q.Seq("before")
	if err := q.Err(); err != nil {
		return err
	}
	return a.showCampaigns(c, http.StatusOK, form, before)
}

func (a *Area) showCampaigns(c echo.Context, status int, form web.CampaignForm, before int64) error {
	ctx := c.Request().Context()
	v := web.CampaignsView{Chrome: a.Chrome(c, "Campaigns", web.NavCampaigns)}
	list, err := a.Campaigns.Campaigns(ctx, before, frame.PageRows+1)
	if err != nil {
		return err
	}
	list, v.Pager = frame.OnePage(list, frame.Cursor{Before: before}, "/campaigns", func(c campaign.Campaign) int64 { return c.Seq })
	if v.Pager.Newer != "" {
		v.Pager.Newer = "/campaigns"
	}
	for _, item := range list {
		v.Rows = append(v.Rows, a.campaignRow(item))
	}
	if frame.Caller(c).Can(access.PermLaunchRun) {
		if err := a.fillCampaignForm(ctx, &form); err != nil {
			return err
		}
		v.Form = &form
	}
	return a.Render(c, status, web.CampaignsPage(v))
}

// fillCampaignForm fills in the choices: data stores, and tables with sensitive
// columns that are not encrypted.
func (a *Area) fillCampaignForm(ctx context.Context, f *web.CampaignForm) error {
	f.Connections = a.ConnectionOptions()
	if f.Connection == "" && len(f.Connections) == 1 {
		f.Connection = f.Connections[0].Value
	}
	stores, err := a.Tables.Datastores(ctx, f.Connection)
	if err != nil {
		return err
	}
	for _, d := range stores {
		f.Datastores = append(f.Datastores, web.Option{Value: d.ID, Label: d.Name})
		if d.ListError != "" && (f.DatastoreID == "" || d.ID == f.DatastoreID) {
			f.Unlisted = append(f.Unlisted, d.Name)
		}
	}
	if f.DatastoreID == "" {
		return nil
	}
	chosen := map[string]bool{}
	for _, t := range f.Tables {
		chosen[t.ID] = true
	}
	f.Tables = nil
	no := false
	filter := sensitivity.Filter{Connection: f.Connection, DatastoreID: f.DatastoreID, State: sensitivity.Sensitive, Encrypted: &no}
	columns, err := a.Columns.SensitivityColumns(ctx, filter, nil, 1000)
	for _, col := range columns {
		if n := len(f.Tables); n > 0 && f.Tables[n-1].ID == col.TableID {
			f.Tables[n-1].Open++
		} else {
			f.Tables = append(f.Tables, web.CampaignTable{ID: col.TableID, Name: col.TableName, Open: 1, Chosen: chosen[col.TableID]})
		}
	}
	if len(f.Tables) > pickTables {
		f.More, f.Tables = len(f.Tables)-pickTables, f.Tables[:pickTables]
	}
	return err
}

// readCampaignForm reads the fields of contract §3.
func (a *Area) readCampaignForm(post url.Values) (campaign.Request, web.CampaignForm, error) {
	r := campaign.Request{Connection: post.Get("connection"), DatastoreID: post.Get("datastore_id"), Target: campaign.Target(post.Get("target")),
		TableIDs: post["table_id"]}
	var wrong error
	r.MaskIndexes, wrong = frame.Ticked(post, "mask_indexes")
	f := web.CampaignForm{Connection: r.Connection, DatastoreID: frame.Clip(r.DatastoreID), Target: post.Get("target"),
		IntervalDays: strings.TrimSpace(post.Get("interval_days")), MaskIndexes: r.MaskIndexes}
	for _, id := range r.TableIDs {
		f.Tables = append(f.Tables, web.CampaignTable{ID: id})
	}
	var err error
	if r.Connection, err = a.Connection(r.Connection); err != nil {
		return r, f, err
	}
	f.Connection = r.Connection
	if f.IntervalDays != "" {
		if r.IntervalDays, err = strconv.Atoi(f.IntervalDays); err != nil || r.IntervalDays < 1 {
			return r, f, fault.New(fault.Invalid, "The rotation interval must be a whole number of days from 1 to %d.", encryption.MaxIntervalDays)
		}
	}
	return r, f, wrong
}

// launchCampaign takes the form and leads to the campaign.
func (a *Area) launchCampaign(c echo.Context) error {
	r, f, err := a.readCampaignForm(c.Request().PostForm)
	if err != nil {
		// Launch never sees this request, so the attempt is recorded here.
		return a.campaignRefused(c, f, a.Campaigner.Refuse(c.Request().Context(), frame.Caller(c), r, err))
	}
	made, err := a.Campaigner.Launch(c.Request().Context(), frame.Caller(c), r)
	if err != nil {
		return a.campaignRefused(c, f, err)
	}
	if frame.WantsJSON(c.Request()) {
		c.Response().Header().Set(echo.HeaderLocation, web.CampaignPath(made.ID))
		return a.JSON(c, http.StatusSeeOther, map[string]string{"campaignId": made.ID})
	}
	return a.Redirect(c, web.CampaignPath(made.ID))
}

// launchCampaignDenied has the service record a caller who may not launch.
func (a *Area) launchCampaignDenied(c echo.Context, who access.Caller, why error) error {
	r, _, _ := a.readCampaignForm(c.Request().PostForm) // a form that is malformed is denied too
	return a.Campaigner.Refuse(c.Request().Context(), who, r, why)
}

func (a *Area) campaignRefused(c echo.Context, f web.CampaignForm, why error) error {
	if fault.CodeOf(why) != fault.Invalid || frame.WantsJSON(c.Request()) {
		return why
	}
	f.Error = fault.MessageOf(why)
	return a.showCampaigns(c, http.StatusUnprocessableEntity, f, 0)
}

// preflightCampaign shows what a campaign would do, with what stands in the way
// grouped, and changes nothing.
func (a *Area) preflightCampaign(c echo.Context) error {
	r, f, err := a.readCampaignForm(c.Request().PostForm)
	if err != nil {
		return a.campaignRefused(c, f, err)
	}
	preview, err := a.Campaigner.Preflight(c.Request().Context(), frame.Caller(c), r)
	if err != nil {
		return a.campaignRefused(c, f, err)
	}
	p := web.CampaignPreflight{Live: preview.Live}
	var groups groups
	for i, item := range preview.Items {
		if item.Refused == "" {
			p.Tables++
			p.Columns += len(item.Columns)
		}
		groups.add(item.Item)
		if i < previewTables {
			p.Items = append(p.Items, a.campaignItem(r.Connection, item.Item))
		}
	}
	p.Blockers = groups.list
	f.Preflight = &p
	return a.showCampaigns(c, http.StatusOK, f, 0)
}

// backToCampaigns leads from the address that a check leaves in the browser
// back to the form.
func (a *Area) backToCampaigns(c echo.Context) error { return a.Redirect(c, "/campaigns") }
