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

// Deliver tries every delivery whose time has come, once, one message after
// the other.
//
// Each message is noted as under way before it leaves, and what became of it
// right after. A crash between the two leaves one message, or none, of which
// nobody knows whether it arrived. It goes out again as it was: receivers of
// Standard Webhooks and of mail know it by its id.
func (d *Desk) Deliver(ctx context.Context) error {
	d.delivering.Lock()
	defer d.delivering.Unlock()
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

// groups are what goes out as one message: what did so before, all that is new
// of a digest, else each alone.
func groups(r Route, waiting []Delivery) (list [][]Delivery) {
	var digest []Delivery
	begun := map[string]int{} // message: place in list
	for _, d := range waiting {
		at, again := begun[d.Message]
		switch {
		case d.RouteID != r.ID:
		case again:
			list[at] = append(list[at], d)
		case r.Digest && d.AlarmID != 0 && d.Message == "":
			digest = append(digest, d)
		default:
			if d.Message != "" {
				begun[d.Message] = len(list)
			}
			list = append(list, []Delivery{d})
		}
	}
	if len(digest) > 0 {
		list = append(list, digest)
	}
	return list
}

// deliver makes one attempt for a group. Nothing leaves before the database
// has that it is under way.
func (d *Desk) deliver(ctx context.Context, r Route, group []Delivery, alarms map[int64]Alarm) error {
	if group[0].AlarmID == 0 {
		return d.giveUpTest(ctx, group[0])
	}
	message := d.message(group, alarms)
	for i := range group {
		group[i].begin(message)
		message.Repeated = message.Repeated || group[i].Doubts > 0
	}
	err := d.store.BeginDelivery(ctx, group...)
	if fault.CodeOf(err) == fault.Conflict {
		return nil // the route was deleted meanwhile, or somebody else is at it
	}
	if err != nil {
		return err
	}
	return d.send(ctx, r, group, message)
}

// message is the group's, the same at every attempt but for the attempt's time.
func (d *Desk) message(group []Delivery, alarms map[int64]Alarm) Message {
	now := d.now()
	m := Message{ID: group[0].Message, At: group[0].MessageAt, Attempt: now}
	if m.ID == "" {
		m.ID, m.At = group[0].MessageID, now.UTC().Truncate(time.Microsecond) // as it is stored
		if len(group) > 1 {
			sum := sha256.New()
			for _, g := range group {
				sum.Write([]byte(g.MessageID))
			}
			m.ID = "msg_" + hex.EncodeToString(sum.Sum(nil)[:16])
		}
	}
	for _, g := range group {
		if a, ok := alarms[g.AlarmID]; ok {
			m.Alarms = append(m.Alarms, a)
		}
	}
	return m
}

// giveUpTest ends a test that was never seen to end. Who asked for it has gone,
// and it would only puzzle whoever gets it now.
func (d *Desk) giveUpTest(ctx context.Context, test Delivery) error {
	test.State, test.Doubts = Failed, test.Doubts+1
	test.Error = "It is not known whether this test arrived: it was broken off. Send another."
	return d.store.SettleDelivery(ctx, test)
}

// send sends what was noted as under way, and notes what became of it.
func (d *Desk) send(ctx context.Context, r Route, group []Delivery, message Message) error {
	sending, done := lingering(ctx)
	defer done()
	err := d.attempt(sending, r, message)
	if err != nil && sending.Err() != nil {
		return ctx.Err() // broken off: nothing is known of this attempt, and the database says so
	}
	for i := range group {
		g := &group[i]
		g.Error = ""
		if err == nil {
			g.State, g.SentAt = Sent, d.now()
			continue
		}
		if errors.Is(err, errSilent) {
			g.Doubts++
		}
		g.Error, g.NextAt = fault.MessageOf(err), d.now().Add(backoff(g.Attempts))
		if g.Attempts >= maxAttempts || g.AlarmID == 0 { // a test is tried once: somebody waits for it
			g.State = Failed
		}
	}
	if err != nil {
		d.logger.WarnContext(ctx, "an alarm was not delivered", "route", r.Name, "attempt", group[0].Attempts, "err", fault.MessageOf(err))
	}
	// What is known by now is kept, though the console may be told to stop.
	return d.store.SettleDelivery(context.WithoutCancel(ctx), group...)
}

// lastWord is how long an attempt that is under way may take when the console
// is told to stop: less than the scheduler's grace.
const lastWord = 3 * time.Second

// lingering is ctx, done a little later.
func lingering(ctx context.Context) (context.Context, context.CancelFunc) {
	later, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(lastWord, cancel) })
	return later, func() { stop(); cancel() }
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
	return Send(ctx, a, m)
}
