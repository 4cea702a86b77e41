package store

import (
	"context"
	"fmt"

	"cxseal/internal/encryption"
)

const eventColumns = `seq, run_id, at, state, kind, message`

func scanEvent(row scanner) (encryption.Event, error) {
	var e encryption.Event
	err := row.Scan(&e.Seq, &e.RunID, stamp{&e.At}, &e.State, &e.Kind, &e.Message)
	return e, err
}

// AddEvents appends to a run's dossier outside a transition. An event of a run
// that does not exist is an error.
func (s *Store) AddEvents(ctx context.Context, events ...encryption.Event) error {
	if len(events) == 0 {
		return nil
	}
	return s.write(ctx, func(t *tx) error { return t.insertEvents("", events) })
}

// insertEvents appends events; runID stands in where an event names no run.
func (t *tx) insertEvents(runID string, events []encryption.Event) error {
	for _, e := range events {
		if e.RunID == "" {
			e.RunID = runID
		}
		_, err := t.exec(`INSERT INTO run_events (run_id, at, state, kind, message) VALUES (?, ?, ?, ?, ?)`,
			e.RunID, micros(e.At), string(e.State), e.Kind, e.Message)
		if err != nil {
			return fmt.Errorf("add event to run %q: %w", e.RunID, err)
		}
	}
	return nil
}

// RunEvents returns the run's events after the given Seq (0: all), oldest
// first.
func (s *Store) RunEvents(ctx context.Context, runID string, afterSeq int64) ([]encryption.Event, error) {
	events, err := collect(ctx, s, scanEvent,
		`SELECT `+eventColumns+` FROM run_events WHERE run_id = ? AND seq > ? ORDER BY seq`, runID, afterSeq)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return events, nil
}
