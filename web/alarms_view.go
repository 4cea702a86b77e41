package web

import (
	"slices"
	"time"
)

// AlarmsView lists alarms with their deliveries, and the routes.
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

// doubt returns the sentence that an earlier attempt may have arrived too, empty when none may.
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

// deliveryStates is the vocabulary of the states of a delivery.
var deliveryStates = vocabulary{
	{"waiting", label{"Waiting", ToneInfo, "clock"}},
	{"sent", label{"Sent", ToneSuccess, "check"}},
	{"failed", label{"Given up", ToneDanger, "x"}},
}

func deliveryLabel(state string) label { return deliveryStates.label(state) }

// wayOptions are the choices of a route's protocol.
var wayOptions = []Option{{"email", "Email by SMTP"}, {"webhook", "Signed webhook"}, {"service", "Chat or push service (shoutrrr)"}}

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

func (f RouteForm) takes(kind string) bool { return slices.Contains(f.Kinds, kind) }
