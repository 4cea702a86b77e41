package web

import (
	"slices"
	"strconv"
	"time"
)

// RotationTab is one of the pages about rotations.
type RotationTab struct{ Text, Path string }

var rotationTabs = []RotationTab{
	{"Dates", "/rotations"}, {"Month", "/rotations/month"}, {"Timeline", "/rotations/timeline"},
	{"Policies", "/rotations/policies"}, {"Alarms", "/alarms"}, {"Background jobs", "/jobs"},
}

// FeedView is a person's calendar address.
type FeedView struct {
	Offered bool
	Made    time.Time // zero: there is none
	URL     string    // with its token, just after it was made
}

// MonthView is a month with what is due on each day.
type MonthView struct {
	Chrome
	Month      time.Time // its first day, UTC
	Prev, Next string    // addresses
	Weeks      [][]MonthDay
	Total      int
}

// MonthDay is one cell of the month.
type MonthDay struct {
	Date   time.Time
	Inside bool // belongs to the month
	Today  bool
	Due    int
	Path   string // what is due on that day; empty: nothing
}

// TimelineView counts what is due, week by week.
type TimelineView struct {
	Chrome
	Weeks []TimelineWeek
	Most  int // columns in the fullest week
}

// TimelineWeek is one week, from Monday.
type TimelineWeek struct {
	From   time.Time
	Before bool // everything before From, in one line
	Due    int
	Now    bool // today lies in it
	Passed bool // its dates have passed: nothing newer was seen
	Path   string
}

func (w TimelineWeek) label() string {
	if w.Before {
		return "Due before " + FormatDate(w.From)
	}
	return "Due in the week from " + FormatDate(w.From)
}

// PoliciesView lists rotation policies, with a form for one more.
type PoliciesView struct {
	Chrome
	Rows        []PolicyRow
	Default     string // what holds without a policy
	Connections []Option
	Categories  []Option
	CanManage   bool
	Form        PolicyForm
}

// PolicyRow is one policy.
type PolicyRow struct {
	ID        int64
	Scope     string
	Rule      string
	Window    string
	Openings  []string // the next ones, in the window's zone
	UpdatedAt time.Time
	UpdatedBy string
}

// PolicyForm is a policy as typed, with what was wrong with it, or the next
// openings of its window when it was only to be checked.
type PolicyForm struct {
	Connection, DatastoreID, Category     string
	Strategy, IntervalDays, GraceDays     string
	AutoRotate                            bool
	WindowCron, WindowZone, WindowMinutes string
	Error                                 string
	Openings                              []string
}

// AlarmsView lists alarms with their fate, and the routes they take.
type AlarmsView struct {
	Chrome
	Kind      string
	Kinds     []Option
	Rows      []AlarmRow
	Pager     Pager
	Routes    []RouteRow
	CanManage bool
	Form      RouteForm
}

// AlarmRow is one alarm.
type AlarmRow struct {
	ID          int64
	RaisedAt    time.Time
	Kind        string
	Tone        Tone
	Title       string
	Detail      string
	Connection  string
	DatastoreID string
	TableID     string
	Columns     []string
	RunID       string
	Deliveries  []DeliveryRow
}

// DeliveryRow is what became of an alarm on one route.
type DeliveryRow struct {
	Route    string
	State    string // waiting, sent, failed
	Attempts int
	At       time.Time // sent at, or tried next at
	Error    string
	UnderWay time.Time // since when it is being sent; zero: it is not
	Doubts   int       // attempts of which nobody knows whether they arrived
}

// doubt says that an earlier attempt may have arrived too.
func (d DeliveryRow) doubt() string {
	switch {
	case d.Doubts == 0:
		return ""
	case d.State == "sent":
		return "In doubt, sent again: the console did not learn whether an earlier attempt arrived."
	case d.State == "waiting":
		return "In doubt, to be sent again: the console did not learn whether an earlier attempt arrived."
	}
	return "In doubt: the console did not learn whether it arrived."
}

// RouteRow is one route.
type RouteRow struct {
	ID     int64
	Name   string
	Hint   string
	Kinds  string
	Digest bool
	Test   *DeliveryRow // the newest test
}

// RouteForm is a route as typed. Its address is never shown again.
type RouteForm struct {
	Name, Way string
	Kinds     []string
	Digest    bool
	Error     string
}

// JobsView shows the background jobs.
type JobsView struct {
	Chrome
	Leading bool
	Rows    []JobRow
}

// JobRow is one job.
type JobRow struct {
	Name, Does string
	State      string // running, hangs, failed, fine, waiting
	Every      string
	LastAt     time.Time
	TookMs     int64
	NextAt     time.Time
	Error      string
	Failures   int
}

func jobLabel(state string) label {
	switch state {
	case "running":
		return label{"Running", ToneInfo, "loader"}
	case "hangs":
		return label{"Hangs", ToneDanger, "alert"}
	case "failed":
		return label{"Failed", ToneDanger, "x"}
	case "fine":
		return label{"Fine", ToneSuccess, "check"}
	}
	return label{"Not run yet", ToneNone, "clock"}
}

func deliveryLabel(state string) label {
	switch state {
	case "sent":
		return label{"Sent", ToneSuccess, "check"}
	case "failed":
		return label{"Given up", ToneDanger, "x"}
	}
	return label{"Waiting", ToneInfo, "clock"}
}

var timelinessText = map[string]string{
	"on_time":  "on time",
	"late":     "late",
	"unproven": "nobody looked in between, so it cannot be told whether on time",
}

var seenText = map[string]string{
	"table":    "seen in the table",
	"answer":   "in CXone's answer to a run",
	"callback": "by verified KMS callback",
}

// policyDeletePath is where one policy is deleted, by POST.
func policyDeletePath(id int64) string {
	return "/rotations/policies/" + strconv.FormatInt(id, 10) + "/delete"
}

func routePath(id int64, what string) string {
	return "/alarms/routes/" + strconv.FormatInt(id, 10) + "/" + what
}

// RotationsBetweenPath lists what is due in a
// stretch of days; the last day is not in it. A zero from: from the first on.
func RotationsBetweenPath(from, until time.Time) string {
	first := ""
	if !from.IsZero() {
		first = from.UTC().Format(time.DateOnly)
	}
	return listPath("/rotations", "from", first, "until", until.UTC().Format(time.DateOnly))
}

// FormatPlain is a number for a machine: no grouping.
func FormatPlain(n int) string { return strconv.Itoa(n) }

func (f RouteForm) takes(kind string) bool { return slices.Contains(f.Kinds, kind) }
