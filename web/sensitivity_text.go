package web

import "strconv"

// SensitivityText is a state as a sentence says it.
func SensitivityText(state string) string {
	switch state {
	case "sensitive":
		return "sensitive"
	case "not_sensitive":
		return "not sensitive"
	}
	return "undecided"
}

func sensitivityLabel(state string) label {
	switch state {
	case "sensitive":
		return label{"Sensitive", ToneWarning, "lock"}
	case "not_sensitive":
		return label{"Not sensitive", ToneNone, "circle"}
	}
	return label{"Undecided", ToneInfo, "help"}
}

var sensitivityOptions = []Option{{"sensitive", "Sensitive"}, {"not_sensitive", "Not sensitive"}, {"undecided", "Undecided"}}

var categoryTexts = map[string]string{
	"national_id": "Official number", "card": "Card", "bank_account": "Bank account", "health": "Health", "secret": "Secret",
	"birth_date": "Birth date", "contact": "Name or contact", "personal": "Specially protected", "not": "",
}

// CategoryText is a category as a person says it.
func CategoryText(category string) string {
	if text, ok := categoryTexts[category]; ok {
		return text
	}
	return category
}

var categoryOptions = func() []Option {
	var list []Option
	for _, c := range []string{"national_id", "card", "bank_account", "health", "secret", "birth_date", "contact", "personal"} {
		list = append(list, Option{c, categoryTexts[c]})
	}
	return list
}()

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
