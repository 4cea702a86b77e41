package runs

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/campaign"
	"cxseal/internal/encryption"
	"cxseal/web"
)

// campaign is one campaign's page.
func (a *Area) campaign(c echo.Context) error {
	q := frame.ReadQuery(c)
	after := int(q.Seq("after"))
	if err := q.Err(); err != nil {
		return err
	}
	v, err := a.campaignView(c, after-1)
	if err != nil {
		return err
	}
	v.Chrome = a.Chrome(c, "Campaign in "+v.DatastoreID, web.NavCampaigns, web.Link{Text: "Campaigns", Href: "/campaigns"})
	return a.Render(c, http.StatusOK, web.CampaignPage(v))
}

// campaignProgress is the moving part of a campaign's page.
func (a *Area) campaignProgress(c echo.Context) error {
	v, err := a.campaignView(c, -1)
	if err != nil {
		return err
	}
	return a.Render(c, http.StatusOK, web.CampaignLive(v))
}

func (a *Area) campaignView(c echo.Context, after int) (web.CampaignView, error) {
	ctx := c.Request().Context()
	id, err := frame.Param(c, "campaign")
	if err != nil {
		return web.CampaignView{}, err
	}
	found, err := a.Campaigns.Campaign(ctx, id)
	if err != nil {
		return web.CampaignView{}, err
	}
	v := web.CampaignView{CampaignRow: a.campaignRow(found), Target: string(found.Target), IntervalDays: found.IntervalDays,
		MaskIndexes: found.MaskIndexes, CanSteer: frame.Caller(c).Can(access.PermLaunchRun),
		CanExport: frame.Caller(c).Can(access.PermExport), Reason: found.Reason, TakenBy: found.TakenBy}
	items, err := a.Campaigns.CampaignItems(ctx, id, after, frame.PageRows+1)
	if err != nil {
		return v, err
	}
	if after >= 0 {
		v.Pager.Newer = web.CampaignPath(id)
	}
	items, v.Pager.Older = frame.Onward(items, web.CampaignPath(id), "after", func(i campaign.Item) string { return strconv.Itoa(i.Position + 1) })
	for _, i := range items {
		v.Items = append(v.Items, a.itemOf(found, i))
	}
	if found.Progress.Closed() > found.Progress.Ended[encryption.Verified] {
		v.Blockers, err = a.campaignBlockers(ctx, id)
	}
	return v, err
}

func (a *Area) campaignBlockers(ctx context.Context, id string) ([]web.BlockerGroup, error) {
	var g groups
	err := a.eachItem(ctx, id, func(i campaign.Item) error {
		g.add(i)
		return nil
	})
	return g.list, err
}

func (a *Area) eachItem(ctx context.Context, id string, each func(campaign.Item) error) error {
	for after := -1; ; {
		const page = 1000
		items, err := a.Campaigns.CampaignItems(ctx, id, after, page)
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

// campaignCSV is the campaign's tables with what became of them.
func (a *Area) campaignCSV(c echo.Context) error {
	ctx := c.Request().Context()
	id, err := frame.Param(c, "campaign")
	if err != nil {
		return err
	}
	found, err := a.Campaigns.Campaign(ctx, id)
	if err != nil {
		return err
	}
	d := frame.Download{What: "Campaign", Filter: "campaign " + id, Type: "text/csv; charset=utf-8; header=present", Name: "campaign-" + id + ".csv"}
	return a.Download(c, d, func(ctx context.Context, w io.Writer) error {
		row := csvRow(nil, "campaign_id", "connection", "datastore_id", "table_id", "table_name", "columns", "left_out", "run_id", "state", "detail")
		if _, err := w.Write(row); err != nil {
			return err
		}
		return a.eachItem(ctx, id, func(i campaign.Item) error {
			item := a.itemOf(found, i)
			row = csvRow(row[:0], id, found.Connection, i.DatastoreID, i.TableID, i.TableName, strings.Join(i.Columns, ";"),
				strings.Join(i.LeftOut, " "), i.RunID, i.StateText(), item.Refused)
			_, err := w.Write(row)
			return err
		})
	})
}

// csvRow appends a row of text cells (RFC 4180).
func csvRow(dst []byte, cells ...string) []byte {
	for i, cell := range cells {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = audit.AppendCSVText(dst, cell)
	}
	return append(dst, "\r\n"...)
}
