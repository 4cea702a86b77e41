package alarm

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
	"cxseal/internal/seal"
)

// Store is what alarms need of a database. Every method is one transaction.
type Store interface {
	// Raise keeps alarms that were not raised before, each with a delivery for
	// every route that wants its kind.
	Raise(ctx context.Context, alarms ...Alarm) error
	// RaiseFromLedger raises the alarms that from makes of the audit records after the newest one read before.
	// It reads only records that did not succeed, limit at most, and returns how many it read.
	RaiseFromLedger(ctx context.Context, from func(audit.Record) (Alarm, bool), limit int) (int, error)

	AlarmRoutes(ctx context.Context) ([]Route, error)
	AddRoute(ctx context.Context, r Route, sealFor func(id int64) ([]byte, error), records ...audit.Record) (int64, error)
	DeleteRoute(ctx context.Context, id int64, records ...audit.Record) error
	// AddTest keeps a test of a route (NewTest) and returns it with ID set.
	AddTest(ctx context.Context, test Delivery) (Delivery, error)

	// DueDeliveries lists the deliveries to try now, limit at most, with their alarms by id. The deliveries of
	// a message that went out before are all in the list or none of them is.
	DueDeliveries(ctx context.Context, routeID int64, now time.Time, limit int) ([]Delivery, map[int64]Alarm, error)
	// BeginDelivery notes that an attempt is about to be made. When one of the deliveries has changed
	// meanwhile it answers fault.Conflict and notes nothing.
	BeginDelivery(ctx context.Context, deliveries ...Delivery) error
	// SettleDelivery notes the outcome of the attempt.
	SettleDelivery(ctx context.Context, deliveries ...Delivery) error
}

// Sealer seals the routes' addresses; *seal.Sealer is one.
type Sealer interface {
	Seal(secret []byte, at seal.Place) ([]byte, error)
	Open(ctx context.Context, sealed []byte, at seal.Place) ([]byte, error)
}

// Service raises alarms, delivers them, and manages the routes. Its methods are safe for concurrent use.
type Service struct {
	store  Store
	sealer Sealer
	now    func() time.Time
	logger *slog.Logger

	delivering sync.Mutex // two rounds at a time would send the same messages

	quietMu sync.Mutex
	quiet   map[int64]quiet // by route
}

// NewService returns a Service on the given parts.
func NewService(store Store, sealer Sealer, now func() time.Time, logger *slog.Logger) *Service {
	return &Service{store: store, sealer: sealer, now: now, logger: logger, quiet: map[int64]quiet{}}
}

// Raise keeps the alarms that were not raised before. RaisedAt is now unless it is set.
func (s *Service) Raise(ctx context.Context, alarms ...Alarm) error {
	for i := range alarms {
		if alarms[i].RaisedAt.IsZero() {
			alarms[i].RaisedAt = s.now()
		}
	}
	return s.store.Raise(ctx, alarms...)
}

// logUnkept logs an alarm that could not be stored.
func (s *Service) logUnkept(ctx context.Context, a Alarm, err error) {
	if ctx.Err() == nil {
		s.logger.ErrorContext(ctx, "an alarm was not kept", "title", a.Title, "detail", a.Detail, "err", err)
	}
}

func place(id int64) seal.Place {
	return seal.Place{Table: "alarm_routes", Column: "sealed", Row: strconv.FormatInt(id, 10)}
}

const maxRoutes = 50

// AddRoute adds a route; at most maxRoutes exist. Its address is sealed and never shown again.
func (s *Service) AddRoute(ctx context.Context, c access.Caller, r Route, a Address) error {
	if err := access.Require(c, access.PermManageSettings); err != nil {
		return err
	}
	if err := checkRoute(r); err != nil {
		return err
	}
	hint, err := a.Check()
	if err != nil {
		return err
	}
	known, err := s.store.AlarmRoutes(ctx)
	if err != nil {
		return err
	}
	if len(known) >= maxRoutes {
		return fault.New(fault.Conflict, "There are %d routes, which is the most: delete one first.", len(known))
	}
	r.Hint, r.CreatedAt, r.CreatedBy = hint, s.now(), c.Name
	sealFor := func(id int64) ([]byte, error) { return s.sealer.Seal(a.encode(), place(id)) }
	_, err = s.store.AddRoute(ctx, r, sealFor, s.changed(c, "Alarm route "+r.Name+" added: "+hint+"."))
	return err
}

func checkRoute(r Route) error {
	if r.Name == "" || strings.TrimSpace(r.Name) != r.Name || utf8.RuneCountInString(r.Name) > 64 || !utf8.ValidString(r.Name) ||
		strings.ContainsFunc(r.Name, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return fault.New(fault.Invalid, "A route needs a name of 1 to 64 printable characters.")
	}
	for _, k := range r.Kinds {
		if !slices.Contains(Kinds(), k) {
			return fault.New(fault.Invalid, "There is no kind of alarm %q.", k)
		}
	}
	return nil
}

// DeleteRoute deletes a route. Deliveries that still wait for it are not sent.
func (s *Service) DeleteRoute(ctx context.Context, c access.Caller, id int64) error {
	r, err := s.route(ctx, c, id)
	if err != nil {
		return err
	}
	return s.store.DeleteRoute(ctx, id, s.changed(c, "Alarm route "+r.Name+" deleted."))
}

// testTime is how long after its start a test without a noted end is given up.
const testTime = time.Minute

// TestRoute sends a test at once and never repeats it: the person who asked waits for the outcome.
func (s *Service) TestRoute(ctx context.Context, c access.Caller, id int64) error {
	r, err := s.route(ctx, c, id)
	if err != nil {
		return err
	}
	now := s.now()
	test, err := s.store.AddTest(ctx, NewTest(id, now, now.Add(testTime)))
	if err != nil {
		return err
	}
	return s.send(ctx, r, []Delivery{test}, Message{ID: test.Message, At: test.MessageAt, Attempt: now})
}

func (s *Service) route(ctx context.Context, c access.Caller, id int64) (Route, error) {
	if err := access.Require(c, access.PermManageSettings); err != nil {
		return Route{}, err
	}
	routes, err := s.store.AlarmRoutes(ctx)
	if err != nil {
		return Route{}, err
	}
	for _, r := range routes {
		if r.ID == id {
			return r, nil
		}
	}
	return Route{}, fault.New(fault.NotFound, "There is no such route.")
}

func (s *Service) changed(c access.Caller, detail string) audit.Record {
	r := audit.NewRecord(s.now(), audit.SettingsChanged, audit.Success, c.Actor())
	r.Detail = detail
	return r
}

// batch is how many records or deliveries are read at a time.
const batch = 500

// ReadLedger raises alarms for the audit records since the last call.
func (s *Service) ReadLedger(ctx context.Context) error {
	for {
		n, err := s.store.RaiseFromLedger(ctx, FromRecord, batch)
		if err != nil || n < batch {
			return err
		}
	}
}
