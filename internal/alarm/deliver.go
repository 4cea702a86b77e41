package alarm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"sync"
	"time"

	"cxseal/internal/fault"
)

// When a delivery that failed is tried again, and how often.
const (
	firstBackoff = time.Minute
	maxBackoff   = 6 * time.Hour
	maxAttempts  = 12
)

// backoff returns how long to wait after the given number of attempts, from 1.
func backoff(attempts int) time.Duration {
	wait := firstBackoff
	for range attempts - 1 {
		if wait *= 2; wait >= maxBackoff {
			return maxBackoff
		}
	}
	return wait
}

// Deliver tries what is due. Routes deliver side by side, each one message after the other, the oldest critical one
// first: one that is dead keeps nothing from the others. A route whose attempt failed is left alone for a while.
//
// Each message is noted as under way before it is sent, and its outcome right after. After a crash between the
// two it is not known whether that message arrived, so it is sent again unchanged: receivers of Standard
// Webhooks and of mail recognise it by its id.
func (s *Service) Deliver(ctx context.Context) error {
	s.delivering.Lock()
	defer s.delivering.Unlock()
	routes, err := s.store.AlarmRoutes(ctx)
	if err != nil {
		return err
	}
	failed := make([]error, len(routes))
	var wait sync.WaitGroup
	for i, r := range routes {
		if s.isQuiet(r.ID) {
			continue
		}
		wait.Go(func() { failed[i] = s.deliverRoute(ctx, r) })
	}
	wait.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.Join(failed...)
}

// quiet says until when a route is left alone after failed attempts.
type quiet struct {
	failures int
	until    time.Time
}

func (s *Service) isQuiet(route int64) bool {
	s.quietMu.Lock()
	defer s.quietMu.Unlock()
	return s.quiet[route].until.After(s.now())
}

const (
	firstQuiet = 10 * time.Second
	maxQuiet   = 5 * time.Minute
)

// deliverRoute tries what is due on one route, until an attempt fails.
func (s *Service) deliverRoute(ctx context.Context, r Route) error {
	waiting, alarms, err := s.store.DueDeliveries(ctx, r.ID, s.now(), batch)
	if err != nil {
		return err
	}
	list := groups(r, waiting)
	slices.SortStableFunc(list, func(a, b []Delivery) int { return urgency(a, alarms).compare(urgency(b, alarms)) })
	for _, group := range list {
		arrived, err := s.deliver(ctx, r, group, alarms)
		if err != nil || ctx.Err() != nil {
			return err
		}
		s.note(r.ID, arrived)
		if !arrived {
			return nil
		}
	}
	return nil
}

// note keeps how an attempt on the route went.
func (s *Service) note(route int64, arrived bool) {
	s.quietMu.Lock()
	defer s.quietMu.Unlock()
	if arrived {
		delete(s.quiet, route)
		return
	}
	q := s.quiet[route]
	q.until = s.now().Add(min(maxQuiet, firstQuiet<<min(q.failures, 10)))
	q.failures++
	s.quiet[route] = q
}

// urgent is what the messages of a route are ordered by.
type urgent struct {
	critical bool
	raised   time.Time
}

func (u urgent) compare(v urgent) int {
	if u.critical != v.critical {
		if u.critical {
			return -1
		}
		return 1
	}
	return u.raised.Compare(v.raised)
}

// urgency is that of the message's most urgent alarm.
func urgency(group []Delivery, alarms map[int64]Alarm) (most urgent) {
	for i, d := range group {
		a := alarms[d.AlarmID]
		if u := (urgent{a.Severity == Critical, a.RaisedAt}); i == 0 || u.compare(most) < 0 {
			most = u
		}
	}
	return most
}

// groups splits the waiting deliveries of a route into messages: those that went out together before stay
// together, the new ones of a digest form one message, and every other is a message of its own.
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

// deliver makes one attempt for a group, after the database has noted that it is under way. arrived is false where the
// attempt failed.
func (s *Service) deliver(ctx context.Context, r Route, group []Delivery, alarms map[int64]Alarm) (arrived bool, err error) {
	if group[0].AlarmID == 0 {
		return true, s.giveUpTest(ctx, group[0])
	}
	message := s.message(group, alarms)
	for i := range group {
		group[i].begin(message)
		message.Repeated = message.Repeated || group[i].Doubts > 0
	}
	err = s.store.BeginDelivery(ctx, group...)
	if fault.CodeOf(err) == fault.Conflict {
		return true, nil // the route was deleted meanwhile, or another round delivers it
	}
	if err != nil {
		return false, err
	}
	err = s.send(ctx, r, group, message)
	return group[0].State == Sent, err
}

// message returns the message of a group: the same at every attempt except for the attempt's time.
func (s *Service) message(group []Delivery, alarms map[int64]Alarm) Message {
	now := s.now()
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

// giveUpTest ends a test whose end was not noted. It is not sent again: the person who asked for it no longer
// waits, and a late test would confuse its receivers.
func (s *Service) giveUpTest(ctx context.Context, test Delivery) error {
	test.State, test.Doubts = Failed, test.Doubts+1
	test.Error = "It is not known whether this test arrived: it was broken off. Send another."
	return s.store.SettleDelivery(ctx, test)
}

// send sends a message that was noted as under way, and notes the outcome.
func (s *Service) send(ctx context.Context, r Route, group []Delivery, message Message) error {
	sending, done := lingering(ctx)
	defer done()
	err := s.attempt(sending, r, message)
	if err != nil && sending.Err() != nil {
		return ctx.Err() // broken off: nothing is known of this attempt, and the database says so
	}
	for i := range group {
		g := &group[i]
		g.Error = ""
		if err == nil {
			g.State, g.SentAt = Sent, s.now()
			continue
		}
		if errors.Is(err, errSilent) {
			g.Doubts++
		}
		g.Error, g.NextAt = fault.MessageOf(err), s.now().Add(backoff(g.Attempts))
		if g.Attempts >= maxAttempts || g.AlarmID == 0 { // a test is tried once: somebody waits for it
			g.State = Failed
		}
	}
	if err != nil {
		s.logger.WarnContext(ctx, "an alarm was not delivered", "route", r.Name, "attempt", group[0].Attempts,
			"err", fault.MessageOf(err))
	}
	// The outcome is kept even if the console is told to stop meanwhile.
	return s.store.SettleDelivery(context.WithoutCancel(ctx), group...)
}

// stopGrace is how long an attempt that is under way may take after the console was told to stop: less than the
// scheduler's grace.
const stopGrace = 3 * time.Second

// lingering returns a context that ends stopGrace after ctx.
func lingering(ctx context.Context) (context.Context, context.CancelFunc) {
	later, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(stopGrace, cancel) })
	return later, func() { stop(); cancel() }
}

func (s *Service) attempt(ctx context.Context, r Route, m Message) error {
	raw, err := s.sealer.Open(ctx, r.Sealed, place(r.ID))
	if err != nil {
		return fault.Wrap(err, fault.Internal,
			"The route's address cannot be unsealed: the sealing key is not the one it was sealed with.")
	}
	a, err := decode(raw)
	if err != nil {
		return err
	}
	return Send(ctx, a, m)
}
