package web

import "slices"

// text is what an option shows: its label, or its value when it has none.
func (o Option) text() string {
	if o.Label == "" {
		return o.Value
	}
	return o.Label
}

func hasOption(options []Option, value string) bool {
	return slices.ContainsFunc(options, func(o Option) bool { return o.Value == value })
}

// noticeRole makes what is wrong heard at once, and the rest when convenient.
func noticeRole(t Tone) string {
	if t == ToneDanger {
		return "alert"
	}
	return "status"
}

// firstOf returns the first of its arguments that is not empty.
func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// pagerText says how much of the list is shown.
func pagerText(p Pager, shown int, one, many string) string {
	text := Plural(shown, one, many) + " on this page"
	if p.Total != "" {
		text += ", " + p.Total + " in all"
	}
	return text
}

// Coverage counts encrypted columns.
type Coverage struct {
	Encrypted int
	Total     int
	Rate      float64 // percent, two decimals
}

// Pager leads through a list ordered newest first. An empty URL means there is
// nothing in that direction.
type Pager struct {
	Newer string // URL of the page with newer entries
	Older string // URL of the page with older entries
	Total string // "1,204" or "more than 10,000"; empty when it was not counted
}

// Option is one choice of a select box.
type Option struct {
	Value string
	Label string // Value when empty
}

// dateKind keeps a date in a date picker and shows anything finer, such as an
// RFC 3339 time from a shared address, as it was written.
func dateKind(value string) string {
	if value == "" || len(value) == len("2006-01-02") {
		return "date"
	}
	return "text"
}

var yesNoOptions = []Option{{"yes", "Yes"}, {"no", "No"}}

// strategyOptions are who may rotate a key.
var strategyOptions = []Option{{"AUTOMATIC", "Automatic: CXone rotates"}, {"MANUAL", "Manual: we rotate"}}
