package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"cxseal/internal/encryption"
	"cxseal/internal/trend"
)

// latencyOfRun adds a run that ended to its day's figures. A run that had ended
// before (a late callback changed its outcome) is taken out of them first; its row
// still holds the earlier outcome.
func (t *tx) latencyOfRun(tr *encryption.Transition) error {
	if tr.From.Ended() {
		was, err := scanEnded(t.queryRow(`SELECT `+endedColumns+` FROM runs WHERE id = ?`, tr.Run.ID))
		if err != nil {
			return fmt.Errorf("read how run %s had ended: %w", tr.Run.ID, err)
		}
		if err := t.countRun(was, -1); err != nil {
			return err
		}
	}
	if !tr.Run.State.Ended() {
		return nil
	}
	return t.countRun(trend.EndedOf(&tr.Run), 1)
}

const endedColumns = `connection, state, finished_at, token_ms, checks_ms, patch_ms, kms_ms`

func scanEnded(row scanner) (e trend.Ended, err error) {
	return e, row.Scan(&e.Connection, &e.State, stamp{&e.At}, &e.Ms[0], &e.Ms[1], &e.Ms[2], &e.Ms[3])
}

// countRun adds a run's parts (by 1) to the figures of its connection and of
// all connections, or takes them out (by -1).
func (t *tx) countRun(e trend.Ended, by int64) error {
	day := trend.DayOf(e.At)
	for _, p := range e.Parts() {
		for _, connection := range []string{e.Connection, ""} {
			if err := t.countPart(durations{t, connection, day, string(p.Stage)}, p, by); err != nil {
				return fmt.Errorf("keep the day's %s latency: %w", p.Stage, err)
			}
		}
	}
	return nil
}

// countPart adds a part to a day's stage (by 1) or takes it out (by -1).
func (t *tx) countPart(of durations, p trend.Part, by int64) error {
	var f trend.Figures
	err := t.queryRow(`SELECT runs, failed, n, p50, p50_below, p95, p95_below, longest FROM latency_daily
		WHERE connection = ? AND day = ? AND stage = ?`, of.connection, of.day, of.stage).
		Scan(&f.Runs, &f.Failed, &f.Timed, &f.P50.Ms, &f.P50.Below, &f.P95.Ms, &f.P95.Below, &f.Longest)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if p.Ms >= 0 {
		if _, err := t.exec(`INSERT INTO latency_values (connection, day, stage, ms, n) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (connection, day, stage, ms) DO UPDATE SET n = n + excluded.n`, of.connection, of.day, of.stage, p.Ms, by); err != nil {
			return err
		}
	}
	if err := f.Take(p, by, of); err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO latency_daily (connection, day, stage, runs, failed, n, p50, p50_below, p95, p95_below, longest)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (connection, day, stage) DO UPDATE SET runs = excluded.runs, failed = excluded.failed, n = excluded.n,
			p50 = excluded.p50, p50_below = excluded.p50_below, p95 = excluded.p95, p95_below = excluded.p95_below, longest = excluded.longest`,
		of.connection, of.day, of.stage, f.Runs, f.Failed, f.Timed, f.P50.Ms, f.P50.Below, f.P95.Ms, f.P95.Below, f.Longest)
	return err
}

var _ trend.Durations = durations{}

// durations are one day's durations of one stage, counted.
type durations struct {
	t          *tx
	connection string
	day        int64
	stage      string
}

const ofDurations = ` FROM latency_values WHERE connection = ? AND day = ? AND stage = ? AND n > 0 AND `

// find is a value looked up beside a given duration, 0 when there is none.
func (d durations) find(what, where string, ms int64) (int64, error) {
	var found sql.NullInt64
	err := d.t.queryRow(`SELECT `+what+ofDurations+where, d.connection, d.day, d.stage, ms).Scan(&found)
	return found.Int64, err
}

// Count implements trend.Durations.
func (d durations) Count(ms int64) (int64, error) { return d.find(`sum(n)`, `ms = ?`, ms) }

// Lower implements trend.Durations.
func (d durations) Lower(ms int64) (int64, error) { return d.find(`max(ms)`, `ms < ?`, ms) }

// Higher implements trend.Durations.
func (d durations) Higher(ms int64) (int64, error) { return d.find(`min(ms)`, `ms > ?`, ms) }

// Longest implements trend.Durations.
func (d durations) Longest() (int64, error) { return d.find(`max(ms)`, `ms >= ?`, 0) }

// stageOrder is a stage's place in trend.Stages, for an ORDER BY.
var stageOrder = func() string {
	order := `CASE stage`
	for i, stage := range trend.Stages() {
		order += fmt.Sprintf(` WHEN %s THEN %d`, literals(stage), i)
	}
	return order + ` END`
}()

// Latency is the daily latency by stage, oldest first. For one data store or
// table it is computed from the runs, which are few; otherwise it is read from
// the rollup.
func (s *Store) Latency(ctx context.Context, f trend.Filter) ([]trend.Latency, error) {
	if f.DatastoreID != "" || f.TableID != "" {
		return s.latencyOfRuns(ctx, f)
	}
	w := days(f)
	w.and(`connection = ?`, f.Connection)
	w.and(`runs > 0`)
	scan := func(row scanner) (l trend.Latency, err error) {
		var day int64
		err = row.Scan(&day, &l.Stage, &l.Runs, &l.Failed, &l.Timed, &l.P50, &l.P95, &l.Max)
		l.Day = trend.DayTime(day)
		return l, err
	}
	list, err := collect(ctx, s, scan, `SELECT day, stage, runs, failed, n, p50, p95, longest FROM latency_daily`+w.sql()+
		` ORDER BY day, `+stageOrder, w.args...)
	if err != nil {
		return nil, fmt.Errorf("read the latency: %w", err)
	}
	return list, nil
}

// latencyOfRuns computes the same figures from the runs themselves.
func (s *Store) latencyOfRuns(ctx context.Context, f trend.Filter) ([]trend.Latency, error) {
	w := where{}
	w.and(`finished_at IS NOT NULL`)
	w.equals(`connection`, f.Connection)
	w.equals(`datastore_id`, f.DatastoreID)
	w.equals(`table_id`, f.TableID)
	if !f.From.IsZero() {
		w.and(`finished_at >= ?`, micros(f.From))
	}
	if !f.To.IsZero() {
		w.and(`finished_at < ?`, micros(f.To.AddDate(0, 0, 1)))
	}
	runs, err := collect(ctx, s, scanEnded, `SELECT `+endedColumns+` FROM runs`+w.sql()+` ORDER BY finished_at`, w.args...)
	if err != nil {
		return nil, fmt.Errorf("read the runs' latency: %w", err)
	}
	return trend.LatencyOf(runs), nil
}

// days narrows to the days of a filter.
func days(f trend.Filter) where {
	w := where{}
	if !f.From.IsZero() {
		w.and(`day >= ?`, trend.DayOf(f.From))
	}
	if !f.To.IsZero() {
		w.and(`day <= ?`, trend.DayOf(f.To))
	}
	return w
}
