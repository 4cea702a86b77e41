package alarm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"cxseal/internal/fault"
)

// When a delivery that failed is tried again, and how often.
const (
	firstBackoff = time.Minute
	maxBackoff   = 6 * time.Hour
	maxAttempts  = 12
)

// backoff is the wait after so many attempts.
func backoff(attempts int) time.Duration {
	wait := firstBackoff
	for range attempts - 1 {
		if wait *= 2; wait >= maxBackoff {
			return maxBackoff
		}
	}
	return wait
}

// Deliver tries every delivery whose time has come, once. One route that is
// out of order does not keep the others waiting for more than its time limit.
//
// What became of an attempt is stored after it. A crash between the two sends
// the message again, under the id it had: receivers of Standard Webhooks and
// of mail know it by that.
func (d *Desk) Deliver(ctx context.Context) error {
	waiting, alarms, err := d.store.DueDeliveries(ctx, d.now(), batch)
	if err != nil || len(waiting) == 0 {
		return err
	}
	routes, err := d.store.AlarmRoutes(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for _, r := range routes {
		for _, group := range groups(r, waiting) {
			failed = append(failed, d.deliver(ctx, r, group, alarms))
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	return errors.Join(failed...)
}

// groups are what goes out as one message: all of a digest, else each alone.
func groups(r Route, waiting []Delivery) (list [][]Delivery) {
	var digest []Delivery
	for _, d := range waiting {
		switch {
		case d.RouteID != r.ID:
		case r.Digest && d.AlarmID != 0:
			digest = append(digest, d)
		default:
			list = append(list, []Delivery{d})
		}
	}
	if len(digest) > 0 {
		list = append(list, digest)
	}
	return list
}

func (d *Desk) deliver(ctx context.Context, r Route, group []Delivery, alarms map[int64]Alarm) error {
	message := Message{ID: group[0].MessageID, At: d.now()}
	if len(group) > 1 {
		sum := sha256.New()
		for _, g := range group {
			sum.Write([]byte(g.MessageID))
		}
		message.ID = "msg_" + hex.EncodeToString(sum.Sum(nil)[:16])
	}
	for _, g := range group {
		if a, ok := alarms[g.AlarmID]; ok {
			message.Alarms = append(message.Alarms, a)
		}
	}
	err := d.attempt(ctx, r, message)
	if ctx.Err() != nil {
		return ctx.Err() // stopping: nothing is known of this attempt
	}
	for i := range group {
		g := &group[i]
		g.Attempts++
		g.Error = ""
		if err == nil {
			g.State, g.SentAt = Sent, d.now()
			continue
		}
		g.Error, g.NextAt = fault.MessageOf(err), d.now().Add(backoff(g.Attempts))
		if g.Attempts >= maxAttempts || g.AlarmID == 0 { // a test is tried once: somebody waits for it
			g.State = Failed
		}
	}
	if err != nil {
		d.logger.WarnContext(ctx, "an alarm was not delivered", "route", r.Name, "attempt", group[0].Attempts, "err", fault.MessageOf(err))
	}
	return d.store.SettleDelivery(ctx, group...)
}

func (d *Desk) attempt(ctx context.Context, r Route, m Message) error {
	raw, err := d.sealer.Open(ctx, r.Sealed, place(r.ID))
	if err != nil {
		return fault.Wrap(err, fault.Internal, "The route's address cannot be unsealed: the sealing key is not the one it was sealed with.")
	}
	a, err := decode(raw)
	if err != nil {
		return err
	}
	return d.send(ctx, a, m)
}
