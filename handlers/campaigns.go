package handlers

import (
	"context"
	"encoding/csv"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/campaign"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/internal/sensitivity"
	"cxseal/web"
)

// CampaignReader reads campaigns; see campaign.Store.
type CampaignReader interface {
	Campaign(ctx context.Context, id string) (campaign.Campaign, error)
	Campaigns(ctx context.Context, before int64, limit int) ([]campaign.Campaign, error)
	CampaignItems(ctx context.Context, id string, after, limit int) ([]campaign.Item, error)
	CampaignOfRun(ctx context.Context, runID string) (string, error)
}

const (
	pickTables    = 300 // tables that the form lists
	previewTables = 100 // tables that a preflight lists
)

// campaigns lists campaigns; with a data store, it offers the form.
func (h *Console) campaigns(c echo.Context) error {
	q := readQuery(c)
	form := web.CampaignForm{Connection: q.text("connection"), DatastoreID: q.text("datastore_id")}
	before := q.seq("before")
	if err := q.err(); err != nil {
		return err
	}
	return h.showCampaigns(c, http.StatusOK, form, before)
}

func (h *Console) showCampaigns(c echo.Context, status int, form web.CampaignForm, before int64) error {
	ctx := c.Request().Context()
	v := web.CampaignsView{Chrome: h.chrome(c, "Campaigns", web.NavCampaigns)}
	list, err := h.cfg.Campaigns.Campaigns(ctx, before, pageRows+1)
	if err != nil {
		return err
	}
	list, v.Pager = onePage(list, cursor{before: before}, "/campaigns", func(c campaign.Campaign) int64 { return c.Seq })
	if v.Pager.Newer != "" {
		v.Pager.Newer = "/campaigns"
	}
	for _, item := range list {
		v.Rows = append(v.Rows, h.campaignRow(item))
	}
	if caller(c).Can(access.PermLaunchRun) {
		if err := h.fillCampaignForm(ctx, &form); err != nil {
			return err
		}
		v.Form = &form
	}
	return h.render(c, status, web.CampaignsPage(v))
}

// fillCampaignForm fills in the choices: data stores, and tables with sensitive
// columns that are not encrypted.
func (h *Console) fillCampaignForm(ctx context.Context, f *web.CampaignForm) error {
	f.Connections = h.connectionOptions()
	if f.Connection == "" && len(f.Connections) == 1 {
		f.Connection = f.Connections[0].Value
	}
	stores, err := h.cfg.Tables.Datastores(ctx, f.Connection)
	if err != nil {
		return err
	}
	for _, d := range stores {
		f.Datastores = append(f.Datastores, web.Option{Value: d.ID, Label: d.Name})
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
	columns, err := h.cfg.Columns.SensitivityColumns(ctx, filter, nil, 1000)
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
func (h *Console) readCampaignForm(post url.Values) (campaign.Request, web.CampaignForm, error) {
	r := campaign.Request{Connection: post.Get("connection"), DatastoreID: post.Get("datastore_id"), Target: campaign.Target(post.Get("target")),
		TableIDs: post["table_id"], MaskIndexes: post.Get("mask_indexes") == "1"}
	f := web.CampaignForm{Connection: r.Connection, DatastoreID: clip(r.DatastoreID), Target: post.Get("target"),
		IntervalDays: strings.TrimSpace(post.Get("interval_days")), MaskIndexes: r.MaskIndexes}
	for _, id := range r.TableIDs {
		f.Tables = append(f.Tables, web.CampaignTable{ID: id})
	}
	var err error
	if r.Connection, err = h.connection(r.Connection); err != nil {
		return r, f, err
	}
	f.Connection = r.Connection
	if f.IntervalDays != "" {
		if r.IntervalDays, err = strconv.Atoi(f.IntervalDays); err != nil || r.IntervalDays < 1 {
			return r, f, fault.New(fault.Invalid, "The rotation interval must be a whole number of days from 1 to %d.", encryption.MaxIntervalDays)
		}
	}
	return r, f, nil
}

// launchCampaign takes the form and leads to the campaign.
func (h *Console) launchCampaign(c echo.Context) error {
	r, f, err := h.readCampaignForm(c.Request().PostForm)
	if err != nil {
		// The service never sees this request, so the attempt is recorded here.
		if rerr := h.recordCampaign(c, r, err); rerr != nil {
			return rerr
		}
		return h.campaignRefused(c, f, err)
	}
	made, err := h.cfg.Campaign.Launch(c.Request().Context(), caller(c), r)
	if err != nil {
		return h.campaignRefused(c, f, err)
	}
	if wantsJSON(c.Request()) {
		c.Response().Header().Set(echo.HeaderLocation, web.CampaignPath(made.ID))
		return h.json(c, http.StatusSeeOther, map[string]string{"campaignId": made.ID})
	}
	return h.redirect(c, web.CampaignPath(made.ID))
}

func (h *Console) recordCampaign(c echo.Context, r campaign.Request, why error) error {
	record := audit.NewRecord(h.cfg.Now(), audit.CampaignChanged, audit.Failure, caller(c).Actor())
	record.Connection, record.DatastoreID, record.Detail = clip(r.Connection), clip(r.DatastoreID), fault.MessageOf(why)
	return h.cfg.Records.AppendRecords(c.Request().Context(), record)
}

// launchCampaignDenied has the service refuse and record a caller who may not.
func (h *Console) launchCampaignDenied(c echo.Context, who access.Caller) error {
	r, _, _ := h.readCampaignForm(c.Request().PostForm)
	_, err := h.cfg.Campaign.Launch(c.Request().Context(), who, r)
	return err
}

func (h *Console) campaignRefused(c echo.Context, f web.CampaignForm, why error) error {
	if fault.CodeOf(why) != fault.Invalid || wantsJSON(c.Request()) {
		return why
	}
	f.Error = fault.MessageOf(why)
	return h.showCampaigns(c, http.StatusUnprocessableEntity, f, 0)
}

// preflightCampaign shows what a campaign would do, with what stands in the way
// grouped, and changes nothing.
func (h *Console) preflightCampaign(c echo.Context) error {
	r, f, err := h.readCampaignForm(c.Request().PostForm)
	if err != nil {
		return h.campaignRefused(c, f, err)
	}
	preview, err := h.cfg.Campaign.Preflight(c.Request().Context(), caller(c), r)
	if err != nil {
		return h.campaignRefused(c, f, err)
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
			p.Items = append(p.Items, h.campaignItem(r.Connection, item.Item))
		}
	}
	p.Blockers = groups.list
	f.Preflight = &p
	return h.showCampaigns(c, http.StatusOK, f, 0)
}

// backToCampaigns leads from the address that a check leaves in the browser
// back to the form.
func (h *Console) backToCampaigns(c echo.Context) error { return h.redirect(c, "/campaigns") }

// groups gathers what stood in the way of tables, by the reason.
type groups struct {
	at   map[string]int
	list []web.BlockerGroup
}

const maxGroups = 40

func (g *groups) add(i campaign.Item) {
	reasons := i.LeftOut
	switch {
	case i.Refused != "":
		reasons = append(reasons[:len(reasons):len(reasons)], i.Refused)
	case i.RunError != "":
		reasons = append(reasons[:len(reasons):len(reasons)], i.RunError)
	}
	for _, reason := range reasons {
		at, known := g.at[reason]
		if !known {
			if len(g.list) == maxGroups {
				continue
			}
			if g.at == nil {
				g.at = map[string]int{}
			}
			at = len(g.list)
			g.at[reason] = at
			g.list = append(g.list, web.BlockerGroup{Reason: reason})
		}
		name := i.TableName
		if name == "" {
			name = i.TableID
		}
		if n := len(g.list[at].Tables); n == 0 || g.list[at].Tables[n-1] != name {
			g.list[at].Tables = append(g.list[at].Tables, name)
		}
	}
}

func (h *Console) campaignRow(c campaign.Campaign) web.CampaignRow {
	p := web.CampaignProgress{Total: c.Progress.Total, Pending: c.Progress.Pending, Open: c.Progress.Open,
		Refused: c.Progress.Refused, Verified: c.Progress.Ended[encryption.Verified]}
	for state, n := range c.Progress.Ended {
		switch state {
		case encryption.Verified:
		case encryption.Cancelled:
			p.Cancelled += n
		default:
			p.Failed += n
		}
	}
	if c.State == campaign.Cancelled { // what was to come never comes
		p.Refused, p.Pending = p.Refused+p.Pending, 0
	}
	return web.CampaignRow{ID: c.ID, DatastoreID: c.DatastoreID, Connection: h.inPath(c.Connection), State: string(c.State),
		RequestedBy: c.RequestedBy.Name, RequestedAt: c.RequestedAt, FinishedAt: c.FinishedAt, Progress: p}
}

// itemOf is one table of a campaign; what a cancelled one never came to says so.
func (h *Console) itemOf(c campaign.Campaign, i campaign.Item) web.CampaignItem {
	item := h.campaignItem(c.Connection, i)
	if c.State == campaign.Cancelled && item.State == "" && item.Refused == "" {
		item.Refused = "The campaign was cancelled before its run was launched."
	}
	return item
}

func (h *Console) campaignItem(connection string, i campaign.Item) web.CampaignItem {
	item := web.CampaignItem{TableName: i.TableName, TableHref: web.TablePath(h.inPath(connection), i.DatastoreID, i.TableID),
		Columns: i.Columns, LeftOut: i.LeftOut, RunID: i.RunID, State: string(i.RunState), Refused: i.Refused}
	if item.TableName == "" {
		item.TableName = i.TableID
	}
	if item.Refused == "" {
		item.Refused = i.RunError
	}
	return item
}

// campaign is one campaign's page.
func (h *Console) campaign(c echo.Context) error {
	q := readQuery(c)
	after := int(q.seq("after"))
	if err := q.err(); err != nil {
		return err
	}
	v, err := h.campaignView(c, after-1)
	if err != nil {
		return err
	}
	v.Chrome = h.chrome(c, "Campaign in "+v.DatastoreID, web.NavCampaigns, web.Link{Text: "Campaigns", Href: "/campaigns"})
	return h.render(c, http.StatusOK, web.CampaignPage(v))
}

// campaignProgress is the moving part of a campaign's page.
func (h *Console) campaignProgress(c echo.Context) error {
	v, err := h.campaignView(c, -1)
	if err != nil {
		return err
	}
	return h.render(c, http.StatusOK, web.CampaignLive(v))
}

func (h *Console) campaignView(c echo.Context, after int) (web.CampaignView, error) {
	ctx := c.Request().Context()
	id, err := param(c, "campaign")
	if err != nil {
		return web.CampaignView{}, err
	}
	found, err := h.cfg.Campaigns.Campaign(ctx, id)
	if err != nil {
		return web.CampaignView{}, err
	}
	v := web.CampaignView{CampaignRow: h.campaignRow(found), Target: string(found.Target), IntervalDays: found.IntervalDays,
		MaskIndexes: found.MaskIndexes, CanSteer: caller(c).Can(access.PermLaunchRun), Reason: found.Reason}
	items, err := h.cfg.Campaigns.CampaignItems(ctx, id, after, pageRows+1)
	if err != nil {
		return v, err
	}
	if after >= 0 {
		v.Pager.Newer = web.CampaignPath(id)
	}
	if len(items) > pageRows {
		items = items[:pageRows]
		v.Pager.Older = withParam(web.CampaignPath(id), "after", strconv.Itoa(items[pageRows-1].Position+1))
	}
	for _, i := range items {
		v.Items = append(v.Items, h.itemOf(found, i))
	}
	if found.Progress.Closed() > found.Progress.Ended[encryption.Verified] {
		v.Blockers, err = h.campaignBlockers(ctx, id)
	}
	return v, err
}

func (h *Console) campaignBlockers(ctx context.Context, id string) ([]web.BlockerGroup, error) {
	var g groups
	err := h.eachItem(ctx, id, func(i campaign.Item) error {
		g.add(i)
		return nil
	})
	return g.list, err
}

func (h *Console) eachItem(ctx context.Context, id string, each func(campaign.Item) error) error {
	for after := -1; ; {
		const page = 1000
		items, err := h.cfg.Campaigns.CampaignItems(ctx, id, after, page)
		if err != nil {
			return err
		}
		for _, i := range items {
			if err := each(i); err != nil {
				return err
			}
		}
		if len(items) < page {
			return nil
		}
		after = items[len(items)-1].Position
	}
}

// steerCampaign pauses, resumes or cancels.
func (h *Console) steerCampaign(do func(*campaign.Service, context.Context, access.Caller, string) error, said string) echo.HandlerFunc {
	return func(c echo.Context) error {
		id, err := param(c, "campaign")
		if err != nil {
			return err
		}
		if err := do(h.cfg.Campaign, c.Request().Context(), caller(c), id); err != nil {
			return err
		}
		h.flash(c, web.ToneSuccess, said)
		return h.redirect(c, web.CampaignPath(id))
	}
}

// campaignCSV is the campaign's tables with what became of them.
func (h *Console) campaignCSV(c echo.Context) error {
	ctx := c.Request().Context()
	id, err := param(c, "campaign")
	if err != nil {
		return err
	}
	found, err := h.cfg.Campaigns.Campaign(ctx, id)
	if err != nil {
		return err
	}
	var b strings.Builder
	out := csv.NewWriter(&b)
	out.UseCRLF = true
	rows := [][]string{{"campaign_id", "connection", "datastore_id", "table_id", "table_name", "columns", "left_out", "run_id", "state", "detail"}}
	err = h.eachItem(ctx, id, func(i campaign.Item) error {
		item := h.itemOf(found, i)
		row := []string{id, found.Connection, i.DatastoreID, i.TableID, i.TableName, strings.Join(i.Columns, ";"), strings.Join(i.LeftOut, " "),
			i.RunID, item.State, item.Refused}
		for n := range row {
			row[n] = disarm(row[n])
		}
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		return err
	}
	if err := out.WriteAll(rows); err != nil {
		return err
	}
	setDownload(c, "campaign-"+id+".csv")
	return h.send(c, http.StatusOK, "text/csv; charset=utf-8; header=present", []byte(b.String()))
}

// disarm keeps a spreadsheet from taking a text for a formula (OWASP).
func disarm(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}
