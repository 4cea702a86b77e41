package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
)

var _ encryption.Store = (*Store)(nil)

const runColumns = `seq, id, operation, connection, datastore_id, table_id, columns, mask_indexes,
	strategy, interval_days, start_at, ignore_window, approved_fingerprint, state,
	requested_by, requested_role, requested_ip, requested_at, lease_owner, lease_until,
	plan, idempotency_key, payload, callback_token, next_rotation,
	attempts, answer, after_columns, shown_at, patched_at, callback_deadline, finished_at,
	token_ms, checks_ms, patch_ms, kms_ms, key_version, key_id, permission_hash, error_code, error_message, approval, held_why, taken_by`

// openStates are the states that a worker moves a run on from, as literals for
// IN. The partial indexes of migrations/00102_runs.sql have the same text, which
// must stay the same for SQLite to use them (TestStatesInSQLAreTheVocabularys).
var openStates = `(` + literals(encryption.WorkStates()...) + `)`

func scanRun(row scanner) (encryption.Run, error) {
	var r encryption.Run
	err := row.Scan(&r.Seq, &r.ID, &r.Operation, &r.Connection, &r.DatastoreID, &r.TableID, jsonText{&r.Columns}, &r.MaskIndexes,
		&r.Strategy, &r.IntervalDays, stamp{&r.StartAt}, &r.IgnoreWindow, &r.ShownFingerprint, &r.State,
		&r.RequestedBy.Name, &r.RequestedBy.Role, &r.RequestedBy.IP, stamp{&r.RequestedAt}, &r.LeaseOwner, stamp{&r.LeaseUntil},
		jsonText{&r.Plan}, &r.IdempotencyKey, &r.Payload, &r.CallbackToken, stamp{&r.NextRotation},
		&r.Attempts, jsonText{&r.Answer}, jsonText{&r.After}, stamp{&r.ShownAt}, stamp{&r.PatchedAt}, stamp{&r.CallbackDeadline}, stamp{&r.FinishedAt},
		&r.Timings.TokenMs, &r.Timings.ChecksMs, &r.Timings.PatchMs, &r.Timings.KMSMs,
		&r.KeyVersion, &r.KeyID, &r.PermissionHash, &r.ErrorCode, &r.ErrorMessage, jsonText{&r.Approval}, &r.HeldWhy, &r.TakenBy)
	return r, err
}

// AddRun inserts a queued run with its first events and records, and returns
// it with Seq set.
func (s *Store) AddRun(ctx context.Context, run encryption.Run, events []encryption.Event, records []audit.Record) (encryption.Run, error) {
	raw, err := canonical(records)
	if err != nil {
		return encryption.Run{}, err
	}
	err = s.write(ctx, func(t *tx) error {
		if err := t.insertRun(&run); err != nil {
			return err
		}
		if err := t.insertEvents(run.ID, events); err != nil {
			return err
		}
		return t.append(raw)
	})
	if err != nil {
		return encryption.Run{}, err
	}
	return run, nil
}

func (t *tx) insertRun(r *encryption.Run) error {
	err := t.queryRow(`INSERT INTO runs (id, operation, connection, datastore_id, table_id, columns, mask_indexes,
		strategy, interval_days, start_at, ignore_window, approved_fingerprint, state,
		requested_by, requested_role, requested_ip, requested_at, lease_owner, lease_until,
		plan, idempotency_key, payload, callback_token, next_rotation,
		attempts, answer, after_columns, shown_at, patched_at, callback_deadline, finished_at,
		token_ms, checks_ms, patch_ms, kms_ms, key_version, key_id, permission_hash, error_code, error_message, approval, held_why, taken_by)
		VALUES (`+placeholders(43)+`) RETURNING seq`,
		r.ID, string(r.Operation), r.Connection, r.DatastoreID, r.TableID, names(r.Columns), r.MaskIndexes,
		r.Strategy, r.IntervalDays, micros(r.StartAt), r.IgnoreWindow, r.ShownFingerprint, string(r.State),
		r.RequestedBy.Name, r.RequestedBy.Role, r.RequestedBy.IP, micros(r.RequestedAt), r.LeaseOwner, micros(r.LeaseUntil),
		jsonText{r.Plan}, r.IdempotencyKey, r.Payload, r.CallbackToken, micros(r.NextRotation),
		r.Attempts, jsonText{r.Answer}, jsonText{r.After}, micros(r.ShownAt), micros(r.PatchedAt), micros(r.CallbackDeadline), micros(r.FinishedAt),
		r.Timings.TokenMs, r.Timings.ChecksMs, r.Timings.PatchMs, r.Timings.KMSMs,
		r.KeyVersion, r.KeyID, r.PermissionHash, string(r.ErrorCode), r.ErrorMessage, jsonText{r.Approval}, r.HeldWhy, r.TakenBy,
	).Scan(&r.Seq)
	if t.isDuplicate(err) {
		return fault.Wrap(err, fault.Conflict, "The run %s exists already.", r.ID)
	}
	if err != nil {
		return fmt.Errorf("insert run: %w", err)
	}
	return nil
}

// ClaimRun leases the oldest run that may be worked on now and returns it, or
// nil when there is none.
//
// Beyond encryption.Claim: a queued run whose lease is live counts as at work,
// on itself and on its table, so two workers cannot pick two queued runs of
// one table at once.
func (s *Store) ClaimRun(ctx context.Context, c encryption.Claim) (*encryption.Run, error) {
	now := micros(c.Now)
	w := where{}
	w.and(`r.state IN ` + openStates)
	w.equals(`r.connection`, c.Connection)
	w.equals(`r.id`, c.RunID)
	w.and(`(r.lease_until IS NULL OR r.lease_until <= ?)`, now)
	w.and(`(r.state <> `+literals(encryption.Queued)+` OR ((r.start_at IS NULL OR r.start_at <= ?) AND NOT EXISTS (
		SELECT 1 FROM runs o WHERE o.state IN `+openStates+`
			AND o.connection = r.connection AND o.datastore_id = r.datastore_id AND o.table_id = r.table_id
			AND o.seq <> r.seq AND (o.state <> `+literals(encryption.Queued)+` OR o.lease_until > ?))))`, now, now)
	candidate := `SELECT r.seq FROM runs r` + claimIndex(c) + w.sql() + ` ORDER BY r.seq LIMIT 1`

	// Most looks find nothing, and those cost no turn at the writer.
	var seq int64
	err := s.queryRow(ctx, candidate, w.args...).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for a run: %w", err)
	}

	text := `UPDATE runs SET lease_owner = ?, lease_until = ? WHERE seq = (` + candidate + `) RETURNING ` + runColumns
	args := append([]any{c.Owner, micros(c.Until)}, w.args...)
	var claimed *encryption.Run
	err = s.write(ctx, func(t *tx) error {
		run, err := scanRun(t.queryRow(text, args...))
		if errors.Is(err, sql.ErrNoRows) {
			return nil // another worker was faster
		}
		if err != nil {
			return fmt.Errorf("claim a run: %w", err)
		}
		claimed = &run
		return nil
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

// claimIndex names the index that a claim reads, so that no statistics, or none,
// let the database walk the runs that have ended.
func claimIndex(c encryption.Claim) string {
	switch {
	case c.RunID != "":
		return ``
	case c.Connection != "":
		return ` INDEXED BY runs_open_connection`
	}
	return ` INDEXED BY runs_open`
}

// RenewLeases moves the lease of every run the owner holds to until.
func (s *Store) RenewLeases(ctx context.Context, owner string, until time.Time) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE runs SET lease_until = ? WHERE lease_owner = ? AND lease_owner <> ''`, micros(until), owner)
		if err != nil {
			return fmt.Errorf("renew leases: %w", err)
		}
		return nil
	})
}

// ReleaseLeases drops the leases of every run whose owner begins with the
// prefix.
func (s *Store) ReleaseLeases(ctx context.Context, ownerPrefix string) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE runs SET lease_owner = '', lease_until = NULL
			WHERE lease_owner <> '' AND substr(lease_owner, 1, length(?)) = ?`, ownerPrefix, ownerPrefix)
		if err != nil {
			return fmt.Errorf("release leases: %w", err)
		}
		return nil
	})
}

// Advance commits a transition: the row, its events, records, callback and
// rotation dates, or none of them. What was asked for (table, columns, who and
// when) is never changed by it. The lease of a run that has ended is dropped,
// and a renewal since the caller read the row is kept.
func (s *Store) Advance(ctx context.Context, tr encryption.Transition) error {
	raw, err := canonical(tr.Records)
	if err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		if err := t.latencyOfRun(&tr); err != nil {
			return err
		}
		if err := t.updateRun(&tr); err != nil {
			return err
		}
		drift, err := t.coverageOfRun(&tr.Run, s.rules)
		if err != nil {
			return err
		}
		if err := t.insertEvents(tr.Run.ID, tr.Events); err != nil {
			return err
		}
		if tr.Verification != nil {
			if err := t.insertVerification(tr.Verification); err != nil {
				return err
			}
		}
		if err := t.observeRun(&tr); err != nil {
			return err
		}
		if err := t.saveKeyVersions(&tr.Run); err != nil {
			return err
		}
		if err := t.append(raw); err != nil {
			return err
		}
		return t.appendRecords(drift)
	})
}

func (t *tx) updateRun(tr *encryption.Transition) error {
	r := &tr.Run
	owner, until := r.Lease()
	w := where{}
	w.and(`id = ? AND state = ?`, r.ID, string(tr.From))
	w.equals(`lease_owner`, tr.Owner)
	args := append([]any{
		micros(until), owner, micros(until), owner,
		string(r.State), micros(r.StartAt), jsonText{r.Plan}, r.IdempotencyKey, r.Payload, r.CallbackToken, micros(r.NextRotation),
		r.Attempts, jsonText{r.Answer}, jsonText{r.After}, micros(r.ShownAt), micros(r.PatchedAt), micros(r.CallbackDeadline), micros(r.FinishedAt),
		r.Timings.TokenMs, r.Timings.ChecksMs, r.Timings.PatchMs, r.Timings.KMSMs,
		r.KeyVersion, r.KeyID, r.PermissionHash, string(r.ErrorCode), r.ErrorMessage, jsonText{r.Approval}, r.HeldWhy, r.TakenBy,
	}, w.args...)
	n, err := t.exec(`UPDATE runs SET
		lease_until = CASE WHEN lease_until > ? AND lease_owner = ? AND lease_owner <> '' THEN lease_until ELSE ? END, lease_owner = ?,
		state = ?, start_at = ?, plan = ?, idempotency_key = ?, payload = ?, callback_token = ?, next_rotation = ?,
		attempts = ?, answer = ?, after_columns = ?, shown_at = ?, patched_at = ?, callback_deadline = ?, finished_at = ?,
		token_ms = ?, checks_ms = ?, patch_ms = ?, kms_ms = ?,
		key_version = ?, key_id = ?, permission_hash = ?, error_code = ?, error_message = ?, approval = ?, held_why = ?, taken_by = ?`+w.sql(), args...)
	if err != nil {
		return fmt.Errorf("advance run %s: %w", r.ID, err)
	}
	if n == 1 {
		return nil
	}
	if err := t.mustBeIn(r.ID, tr.From); err != nil {
		return err
	}
	return fault.New(fault.Conflict, "Another worker has taken the run over.")
}

// mustBeIn answers fault.Conflict when the run is in another state than the
// caller saw, and fault.NotFound when there is none.
func (t *tx) mustBeIn(id string, want encryption.State) error {
	var state encryption.State
	err := t.queryRow(`SELECT state FROM runs WHERE id = ?`, id).Scan(&state)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return noRun()
	case err != nil:
		return fmt.Errorf("read the state of run %s: %w", id, err)
	case state != want:
		return fault.New(fault.Conflict, "The run is %s by now, no longer %s: look at it again.", state, want)
	}
	return nil
}

func noRun() error {
	return fault.New(fault.NotFound, "There is no such run.")
}

// Run returns the run with this id, or fault.NotFound.
func (s *Store) Run(ctx context.Context, id string) (encryption.Run, error) {
	return s.oneRun(ctx, `id = ?`, id)
}

// RunByCallbackToken returns the run whose callback URL ends in the token, or
// fault.NotFound; an empty token belongs to no run.
func (s *Store) RunByCallbackToken(ctx context.Context, token string) (encryption.Run, error) {
	return s.oneRun(ctx, `callback_token = ? AND callback_token <> ''`, token)
}

func (s *Store) oneRun(ctx context.Context, term, value string) (encryption.Run, error) {
	run, err := scanRun(s.queryRow(ctx, `SELECT `+runColumns+` FROM runs WHERE `+term, value))
	if errors.Is(err, sql.ErrNoRows) {
		return encryption.Run{}, noRun()
	}
	if err != nil {
		return encryption.Run{}, fmt.Errorf("read run: %w", err)
	}
	return run, nil
}

// lineColumns are what a list shows of a run. What else a run holds (its plan,
// the tenant's answer) is large and takes long to read.
const lineColumns = `seq, id, operation, state, connection, datastore_id, table_id,
	coalesce((SELECT t.name FROM inventory_tables t WHERE t.connection = runs.connection
		AND t.datastore_id = runs.datastore_id AND t.table_id = runs.table_id), ''),
	columns, requested_by, requested_role, requested_ip, requested_at, finished_at, error_message`

func scanRunLine(row scanner) (l encryption.RunLine, err error) {
	return l, row.Scan(&l.Seq, &l.ID, &l.Operation, &l.State, &l.Connection, &l.DatastoreID, &l.TableID, &l.TableName, jsonText{&l.Columns},
		&l.RequestedBy.Name, &l.RequestedBy.Role, &l.RequestedBy.IP, stamp{&l.RequestedAt}, stamp{&l.FinishedAt}, &l.ErrorMessage)
}

var runLines = numbered[encryption.RunLine]{"runs", `SELECT ` + lineColumns + ` FROM runs`, `seq`, scanRunLine}

// Runs lists runs that match, newest first: those before the given Seq (0:
// from the newest), limit at most.
func (s *Store) Runs(ctx context.Context, f encryption.RunFilter, before int64, limit int) ([]encryption.RunLine, error) {
	return runLines.before(ctx, s, runFilter(f), before, limit)
}

// RunsAfter is the page on the other side of Runs: the limit runs that match
// and come right after the given Seq, newest first too.
func (s *Store) RunsAfter(ctx context.Context, f encryption.RunFilter, after int64, limit int) ([]encryption.RunLine, error) {
	return runLines.after(ctx, s, runFilter(f), after, limit)
}

// RunCount counts the runs that match.
func (s *Store) RunCount(ctx context.Context, f encryption.RunFilter) (n int64, err error) {
	w := runFilter(f)
	if err := s.queryRow(ctx, `SELECT count(*) FROM runs`+w.sql(), w.args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count runs: %w", err)
	}
	return n, nil
}

func runFilter(f encryption.RunFilter) where {
	w := where{}
	switch f.State {
	case encryption.InProgress:
		w.and(`state IN ` + openStates)
	case encryption.NotVerified:
		w.and(`state IN (` + literals(encryption.UnverifiedEnds()...) + `)`)
	default:
		w.equals(`state`, f.State)
	}
	w.equals(`operation`, f.Operation)
	w.equals(`connection`, f.Connection)
	w.equals(`datastore_id`, f.DatastoreID)
	w.equals(`table_id`, f.TableID)
	w.equals(`requested_by`, f.RequestedBy)
	if !f.From.IsZero() {
		w.and(`requested_at >= ?`, micros(f.From))
	}
	if !f.To.IsZero() {
		w.and(`requested_at < ?`, micros(f.To))
	}
	return w
}

// AwaitingRuns returns the runs that wait for an approval, oldest first.
func (s *Store) AwaitingRuns(ctx context.Context) ([]encryption.Run, error) {
	runs, err := collect(ctx, s, scanRun, `SELECT `+runColumns+` FROM runs INDEXED BY runs_awaiting WHERE state = `+literals(encryption.Awaiting)+` ORDER BY seq`)
	if err != nil {
		return nil, fmt.Errorf("list runs that wait for an approval: %w", err)
	}
	return runs, nil
}

// WaitingRuns returns the runs of which nothing was sent and that are not held,
// oldest first, with no more than their id, state and people.
func (s *Store) WaitingRuns(ctx context.Context) ([]encryption.Run, error) {
	list, err := collect(ctx, s, func(row scanner) (r encryption.Run, err error) {
		return r, row.Scan(&r.ID, &r.State, &r.RequestedBy.Name, &r.RequestedBy.Role, &r.TakenBy, jsonText{&r.Approval})
	}, `SELECT id, state, requested_by, requested_role, taken_by, approval FROM runs INDEXED BY runs_waiting
		WHERE state IN (`+literals(encryption.Waiting()...)+`) ORDER BY seq`)
	if err != nil {
		return nil, fmt.Errorf("list runs that wait: %w", err)
	}
	return list, nil
}

// RunCounts is how many runs are in each state, as the database's triggers have
// counted them.
func (s *Store) RunCounts(ctx context.Context) (map[encryption.State]int64, error) {
	type count struct {
		state encryption.State
		n     int64
	}
	list, err := collect(ctx, s, func(row scanner) (c count, err error) {
		return c, row.Scan(&c.state, &c.n)
	}, `SELECT state, runs FROM run_counts WHERE runs > 0`)
	if err != nil {
		return nil, fmt.Errorf("count runs: %w", err)
	}
	counts := make(map[encryption.State]int64, len(list))
	for _, c := range list {
		counts[c.state] = c.n
	}
	return counts, nil
}
