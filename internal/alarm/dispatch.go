package alarm

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Dispatch is an alarm's way to people: a delivery for every route that wants
// its kind, tried first when the route sends.
func Dispatch(a Alarm, routes []Route) []Delivery {
	var list []Delivery
	for _, r := range routes {
		if r.Wants(a.Kind) {
			list = append(list, Delivery{MessageID: "msg_" + uuid.NewString(), AlarmID: a.ID, RouteID: r.ID, State: Waiting, NextAt: r.FirstAttempt(a.RaisedAt)})
		}
	}
	return list
}

// NewTest is a test of a route, under way since at. One that nobody has seen
// the end of by giveUp is due again.
func NewTest(routeID int64, at, giveUp time.Time) Delivery {
	message := "msg_test_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	return Delivery{MessageID: message, RouteID: routeID, State: Waiting, Attempts: 1, NextAt: giveUp,
		Message: message, MessageAt: at, SendingSince: at}
}

// WholeMessages takes the message off the end of a list of due deliveries that
// the list's limit may have cut through: a message goes out whole or waits.
// Those of one message stand together. A message was itself made of no more
// than a list holds, so one that fills the list is whole.
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
