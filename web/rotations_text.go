package web

// rotationStatuses are what the rotation ledger says of a column, the most pressing first.
var rotationStatuses = vocabulary{
	{"overdue", label{"Overdue", ToneDanger, "warning"}},
	{"due", label{"Due", ToneWarning, "clock"}},
	{"soon", label{"Due soon", ToneInfo, "clock"}},
	{"unknown", label{"Unknown", ToneWarning, "help"}},
	{"late", label{"Rotated late", ToneWarning, "clock"}},
	{"on_time", label{"On time", ToneSuccess, "check"}},
}

func rotationLabel(status string) label { return rotationStatuses.label(status) }

var rotationOptions = rotationStatuses.options()

var timelinessText = map[string]string{
	"on_time":  "on time",
	"late":     "late",
	"unproven": "nobody looked in between, so it cannot be told whether on time",
}

var seenText = map[string]string{
	"table":    "seen in the table",
	"answer":   "in CXone's answer to a run",
	"callback": "by verified KMS callback",
}
