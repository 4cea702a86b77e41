package sensitivity

import (
	"fmt"
	"strings"
)

// Where a name does not say what a column of a table about persons holds, "not
// sensitive" is a guess that nobody looks at again. A person is asked instead.

// enoughNeighbours is how many columns that are proposed as sensitive make a
// table one about persons, whatever its name and its other columns.
const enoughNeighbours = 2

// anywhere is the confidence from which a person is asked about a column
// whatever the table.
const anywhere = 30

// ask makes undecided of not sensitive where no rule speaks of a column, its
// name does not say what it holds, its type may hold what is a person's, and
// the table is about persons or refers to one. A name in a table of which
// nothing says so is that of a thing, and nobody is asked.
func (t *reading) ask(columns []Header, proposals []Proposal) {
	why := t.ofPersons(columns, proposals)
	for i, p := range proposals {
		switch {
		case why == "":
			if p.State == Undecided && p.Confidence < anywhere && len(t.title) > 0 {
				proposals[i] = Proposal{State: NotSensitive, Confidence: p.Confidence, Reason: "Nothing in the table speaks of a person whose “" + joined(t.columns[i]) + "” it could be."}
			}
		case p.State == NotSensitive && p.Confidence == 0 && t.mayHold(columns[i].Type):
			if missing := unsaid(t.columns[i]); missing != "" {
				proposals[i] = Proposal{State: Undecided, Reason: missing + ", in a table " + why + ": what stands in the rows decides."}
			}
		}
	}
}

// ofPersons says what tells that the table holds what is a person's, and
// nothing where nothing does.
func (t *reading) ofPersons(columns []Header, proposals []Proposal) string {
	if t.about&person != 0 {
		return "about persons (" + t.named + " tells)"
	}
	n := 0
	for _, p := range proposals {
		// A secret or an account may be a machine's or a firm's.
		if p.State == Sensitive && p.Category != Secret && p.Category != BankAccount {
			n++
		}
	}
	if n >= enoughNeighbours {
		return fmt.Sprintf("with %d columns of persons", n)
	}
	if t.about&(institution|apparatus) != 0 {
		return ""
	}
	for i, name := range t.columns {
		for _, w := range name {
			if w.subject&(person|cases) != 0 {
				return "that refers to a person (the column “" + columns[i].Name + "” tells)"
			}
		}
	}
	return ""
}

// mayHold reports whether the type may hold what is a person's, whatever it is
// called: text, JSON, bytes; in a table about the health of persons also numbers
// and a yes or no, which may be codes and illnesses.
func (t *reading) mayHold(columnType string) bool {
	switch kindOf(strings.ToLower(columnType)) {
	case text, binary:
		return true
	case number, boolean, choice:
		return t.about&health != 0 && t.about&person != 0
	}
	return false
}

// unsaid says why the name does not tell what the column holds. It is empty
// where a word tells: that it is a fact about something, a date, a yes or no or
// the key of a row, or of a thing, an institution or a place.
func unsaid(name []token) string {
	var strangers []token
	isOpen, isKey := false, false
	for _, w := range name {
		switch {
		case w.shared || w.digits:
		case w.role&(aspect|leads|yesNo|dated|dull) != 0,
			w.subject&(thing|institution|apparatus|place|catalogue) != 0 && w.subject&person == 0:
			return ""
		case w.unknown():
			isOpen = true
			if !w.known {
				strangers = append(strangers, w)
			}
		case w.role&key != 0:
			isKey = true
		}
	}
	switch {
	case len(strangers) > 0:
		return "The rules do not know “" + joined(strangers) + "”"
	case isKey && !isOpen:
		return "" // codigo_cliente is the number of a row
	}
	return "The name does not say what it holds"
}
