package store

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxseal/internal/encryption"
	"cxseal/internal/trend"
)

// endRuns is endRun for many, in few transactions.
func endRuns(t testing.TB, s *Store, runs []encryption.Run) {
	t.Helper()
	for len(runs) > 0 {
		n := min(250, len(runs))
		err := s.write(t.Context(), func(tx *tx) error {
			for _, run := range runs[:n] {
				state := run.State
				run.State = encryption.Queued
				if err := tx.insertRun(&run); err != nil {
					return err
				}
				run.State = state
				step := encryption.Transition{Run: run, From: encryption.Queued}
				if err := tx.latencyOfRun(&step); err != nil {
					return err
				}
				if err := tx.updateRun(&step); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		runs = runs[n:]
	}
}

// endRun adds a run and ends it at once, as far as the figures can tell.
func endRun(t testing.TB, s *Store, run encryption.Run, state encryption.State) encryption.Run {
	t.Helper()
	run = addRun(t, s, run)
	run.State = state
	if err := s.Advance(t.Context(), encryption.Transition{Run: run, From: encryption.Queued}); err != nil {
		t.Fatal(err)
	}
	return run
}

// An officer reads the chart; what it shows must be what the runs say, also
// after a late callback has decided a run anew.
func TestLatencyChartShowsExactlyWhatTheRunsSay(t *testing.T) {
	s := open(t)
	random := rand.New(rand.NewPCG(4, 4))
	states := []encryption.State{encryption.Verified, encryption.Verified, encryption.Verified, encryption.Failed,
		encryption.Unconfirmed, encryption.Rejected, encryption.Cancelled}
	var all, late []encryption.Run
	for i := range 800 {
		run := newRun(fmt.Sprint("run-", i), fmt.Sprint("tbl-", i%7))
		run.Connection = []string{"eu", "us"}[i%2]
		run.FinishedAt = noon.Add(time.Duration(random.IntN(6*24)) * time.Hour)
		ms := func(most int) int64 { return int64(random.IntN(most)) }
		run.Timings = encryption.Timings{TokenMs: ms(5), ChecksMs: ms(40), PatchMs: ms(900), KMSMs: ms(3000)}
		state := states[random.IntN(len(states))]
		switch state {
		case encryption.Verified:
		case encryption.Failed:
			run.Timings.PatchMs, run.Timings.KMSMs = -1, -1
		default:
			run.Timings.KMSMs = -1
		}
		run.State = state
		all = append(all, run)
		if state == encryption.Unconfirmed && len(late) < 100 {
			late = append(late, run)
		}
	}
	endRuns(t, s, all)
	for i, run := range late {
		from := run.State
		run.State, run.Timings.KMSMs = encryption.Verified, int64(1000+i)
		run.FinishedAt = run.FinishedAt.Add(30 * time.Hour)
		if err := s.Advance(t.Context(), encryption.Transition{Run: run, From: from}); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []trend.Filter{{}, {Connection: "eu"}, {Connection: "us", From: trend.DayTime(trend.DayOf(noon) + 2), To: trend.DayTime(trend.DayOf(noon) + 4)}} {
		kept, err := s.Latency(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		exact, err := s.latencyOfRuns(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		if len(exact) == 0 {
			t.Fatal("the runs say nothing")
		}
		if diff := cmp.Diff(exact, kept); diff != "" {
			t.Errorf("%+v: the rollup differs from the runs (-runs +rollup):\n%s", f, diff)
		}
	}
}

func TestFailedRunCountsOnceWhereItEnded(t *testing.T) {
	s := open(t)
	run := newRun("a", "tbl")
	run.FinishedAt = noon
	run.Timings = encryption.Timings{TokenMs: 1, ChecksMs: 20, PatchMs: 300, KMSMs: -1}
	endRun(t, s, run, encryption.Unconfirmed)
	got, err := s.Latency(t.Context(), trend.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	day := trend.DayTime(trend.DayOf(noon))
	want := []trend.Latency{
		{Day: day, Stage: "token", Runs: 1, Timed: 1, P50: 1, P95: 1, Max: 1}, {Day: day, Stage: "checks", Runs: 1, Timed: 1, P50: 20, P95: 20, Max: 20},
		{Day: day, Stage: "patch", Runs: 1, Timed: 1, P50: 300, P95: 300, Max: 300}, {Day: day, Stage: "kms", Runs: 1, Failed: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// BenchmarkLatencyChart compares the chart's read with computing the same from
// 1,000,000 runs. The figures are checked to be the same before anything is
// measured.
func BenchmarkLatencyChart(b *testing.B) {
	s := open(b)
	const runs = 1_000_000
	err := s.write(b.Context(), func(t *tx) error {
		for _, text := range []string{
			`INSERT INTO runs (id, operation, connection, datastore_id, table_id, state, requested_by, requested_role, requested_ip, requested_at,
				lease_owner, strategy, interval_days, mask_indexes, approved_fingerprint, idempotency_key, callback_token, attempts, finished_at,
				token_ms, checks_ms, patch_ms, kms_ms, key_version, permission_hash, error_code, error_message, columns)
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ` + fmt.Sprint(runs) + `)
			SELECT 'run-' || i, 'COLUMN_ENCRYPTION', 'default', 'ds', 'tbl', 'verified', '', '', '', 0, '', '', 90, 0, '', '', '', 1,
				` + fmt.Sprint(noon.UnixMicro()) + ` + (i % 180) * 86400000000, i * 7919 % 5, i * 104729 % 60, i * 1299709 % 1500, i * 15485863 % 4000,
				1, '', '', '', '[]' FROM n`,
			`INSERT INTO latency_values SELECT '', finished_at / 86400000000, stage, ms, count(*) FROM (
				SELECT finished_at, 'token' AS stage, token_ms AS ms FROM runs UNION ALL SELECT finished_at, 'checks', checks_ms FROM runs
				UNION ALL SELECT finished_at, 'patch', patch_ms FROM runs UNION ALL SELECT finished_at, 'kms', kms_ms FROM runs)
			GROUP BY 2, 3, 4`,
			`INSERT INTO latency_daily SELECT '', day, stage, sum(n), 0, sum(n), 0, 0, 0, 0, max(ms) FROM latency_values GROUP BY day, stage`,
		} {
			if _, err := t.exec(text); err != nil {
				return err
			}
		}
		return settleAll(t)
	})
	if err != nil {
		b.Fatal(err)
	}
	kept, err := s.Latency(b.Context(), trend.Filter{})
	if err != nil {
		b.Fatal(err)
	}
	exact, err := s.latencyOfRuns(b.Context(), trend.Filter{})
	if err != nil {
		b.Fatal(err)
	}
	if diff := cmp.Diff(exact, kept); diff != "" || len(kept) != 180*4 {
		b.Fatalf("%d figures; the rollup differs from the runs:\n%s", len(kept), diff)
	}
	b.Run("rollup", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Latency(b.Context(), trend.Filter{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("rows", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.latencyOfRuns(b.Context(), trend.Filter{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// settleAll moves every percentile to its place from the smallest value.
func settleAll(t *tx) error {
	type key struct {
		day, n int64
		stage  string
	}
	keys, err := collectFrom(t, func(row scanner) (k key, err error) { return k, row.Scan(&k.day, &k.stage, &k.n) },
		`SELECT day, stage, n FROM latency_daily`)
	if err != nil {
		return err
	}
	for _, k := range keys {
		f := trend.Figures{Timed: k.n}
		if err := f.Settle(durations{t, "", k.day, k.stage}); err != nil {
			return err
		}
		if _, err := t.exec(`UPDATE latency_daily SET p50 = ?, p50_below = ?, p95 = ?, p95_below = ? WHERE day = ? AND stage = ?`,
			f.P50.Ms, f.P50.Below, f.P95.Ms, f.P95.Below, k.day, k.stage); err != nil {
			return err
		}
	}
	return nil
}
