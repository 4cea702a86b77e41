package alarm

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Dispatch returns a delivery of the alarm for every route that wants its kind, due when the route sends.
func Dispatch(a Alarm, routes []Route) []Delivery {
	var list []Delivery
	for _, r := range routes {
		if r.Wants(a.Kind) {
			list = append(list, Delivery{MessageID: "msg_" + uuid.NewString(), AlarmID: a.ID, RouteID: r.ID,
				State: Waiting, NextAt: r.FirstAttempt(a.RaisedAt)})
		}
	}
	return list
}

// NewTest returns the delivery of a test of a route, under way since at. If its end was not noted by giveUp,
// it is due again.
func NewTest(routeID int64, at, giveUp time.Time) Delivery {
	message := "msg_test_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	return Delivery{MessageID: message, RouteID: routeID, State: Waiting, Attempts: 1, NextAt: giveUp,
		Message: message, MessageAt: at, SendingSince: at}
}

// WholeMessages drops the last message of a list of due deliveries when the list's limit may have cut it in
// two: a message goes out whole or waits. The deliveries of one message stand together, and a message is
// never made of more deliveries than a list holds, so one that fills the list is whole.
func WholeMessages(list []Delivery, limit int) []Delivery {
	if len(list) == 0 || len(list) < limit {
		return list
	}
	last := list[len(list)-1].Message
	if last == "" || list[0].Message == last {
		return list
	}
	first := slices.IndexFunc(list, func(d Delivery) bool { return d.Message == last })
	return list[:first]
}
