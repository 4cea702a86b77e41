package web

import (
	"net/url"
	"time"
)

// SensitivityRequestView is one request for decisions under four eyes.
type SensitivityRequestView struct {
	Chrome
	ID, Connection string
	Decision       string // what was decided about the columns
	Columns        int
	Reason         string
	Effect         string // when it was asked for
	AskedAt        time.Time
	Approval       ApprovalView
	CanWithdraw    bool
	Problem        string       // why it cannot be approved any more; empty when it can
	Effects        []EffectView // what it would do now, while it waits
	Rows           []SensitivityRow
	Pager          Pager // Newer is the beginning, Older the page after
}

// SensitivityRequestPath is the page of one request for decisions.
func SensitivityRequestPath(id string) string { return "/sensitivity/requests/" + url.PathEscape(id) }

func (v SensitivityRequestView) what() string {
	return requestText(v.Decision, v.Columns)
}

// requestText is what a request asks for.
func requestText(decision string, columns int) string {
	what := Plural(columns, "column", "columns")
	if decision == "undecided" {
		return "The decisions about " + what + " taken back"
	}
	return what + " declared " + SensitivityText(decision)
}

func (v SensitivityRequestView) title() string {
	return SensitivityConfirmView{Out: v.Columns}.title()
}

// requestStates are the states of a request for a second person.
var requestStates = vocabulary{
	{"requested", label{"Awaits approval", ToneWarning, "clock"}},
	{"approved", label{"Approved", ToneInfo, "check"}},
	{"used", label{"Approved and done", ToneSuccess, "check"}},
	{"declined", label{"Declined", ToneNone, "x"}},
	{"withdrawn", label{"Taken back", ToneNone, "x"}},
	{"expired", label{"Nobody answered", ToneNone, "clock"}},
}

func requestLabel(state string) label { return requestStates.label(state) }
