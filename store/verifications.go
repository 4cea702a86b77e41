package store

import (
	"context"
	"fmt"

	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
)

const verificationColumns = `seq, id, run_id, connection, received_at, remote_ip, inline, signed, webhook_id, body_hash, body,
	accepted, code, reason, table_id, columns, key_version, key_id, algorithm, status, answer, checks`

func scanVerification(row scanner) (encryption.Verification, error) {
	var v encryption.Verification
	err := row.Scan(&v.Seq, &v.ID, &v.RunID, &v.Connection, stamp{&v.ReceivedAt}, &v.RemoteIP, &v.Inline, &v.Signed, &v.WebhookID, &v.BodyHash, &v.Body,
		&v.Accepted, &v.Code, &v.Reason, &v.TableID, jsonText{&v.Columns}, &v.KeyVersion, &v.KeyID, &v.Algorithm, &v.Status, &v.Answer, jsonText{&v.Checks})
	return v, err
}

// verificationLine are the columns that a list shows of a callback: without its
// body, the answer to it and the checks, which are large.
const verificationLine = `seq, id, run_id, connection, received_at, remote_ip, inline, signed, webhook_id,
	accepted, code, reason, table_id, columns, key_version, key_id, algorithm, status`

func scanVerificationLine(row scanner) (v encryption.Verification, err error) {
	return v, row.Scan(&v.Seq, &v.ID, &v.RunID, &v.Connection, stamp{&v.ReceivedAt}, &v.RemoteIP, &v.Inline, &v.Signed, &v.WebhookID,
		&v.Accepted, &v.Code, &v.Reason, &v.TableID, jsonText{&v.Columns}, &v.KeyVersion, &v.KeyID, &v.Algorithm, &v.Status)
}

// AddVerification stores a callback that changes no run's state. When in is
// not empty and the run is in another state by now, that is fault.Conflict and
// nothing is stored.
func (s *Store) AddVerification(ctx context.Context, v encryption.Verification, in encryption.State, events []encryption.Event, records []audit.Record) error {
	raw, err := canonical(records)
	if err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		if in != "" {
			if err := t.mustBeIn(v.RunID, in); err != nil {
				return err
			}
		}
		if err := t.insertVerification(&v); err != nil {
			return err
		}
		if err := t.insertEvents(v.RunID, events); err != nil {
			return err
		}
		return t.append(raw)
	})
}

func (t *tx) insertVerification(v *encryption.Verification) error {
	_, err := t.exec(`INSERT INTO verifications (id, run_id, connection, received_at, remote_ip, inline, signed, webhook_id, body_hash, body,
		accepted, code, reason, table_id, columns, key_version, key_id, algorithm, status, answer, checks)
		VALUES (`+placeholders(21)+`)`,
		v.ID, v.RunID, v.Connection, micros(v.ReceivedAt), v.RemoteIP, v.Inline, v.Signed, v.WebhookID, v.BodyHash, v.Body,
		v.Accepted, v.Code, v.Reason, v.TableID, names(v.Columns), v.KeyVersion, v.KeyID, v.Algorithm, v.Status, v.Answer, jsonText{checks(v.Checks)})
	if t.isDuplicate(err) {
		return fault.Wrap(err, fault.Conflict, "The callback %s is stored already.", v.ID)
	}
	if err != nil {
		return fmt.Errorf("store callback: %w", err)
	}
	return nil
}

// RunVerifications returns the run's callbacks, oldest first.
func (s *Store) RunVerifications(ctx context.Context, runID string) ([]encryption.Verification, error) {
	list, err := collect(ctx, s, scanVerification,
		`SELECT `+verificationColumns+` FROM verifications WHERE run_id = ? ORDER BY seq`, runID)
	if err != nil {
		return nil, fmt.Errorf("read callbacks: %w", err)
	}
	return list, nil
}

var verificationLines = numbered[encryption.Verification]{"callbacks", `SELECT ` + verificationLine + ` FROM verifications`, `seq`, scanVerificationLine}

// Verifications lists callbacks that match, newest first: those before the
// given Seq (0: from the newest), limit at most. Their bodies, answers and
// checks stay empty; RunVerifications has them.
func (s *Store) Verifications(ctx context.Context, f encryption.VerificationFilter, before int64, limit int) ([]encryption.Verification, error) {
	return verificationLines.before(ctx, s, verificationFilter(f), before, limit)
}

// VerificationsAfter is the page on the other side of Verifications: the limit
// callbacks that match and come right after the given Seq, newest first too.
func (s *Store) VerificationsAfter(ctx context.Context, f encryption.VerificationFilter, after int64, limit int) ([]encryption.Verification, error) {
	return verificationLines.after(ctx, s, verificationFilter(f), after, limit)
}

func verificationFilter(f encryption.VerificationFilter) where {
	w := where{}
	w.equals(`run_id`, f.RunID)
	w.equals(`connection`, f.Connection)
	w.equals(`table_id`, f.TableID)
	if f.Accepted != nil {
		w.and(`accepted = ?`, *f.Accepted)
	}
	if !f.From.IsZero() {
		w.and(`received_at >= ?`, micros(f.From))
	}
	if !f.To.IsZero() {
		w.and(`received_at < ?`, micros(f.To))
	}
	return w
}

// checks keeps an empty list from being stored as null.
func checks(list []encryption.Check) []encryption.Check {
	if list == nil {
		return []encryption.Check{}
	}
	return list
}
