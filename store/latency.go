package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"cxseal/internal/encryption"
	"cxseal/internal/trend"
)

// latencyOfRun adds a run that ended to its day's figures. One that had ended
// before (a late callback decided it anew) is taken out of them first; the row
// still holds what it was.
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
	return t.countRun(endedOf(&tr.Run), 1)
}

// ended is what the figures need of a run.
type ended struct {
	connection string
	state      encryption.State
	at         time.Time
	ms         [4]int64
}

const endedColumns = `connection, state, finished_at, token_ms, checks_ms, patch_ms, kms_ms`

func scanEnded(row scanner) (e ended, err error) {
	return e, row.Scan(&e.connection, &e.state, stamp{&e.at}, &e.ms[0], &e.ms[1], &e.ms[2], &e.ms[3])
}

func endedOf(r *encryption.Run) ended {
	return ended{r.Connection, r.State, r.FinishedAt, [4]int64{r.Timings.TokenMs, r.Timings.ChecksMs, r.Timings.PatchMs, r.Timings.KMSMs}}
}

func (e ended) parts() []trend.Part {
	if e.state == encryption.Cancelled {
		return nil // it never ran
	}
	waited := e.state == encryption.Rejected || e.state == encryption.Unconfirmed
	return trend.PartsOf(e.ms, waited, e.state == encryption.Verified)
}

func (t *tx) countRun(e ended, by int64) error {
	day := trend.DayOf(e.at)
	for _, p := range e.parts() {
		for _, connection := range []string{e.connection, ""} {
			if err := t.countPart(connection, day, p, by); err != nil {
				return fmt.Errorf("keep the day's %s latency: %w", p.Stage, err)
			}
		}
	}
	return nil
}

// quantile is a percentile and how many values lie below it.
type quantile struct{ at, below int64 }

// countPart adds a part to a day's stage (by 1) or takes it out (by -1).
func (t *tx) countPart(connection string, day int64, p trend.Part, by int64) error {
	var runs, failed, n, longest int64
	var p50, p95 quantile
	err := t.queryRow(`SELECT runs, failed, n, p50, p50_below, p95, p95_below, longest FROM latency_daily
		WHERE connection = ? AND day = ? AND stage = ?`, connection, day, string(p.Stage)).
		Scan(&runs, &failed, &n, &p50.at, &p50.below, &p95.at, &p95.below, &longest)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	runs += by
	if p.Failed {
		failed += by
	}
	if p.Ms >= 0 {
		n += by
		if _, err := t.exec(`INSERT INTO latency_values (connection, day, stage, ms, n) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (connection, day, stage, ms) DO UPDATE SET n = n + excluded.n`, connection, day, string(p.Stage), p.Ms, by); err != nil {
			return err
		}
		v := values{t, connection, day, string(p.Stage)}
		if by > 0 {
			longest = max(longest, p.Ms)
		} else if longest, err = v.neighbour(`max(ms)`, `ms >= ?`, 0); err != nil {
			return err
		}
		for q, share := range map[*quantile]float64{&p50: 0.50, &p95: 0.95} {
			if p.Ms < q.at {
				q.below += by
			}
			if err := v.settle(q, n, share); err != nil {
				return err
			}
		}
	}
	_, err = t.exec(`INSERT INTO latency_daily (connection, day, stage, runs, failed, n, p50, p50_below, p95, p95_below, longest)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (connection, day, stage) DO UPDATE SET runs = excluded.runs, failed = excluded.failed, n = excluded.n,
			p50 = excluded.p50, p50_below = excluded.p50_below, p95 = excluded.p95, p95_below = excluded.p95_below, longest = excluded.longest`,
		connection, day, string(p.Stage), runs, failed, n, p50.at, p50.below, p95.at, p95.below, longest)
	return err
}

// values are one day's durations of one stage, counted.
type values struct {
	t          *tx
	connection string
	day        int64
	stage      string
}

const ofValues = ` FROM latency_values WHERE connection = ? AND day = ? AND stage = ? AND n > 0 AND `

// neighbour is a value found beside a given one, 0 when there is none.
func (v values) neighbour(what, where string, ms int64) (int64, error) {
	var found sql.NullInt64
	err := v.t.queryRow(`SELECT `+what+ofValues+where, v.connection, v.day, v.stage, ms).Scan(&found)
	return found.Int64, err
}

func (v values) count(ms int64) (int64, error) { return v.neighbour(`sum(n)`, `ms = ?`, ms) }

// settle moves the percentile to the nearest rank among n values. One value
// more or less moves it by a step, rarely two.
func (v values) settle(q *quantile, n int64, share float64) error {
	if n == 0 {
		*q = quantile{}
		return nil
	}
	rank := int64(trend.Rank(int(n), share))
	for q.below >= rank {
		lower, err := v.neighbour(`max(ms)`, `ms < ?`, q.at)
		if err != nil {
			return err
		}
		there, err := v.count(lower)
		if err != nil {
			return err
		}
		q.at, q.below = lower, q.below-there
	}
	for {
		here, err := v.count(q.at)
		if err != nil || q.below+here >= rank {
			return err
		}
		next, err := v.neighbour(`min(ms)`, `ms > ?`, q.at)
		if err != nil {
			return err
		}
		q.at, q.below = next, q.below+here
	}
}

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
		err = row.Scan(&day, &l.Stage, &l.Runs, &l.Failed, &l.P50, &l.P95, &l.Max)
		l.Day = trend.DayTime(day)
		return l, err
	}
	list, err := collect(ctx, s, scan, `SELECT day, stage, runs, failed, p50, p95, longest FROM latency_daily`+w.sql()+
		` ORDER BY day, CASE stage WHEN 'token' THEN 0 WHEN 'checks' THEN 1 WHEN 'patch' THEN 2 ELSE 3 END`, w.args...)
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
	var list []trend.Latency
	for from := 0; from < len(runs); {
		to, day := from, trend.DayOf(runs[from].at)
		for to < len(runs) && trend.DayOf(runs[to].at) == day {
			to++
		}
		list = append(list, latencyOfDay(day, runs[from:to])...)
		from = to
	}
	return list, nil
}

func latencyOfDay(day int64, runs []ended) []trend.Latency {
	var list []trend.Latency
	for _, stage := range trend.Stages {
		l := trend.Latency{Day: trend.DayTime(day), Stage: stage}
		var ms []int64
		for _, r := range runs {
			for _, p := range r.parts() {
				if p.Stage != stage {
					continue
				}
				l.Runs++
				if p.Failed {
					l.Failed++
				}
				if p.Ms >= 0 {
					ms = append(ms, p.Ms)
					l.Max = max(l.Max, p.Ms)
				}
			}
		}
		if l.Runs > 0 {
			l.P50, l.P95 = trend.Percentile(ms, 0.50), trend.Percentile(ms, 0.95)
			list = append(list, l)
		}
	}
	return list
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
