package web

func rotationLabel(status string) label {
	switch status {
	case "overdue":
		return label{"Overdue", ToneDanger, "warning"}
	case "due":
		return label{"Due", ToneWarning, "clock"}
	case "soon":
		return label{"Due soon", ToneInfo, "clock"}
	case "scheduled":
		return label{"Scheduled", ToneNone, "calendar"}
	case "unknown":
		return label{"Unknown", ToneWarning, "help"}
	case "late":
		return label{"Rotated late", ToneWarning, "clock"}
	case "on_time":
		return label{"On time", ToneSuccess, "check"}
	}
	return label{status, ToneNone, "circle"}
}

var rotationOptions = []Option{{"overdue", "Overdue"}, {"due", "Due"}, {"soon", "Due soon"},
	{"unknown", "Unknown"}, {"late", "Rotated late"}, {"on_time", "On time"}}

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
