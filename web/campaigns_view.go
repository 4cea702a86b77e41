package web

import "time"

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
	Unlisted     []string // names of data stores whose tables could not be listed whole
	Target       string   // "tables" or "sensitive"
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

// CampaignItem is one table of a campaign.
type CampaignItem struct {
	TableName, TableHref string
	Columns, LeftOut     []string
	RunID, State         string
	Refused              string // why no run was launched, or why its run failed
}
