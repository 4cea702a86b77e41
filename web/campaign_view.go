package web

// CampaignView is one campaign.
type CampaignView struct {
	Chrome
	CampaignRow
	Target       string
	IntervalDays int
	MaskIndexes  bool
	TakenBy      string // who took it over from its requester
	Reason       string // why it is paused by itself
	Blockers     []BlockerGroup
	Items        []CampaignItem
	Pager        Pager
	CanSteer     bool // may pause, resume and cancel
	CanExport    bool
}

// Live reports whether the campaign may still move.
func (v CampaignView) Live() bool { return v.State == "running" || v.Progress.Open > 0 }

func (r CampaignRow) action(what string) string { return CampaignPath(r.ID) + "/" + what }
