package web

import (
	"strconv"
	"strings"
)

// campaignStates is the vocabulary of the states of a campaign.
var campaignStates = vocabulary{
	{"running", label{"Running", ToneInfo, "loader"}},
	{"paused", label{"Paused", ToneWarning, "clock"}},
	{"done", label{"Ended", ToneSuccess, "check"}},
	{"cancelled", label{"Cancelled", ToneNone, "ban"}},
}

// withoutRun is where a campaign's table stands that has no run.
var withoutRun = vocabulary{
	{"not_launched", label{"Not launched", ToneWarning, "ban"}},
	{"to_come", label{"To come", ToneNone, "clock"}},
}

func campaignLabel(state string) label { return campaignStates.label(state) }

func (i CampaignItem) label() label {
	switch {
	case i.State != "":
		return stateLabel(i.State)
	case i.Refused != "":
		return withoutRun.label("not_launched")
	}
	return withoutRun.label("to_come")
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

func (p CampaignProgress) max() string { return strconv.Itoa(max(1, p.Total)) }

func (p CampaignProgress) value() string { return strconv.Itoa(p.Closed()) }

// shownTables is how many tables a reason names.
const shownTables = 8

// where names the tables, the first few of many.
func (g BlockerGroup) where() string {
	if len(g.Tables) <= shownTables {
		return JoinNames(g.Tables)
	}
	return strings.Join(g.Tables[:shownTables], ", ") + " and " + FormatNumber(int64(len(g.Tables)-shownTables)) + " more"
}
