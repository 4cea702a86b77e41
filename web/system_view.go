package web

import "time"

// SystemView shows how the console is set up. It holds no secret.
type SystemView struct {
	Chrome
	Connections []ConnectionRow
	CanReseal   bool   // show the button that changes the sealing key
	VerifierKey string // the log's verifier key; empty: none
	LogSize     int64  // records in the log
	Log         LogState
	Facts       []Fact // version, database size, start time, …
}

// ConnectionRow is one connection to a tenant.
type ConnectionRow struct {
	Name      string
	BaseURL   string
	Source    string // "environment" or "database"
	Mode      string // "client-credentials" or "access-key"
	Callback  string // callback base, without a token
	Signed    bool   // callbacks must be signed
	Tone      Tone
	State     string // "Reachable", "Not reached since 04:00 UTC"
	Detail    string // one sentence; may be empty
	CheckedAt time.Time
}

// Fact is one labelled value.
type Fact struct {
	Label string
	Value string
}
