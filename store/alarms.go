package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"cxseal/internal/alarm"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

var _ alarm.Store = (*Store)(nil)

// Raise keeps alarms that were not raised before, each with its deliveries.
func (s *Store) Raise(ctx context.Context, alarms ...alarm.Alarm) error {
	if len(alarms) == 0 {
		return nil
	}
	return s.write(ctx, func(t *tx) error { return t.raise(alarms) })
}

func (t *tx) raise(alarms []alarm.Alarm) error {
	if len(alarms) == 0 {
		return nil
	}
	routes, err := t.alarmRoutes()
	if err != nil {
		return err
	}
	for _, a := range alarms {
		err := t.queryRow(`INSERT INTO alarms (dedupe, kind, severity, title, detail, connection, datastore_id, table_id, columns, run_id, raised_at)
			VALUES (`+placeholders(11)+`) ON CONFLICT (dedupe) DO NOTHING RETURNING id`,
			a.Dedupe, string(a.Kind), string(a.Severity), a.Title, a.Detail, a.Connection, a.DatastoreID, a.TableID,
			names(a.Columns), a.RunID, micros(a.RaisedAt)).Scan(&a.ID)
		if errors.Is(err, sql.ErrNoRows) {
			continue // it was raised before
		}
		if err != nil {
			return fmt.Errorf("raise an alarm: %w", err)
		}
		for _, d := range alarm.Dispatch(a, routes) {
			if err := t.insertDelivery(&d); err != nil {
				return err
			}
		}
	}
	return nil
}

// insertDelivery inserts a delivery and sets its id.
func (t *tx) insertDelivery(d *alarm.Delivery) error {
	err := t.queryRow(`INSERT INTO alarm_deliveries (message_id, alarm_id, route_id, state, attempts, next_at, error, message, message_at, sending_since)
		VALUES (`+placeholders(10)+`) RETURNING id`,
		d.MessageID, sql.NullInt64{Int64: d.AlarmID, Valid: d.AlarmID != 0}, d.RouteID, string(d.State), d.Attempts, micros(d.NextAt), d.Error,
		d.Message, micros(d.MessageAt), micros(d.SendingSince)).Scan(&d.ID)
	if err != nil {
		return fmt.Errorf("add a delivery: %w", err)
	}
	return nil
}

// RaiseFromLedger turns the audit records after the newest one that it looked
// at into alarms. It looks at those that did not succeed, limit at most, and
// returns how many there were. They are read outside the writer, which a long
// log would hold up; how far it came is kept in the transaction of the alarms.
func (s *Store) RaiseFromLedger(ctx context.Context, from func(audit.Record) (alarm.Alarm, bool), limit int) (int, error) {
	last, err := s.mark(ctx, "alarms_read")
	if err != nil {
		return 0, err
	}
	end, err := s.TreeSize(ctx)
	if err != nil || end <= last {
		return 0, err
	}
	entries, err := collect(ctx, s, scanEntry, `SELECT `+entryColumns+` FROM audit_records r
		WHERE r.seq > ? AND r.seq <= ? AND r.outcome <> 'SUCCESS' ORDER BY r.seq LIMIT ?`, last, end, limit)
	if err != nil {
		return 0, fmt.Errorf("read records for alarms: %w", err)
	}
	if len(entries) == limit {
		end = entries[limit-1].Seq
	}
	var alarms []alarm.Alarm
	for _, e := range entries {
		if a, ok := from(e.Record); ok {
			alarms = append(alarms, a)
		}
	}
	return len(entries), s.write(ctx, func(t *tx) error {
		if err := t.raise(alarms); err != nil {
			return err
		}
		return t.setMark("alarms_read", end)
	})
}

const alarmColumns = `id, dedupe, kind, severity, title, detail, connection, datastore_id, table_id, columns, run_id, raised_at`

func scanAlarm(row scanner) (a alarm.Alarm, err error) {
	return a, row.Scan(&a.ID, &a.Dedupe, &a.Kind, &a.Severity, &a.Title, &a.Detail, &a.Connection, &a.DatastoreID, &a.TableID,
		jsonText{&a.Columns}, &a.RunID, stamp{&a.RaisedAt})
}

var alarmList = numbered[alarm.Alarm]{"alarms", `SELECT ` + alarmColumns + ` FROM alarms`, `id`, scanAlarm}

// Alarms lists alarms, newest first: those before an id (0: from the newest).
func (s *Store) Alarms(ctx context.Context, kind alarm.Kind, before int64, limit int) ([]alarm.Alarm, error) {
	w := where{}
	w.equals(`kind`, string(kind))
	return alarmList.before(ctx, s, w, before, limit)
}

const deliverySource = ` FROM alarm_deliveries d JOIN alarm_routes r ON r.id = d.route_id`

const deliveryColumns = `d.id, d.message_id, coalesce(d.alarm_id, 0), d.route_id, r.name, d.state, d.attempts, d.next_at, d.sent_at, d.error,
	d.message, d.message_at, d.sending_since, d.doubts`

func scanDelivery(row scanner) (d alarm.Delivery, err error) {
	return d, row.Scan(&d.ID, &d.MessageID, &d.AlarmID, &d.RouteID, &d.RouteName, &d.State, &d.Attempts, stamp{&d.NextAt}, stamp{&d.SentAt}, &d.Error,
		&d.Message, stamp{&d.MessageAt}, stamp{&d.SendingSince}, &d.Doubts)
}

// Deliveries lists deliveries of alarms with their outcome; a test's delivery has
// no alarm.
func (s *Store) Deliveries(ctx context.Context, alarmIDs []int64) ([]alarm.Delivery, error) {
	if len(alarmIDs) == 0 {
		return nil, nil
	}
	args := make([]any, len(alarmIDs))
	for i, id := range alarmIDs {
		args[i] = id
	}
	list, err := collect(ctx, s, scanDelivery, `SELECT `+deliveryColumns+deliverySource+
		` WHERE d.alarm_id IN (`+placeholders(len(args))+`) ORDER BY d.id`, args...)
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	return list, nil
}

// LastTests lists the newest test of each route.
func (s *Store) LastTests(ctx context.Context) ([]alarm.Delivery, error) {
	list, err := collect(ctx, s, scanDelivery, `SELECT `+deliveryColumns+` FROM alarm_routes r
		JOIN alarm_deliveries d ON d.id = (SELECT max(x.id) FROM alarm_deliveries x WHERE x.alarm_id IS NULL AND x.route_id = r.id)`)
	if err != nil {
		return nil, fmt.Errorf("list tests: %w", err)
	}
	return list, nil
}

// DueDeliveries lists deliveries of a route that are to be tried now, with their alarms:
// messages that went out before come first, each of them whole.
func (s *Store) DueDeliveries(ctx context.Context, routeID int64, now time.Time, limit int) ([]alarm.Delivery, map[int64]alarm.Alarm, error) {
	list, err := collect(ctx, s, scanDelivery, `SELECT `+deliveryColumns+deliverySource+
		` WHERE d.state = 'waiting' AND d.next_at <= ? AND d.route_id = ?
		ORDER BY d.message = '', d.message_at, d.message, d.route_id, d.id LIMIT ?`, micros(now), routeID, limit)
	if err != nil {
		return nil, nil, fmt.Errorf("list waiting deliveries: %w", err)
	}
	list = alarm.WholeMessages(list, limit)
	alarms := map[int64]alarm.Alarm{}
	for _, d := range list {
		if d.AlarmID == 0 {
			continue
		}
		a, err := scanAlarm(s.queryRow(ctx, `SELECT `+alarmColumns+` FROM alarms WHERE id = ?`, d.AlarmID))
		if err != nil {
			return nil, nil, fmt.Errorf("read an alarm: %w", err)
		}
		alarms[a.ID] = a
	}
	return list, alarms, nil
}

// BeginDelivery notes that an attempt is about to be made, as a
// compare-and-swap on the attempts before it.
func (s *Store) BeginDelivery(ctx context.Context, deliveries ...alarm.Delivery) error {
	return s.write(ctx, func(t *tx) error {
		for _, d := range deliveries {
			n, err := t.exec(`UPDATE alarm_deliveries SET attempts = ?, message = ?, message_at = ?, sending_since = ?, doubts = ?
				WHERE id = ? AND state = 'waiting' AND attempts = ?`,
				d.Attempts, d.Message, micros(d.MessageAt), micros(d.SendingSince), d.Doubts, d.ID, d.Attempts-1)
			if err != nil {
				return fmt.Errorf("begin a delivery: %w", err)
			}
			if n == 0 {
				return fault.New(fault.Conflict, "The delivery %d has moved on meanwhile.", d.ID)
			}
		}
		return nil
	})
}

// SettleDelivery notes the outcome of an attempt; one that was settled
// meanwhile is left as it is.
func (s *Store) SettleDelivery(ctx context.Context, deliveries ...alarm.Delivery) error {
	return s.write(ctx, func(t *tx) error {
		for _, d := range deliveries {
			_, err := t.exec(`UPDATE alarm_deliveries SET state = ?, next_at = ?, sent_at = ?, error = ?, doubts = ?, sending_since = NULL
				WHERE id = ? AND state = 'waiting'`, string(d.State), micros(d.NextAt), micros(d.SentAt), d.Error, d.Doubts, d.ID)
			if err != nil {
				return fmt.Errorf("settle a delivery: %w", err)
			}
		}
		return nil
	})
}

const routeColumns = `id, name, sealed, hint, kinds, digest, created_at, created_by`

const routeText = `SELECT ` + routeColumns + ` FROM alarm_routes ORDER BY name`

func scanRoute(row scanner) (r alarm.Route, err error) {
	return r, row.Scan(&r.ID, &r.Name, &r.Sealed, &r.Hint, jsonText{&r.Kinds}, &r.Digest, stamp{&r.CreatedAt}, &r.CreatedBy)
}

// AlarmRoutes lists every route by name.
func (s *Store) AlarmRoutes(ctx context.Context) ([]alarm.Route, error) {
	list, err := collect(ctx, s, scanRoute, routeText)
	if err != nil {
		return nil, fmt.Errorf("list alarm routes: %w", err)
	}
	return list, nil
}

func (t *tx) alarmRoutes() ([]alarm.Route, error) {
	list, err := collectFrom(t, scanRoute, routeText)
	if err != nil {
		return nil, fmt.Errorf("list alarm routes: %w", err)
	}
	return list, nil
}

// AddRoute keeps a route. seal is given the row's id, which the sealed address
// is bound to.
func (s *Store) AddRoute(ctx context.Context, r alarm.Route, seal func(id int64) ([]byte, error), records ...audit.Record) (int64, error) {
	raw, err := canonical(records)
	if err != nil {
		return 0, err
	}
	kinds := make([]string, len(r.Kinds))
	for i, k := range r.Kinds {
		kinds[i] = string(k)
	}
	err = s.write(ctx, func(t *tx) error {
		err := t.queryRow(`INSERT INTO alarm_routes (name, sealed, hint, kinds, digest, created_at, created_by) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			r.Name, []byte{}, r.Hint, names(kinds), r.Digest, micros(r.CreatedAt), r.CreatedBy).Scan(&r.ID)
		if t.isDuplicate(err) {
			return fault.Wrap(err, fault.Conflict, "There is a route %q already.", r.Name)
		}
		if err != nil {
			return fmt.Errorf("add an alarm route: %w", err)
		}
		sealed, err := seal(r.ID)
		if err != nil {
			return err
		}
		if _, err := t.exec(`UPDATE alarm_routes SET sealed = ? WHERE id = ?`, sealed, r.ID); err != nil {
			return fmt.Errorf("seal an alarm route: %w", err)
		}
		return t.append(raw)
	})
	return r.ID, err
}

// DeleteRoute ends a route with its deliveries, or answers fault.NotFound.
func (s *Store) DeleteRoute(ctx context.Context, id int64, records ...audit.Record) error {
	raw, err := canonical(records)
	if err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		if _, err := t.exec(`DELETE FROM alarm_deliveries WHERE route_id = ?`, id); err != nil {
			return fmt.Errorf("delete an alarm route: %w", err)
		}
		n, err := t.exec(`DELETE FROM alarm_routes WHERE id = ?`, id)
		if err != nil {
			return fmt.Errorf("delete an alarm route: %w", err)
		}
		if n == 0 {
			return noRoute()
		}
		return t.append(raw)
	})
}

// AddTest keeps a test of a route and returns it with ID set.
func (s *Store) AddTest(ctx context.Context, test alarm.Delivery) (alarm.Delivery, error) {
	err := s.write(ctx, func(t *tx) error { return t.insertDelivery(&test) })
	return test, err
}

func noRoute() error { return fault.New(fault.NotFound, "There is no such route.") }
