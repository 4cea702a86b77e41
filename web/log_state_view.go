package web

import "time"

// LogState says how far the log is signed and how far a copy of that has left
// the machine. The zero value shows nothing.
type LogState struct {
	Size         int64
	Checkpoint   int64 // records the newest signed checkpoint covers; 0: none yet
	CheckpointAt time.Time
	Anchors      []string // where copies go; empty: nowhere
	Anchored     int64    // records the newest anchored checkpoint covers; 0: none yet
	AnchoredAt   time.Time
	Where        string // where that one went
	NotAnchored  int64  // records after it
	Error        string // why the last attempt failed; empty: it did not
	FailedSince  time.Time
}
