package sensitivity

import "slices"

// The grammar of names: the last noun of phone_number_type is what the column
// holds, and what stands around a thing turns it into a fact about it.

// factAbout finds the word that makes the column a fact about the thing: type
// after phone, num before calls. The number of a row is none where the thing is
// kept as a number.
func (m match) factAbout(name []token) (token, bool) {
	isCoded := m.isCoded(name)
	for i, w := range name {
		if w.shared || isCoded && w.role&key != 0 {
			continue
		}
		if i < m.from && w.role&leads != 0 || i >= m.to && w.role&aspect != 0 {
			return w, true
		}
	}
	return token{}, false
}

// isCoded reports whether the thing is one of few values that tables keep by
// their numbers: religion_id in a table of persons is the religion.
func (m match) isCoded(name []token) bool {
	return (m.category == Personal || m.category == Health) &&
		slices.ContainsFunc(name[m.from:m.to], func(w token) bool { return w.role&coded != 0 })
}

// kindIn is what kind of value the column holds by its type, or by a word of
// the name that says more than the type: created_time is a date in text as
// well, but an amount is none: pay_year_to_date. It also says which of both it
// was.
func (m match) kindIn(name []token, columnType, typed string) (kind, because string) {
	isAmount := typed == number && hasFraction(columnType)
	for i, w := range name {
		switch {
		case i >= m.from && i < m.to || w.shared:
		case w.role&yesNo != 0:
			return boolean, "“" + w.text + "” beside it"
		case w.role&dated != 0 && !isAmount:
			return date, "“" + w.text + "” beside it"
		}
	}
	return typed, "of the type " + columnType
}

// whyNot says why a column of a kind does not hold a thing.
var whyNot = map[string]string{
	boolean: "a yes or no is a fact about it.",
	choice:  "one of a few values is a fact about it.",
	date:    "a date is an event.",
	number:  "a number refers to it.",
	unique:  "an identifier of a row refers to it.",
	binary:  "it is not kept so.",
	text:    "it is not kept so.",
}

// ofInstitution finds what tells that a name or an address is that of an
// institution, which is nobody's.
func (m match) ofInstitution(table *reading, name []token) (string, bool) {
	if m.category != Contact && m.category != Location {
		return "", false
	}
	// The word that is nearest before the thing says whose it is, then one after it.
	for _, w := range slices.Concat(reversed(name[:m.from]), name[m.to:]) {
		switch {
		case w.subject&person != 0:
			return "", false
		case w.subject&(institution|apparatus) != 0 && !w.shared:
			return "“" + w.text + "”", true
		}
	}
	if table.about&institution != 0 || m.category == Location && table.about&thing != 0 {
		return "the table's name", true
	}
	return "", false
}

// inValueList reports whether the table only lists what there is: diseases and
// drugs without a patient, countries, towns and their streets, products, or
// what it is itself named after, like gender_name in the table Gender.
func (m match) inValueList(table *reading, name []token) bool {
	switch {
	case m.category == Health && table.about&catalogue != 0,
		(m.category == Personal || m.category == Content && m.confidence >= sure) && table.lists,
		(m.category == Contact || m.category == Location) && table.places:
		return true
	case table.refers || m.category != Personal && m.category != Health:
		return false
	}
	return table.isNamedAfter(name[m.from:m.to])
}

// isNamedAfter reports whether the table's name is these words, but for such as
// type and list.
func (t *reading) isNamedAfter(thing []token) bool {
	named := slices.DeleteFunc(slices.Clone(t.title), func(w token) bool { return w.role&(leads|aspect|filler) != 0 })
	return len(named) > 0 && !slices.ContainsFunc(named, func(w token) bool {
		return !slices.ContainsFunc(thing, func(x token) bool { return x.stem == w.stem })
	})
}

func reversed(name []token) []token {
	back := slices.Clone(name)
	slices.Reverse(back)
	return back
}
