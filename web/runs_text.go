package web

// runStates are the states of a run.
var runStates = vocabulary{
	{"awaiting", label{"Awaits approval", ToneWarning, "clock"}},
	{"queued", label{"Queued", ToneNone, "clock"}},
	{"held", label{"Held", ToneWarning, "ban"}},
	{"checking", label{"Checking", ToneInfo, "loader"}},
	{"patching", label{"Patching", ToneInfo, "loader"}},
	{"verifying", label{"Waiting for KMS", ToneInfo, "loader"}},
	{"verified", label{"Verified", ToneSuccess, "check"}},
	{"rejected", label{"Rejected", ToneDanger, "x"}},
	{"unconfirmed", label{"Unconfirmed", ToneWarning, "help"}},
	{"failed", label{"Failed", ToneDanger, "x"}},
	{"cancelled", label{"Cancelled", ToneNone, "ban"}},
}

func stateLabel(state string) label { return runStates.label(state) }

// stateOptions are the choices of the run list's filter: every state, those that a worker moves on taken together, and
// those in which a run ended without being verified.
var stateOptions = append([]Option{{"in_progress", "In progress"}, {"not_verified", "Ended, not verified"}}, runStates.options()...)

// runOperationOptions are the operations that a run may be of.
var runOperationOptions = operationOptions([]string{"COLUMN_ENCRYPTION", "KEY_ROTATION"})

// tookText is how long a run took from request to end.
func tookText(r RunRow) string {
	if r.FinishedAt.IsZero() {
		return "—"
	}
	return FormatMillis(max(between(r.RequestedAt, r.FinishedAt), 0))
}
