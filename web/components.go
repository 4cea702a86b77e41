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

// firstOf is the first of its arguments that is not empty.
func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// narrowed reports whether the list of tables is filtered.
func (v DatastoresView) narrowed() bool {
	return v.Query != "" || v.DatastoreID != "" || v.Untouched || (v.Connection != "" && len(v.Connections) > 1)
}

// pagerText says how much of the list is shown.
func pagerText(p Pager, shown int, one, many string) string {
	text := Plural(shown, one, many) + " on this page"
	if p.Total != "" {
		text += ", " + p.Total + " in all"
	}
	return text
}
