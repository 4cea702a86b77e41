package web

import (
	"strconv"
	"strings"
)

// SensitivityText is a state as a sentence says it.
func SensitivityText(state string) string { return strings.ToLower(sensitivityLabel(state).text) }

// sensitivityStates are what a column is taken for.
var sensitivityStates = vocabulary{
	{"sensitive", label{"Sensitive", ToneWarning, "lock"}},
	{"not_sensitive", label{"Not sensitive", ToneNone, "circle"}},
	{"undecided", label{"Undecided", ToneInfo, "help"}},
}

// sensitivityLabel is a state's label. A column of which nothing is known yet is undecided.
func sensitivityLabel(state string) label {
	return sensitivityStates.label(firstOf(state, "undecided"))
}

var sensitivityOptions = sensitivityStates.options()

// categories are what a sensitive column can be, the most serious first.
var categories = []Option{
	{"national_id", "Official number"}, {"card", "Card"}, {"bank_account", "Bank account"}, {"health", "Health"},
	{"biometric", "Biometric"}, {"secret", "Secret"}, {"birth_date", "Birth date"}, {"contact", "Name or contact"},
	{"location", "Place of a person"}, {"content", "What people wrote or said"}, {"personal", "Specially protected"},
}

// CategoryText is a category as a person says it; empty for what only sounds sensitive.
func CategoryText(category string) string {
	if category == "not" {
		return ""
	}
	for _, c := range categories {
		if c.Value == category {
			return c.Label
		}
	}
	return category
}

// proposal says what the rules made of the column.
func (r SensitivityRow) proposal() string {
	text := CategoryText(r.Category)
	if r.Proposed != "sensitive" || text == "" {
		text = sensitivityLabel(r.Proposed).text
	}
	if r.Confidence > 0 {
		text += ", " + strconv.Itoa(r.Confidence) + "% sure"
	}
	return text
}
