package alarm

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
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
	AddRoute(ctx context.Context, r Route, seal func(id int64) ([]byte, error), records ...audit.Record) (int64, error)
	DeleteRoute(ctx context.Context, id int64, records ...audit.Record) error
	TestRoute(ctx context.Context, id int64, at time.Time) error

	DueDeliveries(ctx context.Context, now time.Time, limit int) ([]Delivery, map[int64]Alarm, error)
	SettleDelivery(ctx context.Context, deliveries ...Delivery) error
}

// Sealer seals the routes' addresses; *access.Sealer is one.
type Sealer interface {
	Seal(secret []byte, at access.Place) ([]byte, error)
	Open(ctx context.Context, sealed []byte, at access.Place) ([]byte, error)
}

// Desk raises alarms and sends them on.
type Desk struct {
	store  Store
	sealer Sealer
	send   func(ctx context.Context, a Address, m Message) error
	now    func() time.Time
	logger *slog.Logger
}

// NewDesk returns a Desk on the given parts.
func NewDesk(store Store, sealer Sealer, now func() time.Time, logger *slog.Logger) *Desk {
	return &Desk{store: store, sealer: sealer, send: Send, now: now, logger: logger}
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

// Lost notes an alarm that could not be kept.
func (d *Desk) Lost(ctx context.Context, a Alarm, err error) {
	if ctx.Err() == nil {
		d.logger.ErrorContext(ctx, "an alarm was not kept", "title", a.Title, "detail", a.Detail, "err", err)
	}
}

func place(id int64) access.Place {
	return access.Place{Table: "alarm_routes", Column: "sealed", Row: strconv.FormatInt(id, 10)}
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
	seal := func(id int64) ([]byte, error) { return d.sealer.Seal(a.encode(), place(id)) }
	_, err = d.store.AddRoute(ctx, r, seal, d.changed(c, "Alarm route "+r.Name+" added: "+hint+"."))
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

// TestRoute sends a test at once.
func (d *Desk) TestRoute(ctx context.Context, c access.Caller, id int64) error {
	if _, err := d.route(ctx, c, id); err != nil {
		return err
	}
	if err := d.store.TestRoute(ctx, id, d.now()); err != nil {
		return err
	}
	return d.Deliver(ctx)
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
