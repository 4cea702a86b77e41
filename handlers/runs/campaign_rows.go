package runs

import (
	"cxseal/internal/campaign"
	"cxseal/internal/encryption"
	"cxseal/web"
)

// groups collects the tables of a campaign by the reason that kept them from being encrypted.
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

func (a *Area) campaignRow(c campaign.Campaign) web.CampaignRow {
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
	return web.CampaignRow{ID: c.ID, DatastoreID: c.DatastoreID, Connection: a.InPath(c.Connection), State: string(c.State),
		RequestedBy: c.RequestedBy.Name, RequestedAt: c.RequestedAt, FinishedAt: c.FinishedAt, Progress: p}
}

// itemOf returns one table of a campaign. A table whose run was not launched before the campaign was cancelled
// says so.
func (a *Area) itemOf(c campaign.Campaign, i campaign.Item) web.CampaignItem {
	item := a.campaignItem(c.Connection, i)
	if c.State == campaign.Cancelled && item.State == "" && item.Refused == "" {
		item.Refused = "The campaign was cancelled before its run was launched."
	}
	return item
}

func (a *Area) campaignItem(connection string, i campaign.Item) web.CampaignItem {
	item := web.CampaignItem{TableName: i.TableName, TableHref: web.TablePath(a.InPath(connection), i.DatastoreID, i.TableID),
		Columns: i.Columns, LeftOut: i.LeftOut, RunID: i.RunID, State: string(i.RunState), Refused: i.Refused}
	if item.TableName == "" {
		item.TableName = i.TableID
	}
	if item.Refused == "" {
		item.Refused = i.RunError
	}
	return item
}
