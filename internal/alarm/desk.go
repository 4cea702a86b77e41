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
	// RaiseFromLedger raises what from makes of the audit records after the
	// newest that was looked at. It looks only at those that did not succeed,
	// and says how many they were.
	RaiseFromLedger(ctx context.Context, from func(audit.Record) (Alarm, bool), limit int) (int, error)

	AlarmRoutes(ctx context.Context) ([]Route, error)
	AddRoute(ctx context.Context, r Route, sealFor func(id int64) ([]byte, error), records ...audit.Record) (int64, error)
	DeleteRoute(ctx context.Context, id int64, records ...audit.Record) error
	// AddTest keeps a test of a route (NewTest) and returns it with ID set.
	AddTest(ctx context.Context, test Delivery) (Delivery, error)

	// DueDeliveries lists what is to be tried now, limit at most. The
	// deliveries of a message that went out before are all there or none of
	// them is.
	DueDeliveries(ctx context.Context, now time.Time, limit int) ([]Delivery, map[int64]Alarm, error)
	// BeginDelivery notes that an attempt is about to be made. It is
	// fault.Conflict, and notes nothing, when one of them moved meanwhile.
	BeginDelivery(ctx context.Context, deliveries ...Delivery) error
	// SettleDelivery notes what became of the attempt.
	SettleDelivery(ctx context.Context, deliveries ...Delivery) error
}

// Sealer seals the routes' addresses; *seal.Sealer is one.
type Sealer interface {
	Seal(secret []byte, at seal.Place) ([]byte, error)
	Open(ctx context.Context, sealed []byte, at seal.Place) ([]byte, error)
}

// Desk raises alarms and sends them on.
type Desk struct {
	store  Store
	sealer Sealer
	now    func() time.Time
	logger *slog.Logger

	delivering sync.Mutex // two rounds at a time would send the same messages
}

// NewDesk returns a Desk on the given parts.
func NewDesk(store Store, sealer Sealer, now func() time.Time, logger *slog.Logger) *Desk {
	return &Desk{store: store, sealer: sealer, now: now, logger: logger}
}

// Raise keeps alarms that were not raised before, raised now unless they say
// when.
func (d *Desk) Raise(ctx context.Context, alarms ...Alarm) error {
	for i := range alarms {
		if alarms[i].RaisedAt.IsZero() {
			alarms[i].RaisedAt = d.now()
		}
	}
	return d.store.Raise(ctx, alarms...)
}

// lost notes an alarm that could not be kept.
func (d *Desk) lost(ctx context.Context, a Alarm, err error) {
	if ctx.Err() == nil {
		d.logger.ErrorContext(ctx, "an alarm was not kept", "title", a.Title, "detail", a.Detail, "err", err)
	}
}

func place(id int64) seal.Place {
	return seal.Place{Table: "alarm_routes", Column: "sealed", Row: strconv.FormatInt(id, 10)}
}

const maxRoutes = 50

// AddRoute makes a route for people. Its address is sealed and never shown
// again.
func (d *Desk) AddRoute(ctx context.Context, c access.Caller, r Route, a Address) error {
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
	known, err := d.store.AlarmRoutes(ctx)
	if err != nil {
		return err
	}
	if len(known) >= maxRoutes {
		return fault.New(fault.Conflict, "There are %d routes, which is the most: delete one first.", len(known))
	}
	r.Hint, r.CreatedAt, r.CreatedBy = hint, d.now(), c.Name
	sealFor := func(id int64) ([]byte, error) { return d.sealer.Seal(a.encode(), place(id)) }
	_, err = d.store.AddRoute(ctx, r, sealFor, d.changed(c, "Alarm route "+r.Name+" added: "+hint+"."))
	return err
}

func checkRoute(r Route) error {
	if r.Name == "" || strings.TrimSpace(r.Name) != r.Name || utf8.RuneCountInString(r.Name) > 64 || !utf8.ValidString(r.Name) ||
		strings.ContainsFunc(r.Name, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return fault.New(fault.Invalid, "A route needs a name of 1 to 64 printable characters.")
	}
	for _, k := range r.Kinds {
		if !slices.Contains(Kinds, k) {
			return fault.New(fault.Invalid, "There is no kind of alarm %q.", k)
		}
	}
	return nil
}

// DeleteRoute ends a route. What still waits for it is not sent.
func (d *Desk) DeleteRoute(ctx context.Context, c access.Caller, id int64) error {
	r, err := d.route(ctx, c, id)
	if err != nil {
		return err
	}
	return d.store.DeleteRoute(ctx, id, d.changed(c, "Alarm route "+r.Name+" deleted."))
}

// testTime is when a test that nobody saw the end of is given up.
const testTime = time.Minute

// TestRoute sends a test at once, and only once: somebody waits for it.
func (d *Desk) TestRoute(ctx context.Context, c access.Caller, id int64) error {
	r, err := d.route(ctx, c, id)
	if err != nil {
		return err
	}
	now := d.now()
	test, err := d.store.AddTest(ctx, NewTest(id, now, now.Add(testTime)))
	if err != nil {
		return err
	}
	return d.send(ctx, r, []Delivery{test}, Message{ID: test.Message, At: test.MessageAt, Attempt: now})
}

func (d *Desk) route(ctx context.Context, c access.Caller, id int64) (Route, error) {
	if err := access.Require(c, access.PermManageSettings); err != nil {
		return Route{}, err
	}
	routes, err := d.store.AlarmRoutes(ctx)
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

func (d *Desk) changed(c access.Caller, detail string) audit.Record {
	r := audit.NewRecord(d.now(), audit.SettingsChanged, audit.Success, c.Actor())
	r.Detail = detail
	return r
}

// batch is how many records or deliveries are taken at a time.
const batch = 500

// ReadLedger raises alarms for what the audit log has told since the last time.
func (d *Desk) ReadLedger(ctx context.Context) error {
	for {
		n, err := d.store.RaiseFromLedger(ctx, FromRecord, batch)
		if err != nil || n < batch {
			return err
		}
	}
}
