package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"cxseal/internal/rotation"
)

// DueColumns lists columns whose next transition has come, the longest due
// first. It reads nothing else.
func (s *Store) DueColumns(ctx context.Context, now time.Time, limit int) ([]rotation.Column, error) {
	list, err := collect(ctx, s, scanLedger, dueText, micros(now), limit)
	if err != nil {
		return nil, fmt.Errorf("list due rotations: %w", err)
	}
	return list, nil
}

const dueText = `SELECT ` + ledgerColumns + ` FROM rotation_dates WHERE next_at <= ? ORDER BY next_at LIMIT ?`

// StepRotations makes the transitions that have come, limit at most, each with
// its alarm, its record and its request for a run, and returns how many columns
// it looked at. All of a call is one transaction: a crash makes none of it.
func (s *Store) StepRotations(ctx context.Context, now time.Time, o rotation.ScanOptions, limit int) (int, error) {
	var looked int
	err := s.write(ctx, func(t *tx) error {
		due, err := t.dueColumns(now, limit)
		if err != nil || len(due) == 0 {
			return err
		}
		policies, err := t.policies()
		if err != nil {
			return err
		}
		looked = len(due)
		return t.stepRotations(now, o, due, policies)
	})
	return looked, err
}

func (t *tx) dueColumns(now time.Time, limit int) ([]rotation.Column, error) {
	due, err := collectFrom(t, scanLedger, dueText, micros(now), limit)
	if err != nil {
		return nil, fmt.Errorf("list due rotations: %w", err)
	}
	return due, nil
}

func (t *tx) stepRotations(now time.Time, o rotation.ScanOptions, due []rotation.Column, policies rotation.Policies) error {
	categories, err := t.categoriesOf(policies, due)
	if err != nil {
		return err
	}
	stepped := rotation.StepAll(now, o, due, policies, categories)
	for _, c := range stepped.Columns {
		_, err = t.exec(`UPDATE rotation_dates SET phase = ?, next_at = ?, grace_days = ?, wants_run = ?
			WHERE connection = ? AND datastore_id = ? AND table_id = ? AND column_name = ?`,
			int(c.Phase), micros(c.NextAt), c.GraceDays, c.WantsRun, c.Connection, c.DatastoreID, c.TableID, c.Column)
		if err != nil {
			return fmt.Errorf("step the rotation of %s: %w", c.Column, err)
		}
	}
	if err := t.ledgerMoved(true); err != nil {
		return err
	}
	if err := t.raise(stepped.Alarms); err != nil {
		return err
	}
	return t.appendRecords(stepped.Records)
}

// categoriesOf are the columns' sensitivity categories, looked up only where a
// policy asks for one.
func (t *tx) categoriesOf(policies rotation.Policies, columns []rotation.Column) (map[rotation.Key]string, error) {
	if !policies.ByCategory() {
		return nil, nil
	}
	categories := make(map[rotation.Key]string, len(columns))
	for _, c := range columns {
		var category string
		err := t.queryRow(categoryText, c.Connection, c.DatastoreID, c.TableID, c.Column).Scan(&category)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, fmt.Errorf("read a column's category: %w", err)
		}
		categories[c.Key] = category
	}
	return categories, nil
}

// WantedRuns lists columns for which a rotation run is to be launched, those
// of one run together.
func (s *Store) WantedRuns(ctx context.Context, limit int) ([]rotation.Column, error) {
	list, err := collect(ctx, s, scanLedger, `SELECT `+ledgerColumns+` FROM rotation_dates WHERE wants_run <> ''
		AND wants_run IN (SELECT DISTINCT wants_run FROM rotation_dates WHERE wants_run <> '' ORDER BY wants_run LIMIT ?)
		ORDER BY wants_run, column_name`, limit)
	if err != nil {
		return nil, fmt.Errorf("list wanted runs: %w", err)
	}
	return list, nil
}

// RunWasLaunched ends the request for a run.
func (s *Store) RunWasLaunched(ctx context.Context, runID string) error {
	return s.write(ctx, func(t *tx) error {
		if _, err := t.exec(`UPDATE rotation_dates SET wants_run = '' WHERE wants_run = ? AND wants_run <> ''`, runID); err != nil {
			return fmt.Errorf("note a launched run: %w", err)
		}
		return nil
	})
}
