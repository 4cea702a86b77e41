package web

import "strings"

// How the field's codes read to a person, and how they are meant. A code that
// is not known here is shown as it is: another release may have written it.

// label is a word, a tone and an icon; the three always go together, so that
// no state is told by colour alone.
type label struct {
	text string
	tone Tone
	icon string
}

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

func outcomeLabel(outcome string) label {
	switch outcome {
	case "SUCCESS":
		return label{"Success", ToneSuccess, "check"}
	case "FAILURE":
		return label{"Failure", ToneDanger, "x"}
	case "DENIED":
		return label{"Denied", ToneWarning, "ban"}
	}
	return label{outcome, ToneNone, "circle"}
}

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

func acceptedLabel(accepted bool) label {
	if accepted {
		return label{"Accepted", ToneSuccess, "check"}
	}
	return label{"Refused", ToneDanger, "x"}
}

func encryptedLabel(encrypted bool) label {
	if encrypted {
		return label{"Encrypted", ToneSuccess, "lock"}
	}
	return label{"Not encrypted", ToneNone, "unlock"}
}

func checkLabel(r CheckResult) label {
	switch r {
	case CheckPassed:
		return label{"Passed", ToneSuccess, "check"}
	case CheckFailed:
		return label{"Failed", ToneDanger, "x"}
	}
	return label{"Not checked", ToneNone, "circle"}
}

func toneIcon(t Tone) string {
	switch t {
	case ToneSuccess:
		return "check"
	case ToneWarning:
		return "warning"
	case ToneDanger:
		return "alert"
	}
	return "info"
}

// toneWord is read aloud before a message, for those who don't see its colour.
func toneWord(t Tone) string {
	switch t {
	case ToneSuccess:
		return "Done: "
	case ToneWarning:
		return "Warning: "
	case ToneDanger:
		return "Error: "
	}
	return "Note: "
}

func toneClass(t Tone) string {
	if t == ToneNone {
		return "cx-tone-none"
	}
	return "cx-tone-" + string(t)
}

// OperationText is an operation as a person says it: KEY_ROTATION is
// "Key rotation".
func OperationText(op string) string {
	switch op {
	case "":
		return ""
	case "KMS_CALLBACK":
		return "KMS callback"
	}
	s := strings.ToLower(strings.ReplaceAll(op, "_", " "))
	return strings.ToUpper(s[:1]) + s[1:]
}

// RoleText is a role with a capital.
func RoleText(role string) string {
	if role == "" {
		return ""
	}
	return strings.ToUpper(role[:1]) + role[1:]
}

// operations are the audit log's operations (contract §4), for the filter.
var operations = []string{
	"COLUMN_ENCRYPTION", "KEY_ROTATION", "RUN_REQUESTED", "RUN_APPROVED", "RUN_DECLINED", "RUN_CANCELLED", "KMS_CALLBACK",
	"DRIFT_DETECTED", "ROTATION_OVERDUE", "ROTATION_OBSERVED", "LOGIN", "LOGOUT", "ACCESS_DENIED",
	"AUDIT_EXPORT", "AUDIT_REVIEW", "SETTINGS_CHANGED", "USER_CHANGED", "CHECKPOINT_CREATED", "CAMPAIGN_CHANGED",
}

func operationOptions(codes []string) []Option {
	out := make([]Option, len(codes))
	for i, c := range codes {
		out[i] = Option{Value: c, Label: OperationText(c)}
	}
	return out
}

var outcomeOptions = []Option{{"SUCCESS", "Success"}, {"FAILURE", "Failure"}, {"DENIED", "Denied"}}

var stateOptions = func() []Option {
	out := []Option{{"in_progress", "In progress"}}
	for _, s := range []string{"awaiting", "queued", "checking", "patching", "verifying", "verified", "rejected", "unconfirmed", "failed", "cancelled"} {
		out = append(out, Option{s, stateLabel(s).text})
	}
	return out
}()

var rotationOptions = []Option{{"overdue", "Overdue"}, {"due", "Due"}, {"soon", "Due soon"},
	{"unknown", "Unknown"}, {"late", "Rotated late"}, {"on_time", "On time"}}

var acceptedOptions = []Option{{"yes", "Accepted"}, {"no", "Refused"}}
