package web

import (
	"strings"

	"github.com/a-h/templ"
)

func facetText(param, value string) string {
	switch param {
	case "operation":
		return OperationText(value)
	case "outcome":
		return outcomeLabel(value).text
	}
	return value
}

// pressed returns the attributes that mark the facet value by which the log is filtered.
func pressed(on bool) templ.Attributes {
	if !on {
		return nil
	}
	return templ.Attributes{"aria-current": "true"}
}

// OperationText returns an operation in words: "Key rotation" for KEY_ROTATION.
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

// operations are the audit log's operations (contract §4), for the filter.
var operations = []string{
	"COLUMN_ENCRYPTION", "KEY_ROTATION", "RUN_REQUESTED", "RUN_APPROVED", "RUN_DECLINED", "RUN_CANCELLED", "RUN_HELD", "RUN_TAKEN_OVER",
	"KMS_CALLBACK", "DRIFT_DETECTED", "ROTATION_OVERDUE", "ROTATION_OBSERVED", "LOGIN", "LOGOUT", "ACCESS_DENIED",
	"AUDIT_EXPORT", "AUDIT_REVIEW", "ATTENTION_ACKNOWLEDGED", "SETTINGS_CHANGED", "SENSITIVITY_DECIDED", "SENSITIVITY_REQUESTED", "SENSITIVITY_APPROVED",
	"SENSITIVITY_DECLINED", "USER_CHANGED", "CHECKPOINT_CREATED", "CAMPAIGN_CHANGED", "LOG_RESTORED",
}

func operationOptions(codes []string) []Option {
	out := make([]Option, len(codes))
	for i, c := range codes {
		out[i] = Option{Value: c, Label: OperationText(c)}
	}
	return out
}

// outcomes is the vocabulary of a record's outcomes.
var outcomes = vocabulary{
	{"SUCCESS", label{"Success", ToneSuccess, "check"}},
	{"FAILURE", label{"Failure", ToneDanger, "x"}},
	{"DENIED", label{"Denied", ToneWarning, "ban"}},
}

func outcomeLabel(outcome string) label { return outcomes.label(outcome) }

var outcomeOptions = outcomes.options()
