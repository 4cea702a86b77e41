package web

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// CampaignsView lists campaigns, and offers the form for a new one.
type CampaignsView struct {
	Chrome
	Rows  []CampaignRow
	Pager Pager
	Form  *CampaignForm // nil: the caller may not launch
}

// CampaignRow is one campaign in the list.
type CampaignRow struct {
	ID, DatastoreID, Connection string // the connection is empty where there is only one
	State                       string
	RequestedBy                 string
	RequestedAt, FinishedAt     time.Time
	Progress                    CampaignProgress
}

// CampaignProgress counts a campaign's tables.
type CampaignProgress struct {
	Total, Pending, Open, Verified, Refused, Cancelled, Failed int // Failed: ended otherwise without being verified
}

// Closed is how many tables are through.
func (p CampaignProgress) Closed() int { return p.Total - p.Pending - p.Open }

// CampaignForm is the form for a new campaign (contract §3), as typed.
type CampaignForm struct {
	Connections  []Option
	Connection   string
	Datastores   []Option
	DatastoreID  string
	Target       string // "tables" or "sensitive"
	Tables       []CampaignTable
	More         int // tables with open columns that are not listed
	IntervalDays string
	MaskIndexes  bool
	Error        string
	Preflight    *CampaignPreflight // nil: not checked yet
}

// CampaignTable is a table that can be chosen.
type CampaignTable struct {
	ID, Name string
	Open     int // sensitive columns that are not encrypted
	Chosen   bool
}

// CampaignPreflight is what a campaign would do.
type CampaignPreflight struct {
	Tables, Columns int
	Live            int // tables that were read for it
	Blockers        []BlockerGroup
	Items           []CampaignItem // the first of them
}

// BlockerGroup is one thing that stands in the way, with where.
type BlockerGroup struct {
	Reason string
	Tables []string
}

// shownTables is how many tables a reason names.
const shownTables = 8

// where names the tables, the first few of many.
func (g BlockerGroup) where() string {
	if len(g.Tables) <= shownTables {
		return JoinNames(g.Tables)
	}
	return strings.Join(g.Tables[:shownTables], ", ") + " and " + FormatNumber(int64(len(g.Tables)-shownTables)) + " more"
}

// CampaignItem is one table of a campaign.
type CampaignItem struct {
	TableName, TableHref string
	Columns, LeftOut     []string
	RunID, State         string
	Refused              string // why no run was launched, or why its run failed
}

// CampaignView is one campaign.
type CampaignView struct {
	Chrome
	CampaignRow
	Target       string
	IntervalDays int
	MaskIndexes  bool
	Reason       string // why it is paused by itself
	Blockers     []BlockerGroup
	Items        []CampaignItem
	Pager        Pager
	CanSteer     bool
}

// Live reports whether the campaign may still move.
func (v CampaignView) Live() bool { return v.State == "running" || v.Progress.Open > 0 }

// CampaignPath is one campaign's page.
func CampaignPath(id string) string { return "/campaigns/" + url.PathEscape(id) }

func (r CampaignRow) action(what string) string { return CampaignPath(r.ID) + "/" + what }

func campaignLabel(state string) label {
	switch state {
	case "running":
		return label{"Running", ToneInfo, "loader"}
	case "paused":
		return label{"Paused", ToneWarning, "clock"}
	case "done":
		return label{"Ended", ToneSuccess, "check"}
	case "cancelled":
		return label{"Cancelled", ToneNone, "ban"}
	}
	return label{state, ToneNone, "circle"}
}

func (i CampaignItem) label() label {
	switch {
	case i.State != "":
		return stateLabel(i.State)
	case i.Refused != "":
		return label{"Not launched", ToneWarning, "ban"}
	}
	return label{"To come", ToneNone, "clock"}
}

func (p CampaignProgress) text() string {
	text := FormatNumber(int64(p.Closed())) + " of " + Plural(p.Total, "table", "tables")
	for _, part := range []struct {
		n    int
		word string
	}{{p.Verified, "verified"}, {p.Open, "at work"}, {p.Failed, "failed or not confirmed"}, {p.Cancelled, "cancelled"}, {p.Refused, "not launched"}} {
		if part.n > 0 {
			text += ", " + FormatNumber(int64(part.n)) + " " + part.word
		}
	}
	return text
}

func (p CampaignProgress) max() string   { return strconv.Itoa(max(1, p.Total)) }
func (p CampaignProgress) value() string { return strconv.Itoa(p.Closed()) }
