package web

func stateLabel(state string) label {
	switch state {
	case "awaiting":
		return label{"Awaits approval", ToneWarning, "clock"}
	case "queued":
		return label{"Queued", ToneNone, "clock"}
	case "checking":
		return label{"Checking", ToneInfo, "loader"}
	case "patching":
		return label{"Patching", ToneInfo, "loader"}
	case "verifying":
		return label{"Waiting for KMS", ToneInfo, "loader"}
	case "verified":
		return label{"Verified", ToneSuccess, "check"}
	case "rejected":
		return label{"Rejected", ToneDanger, "x"}
	case "unconfirmed":
		return label{"Unconfirmed", ToneWarning, "help"}
	case "failed":
		return label{"Failed", ToneDanger, "x"}
	case "cancelled":
		return label{"Cancelled", ToneNone, "ban"}
	}
	return label{state, ToneNone, "circle"}
}

var stateOptions = func() []Option {
	out := []Option{{"in_progress", "In progress"}}
	for _, s := range []string{"awaiting", "queued", "checking", "patching", "verifying", "verified", "rejected", "unconfirmed", "failed", "cancelled"} {
		out = append(out, Option{s, stateLabel(s).text})
	}
	return out
}()

// tookText is how long a run took from request to end.
func tookText(r RunRow) string {
	if r.FinishedAt.IsZero() {
		return "—"
	}
	return FormatMillis(max(between(r.RequestedAt, r.FinishedAt), 0))
}
