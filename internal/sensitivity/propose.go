package sensitivity

import (
	"fmt"
	"strings"
)

// sure is the confidence from which a column is proposed as sensitive.
const sure = 60

// State is what a column is taken for.
type State string

// The states of a proposal and of a decision.
const (
	Sensitive    State = "sensitive"
	NotSensitive State = "not_sensitive"
	Undecided    State = "undecided"
)

// States returns every state.
func States() []State { return []State{Sensitive, NotSensitive, Undecided} }

// Proposal is what the rules say of a column.
type Proposal struct {
	State      State
	Category   Category // empty unless the column is proposed as sensitive, or may be
	Confidence int      // 1 to 100; 0 when no phrase was found
	Reason     string   // one sentence for a person, which names the evidence
}

// Propose says what the columns of a table seem to be, in their order. The
// table's own name and the other columns are evidence too. No phrase in a
// column's name means not sensitive, with no confidence.
func (r *Rules) Propose(t Table) []Proposal {
	table := r.read(t)
	proposals := make([]Proposal, len(t.Columns))
	for i, c := range t.Columns {
		columnType := strings.ToLower(c.Type)
		proposals[i] = r.propose(&table, i, columnType, kindOf(columnType))
	}
	table.ask(t.Columns, proposals)
	return proposals
}

func (r *Rules) propose(table *reading, at int, columnType, kind string) Proposal {
	name := table.columns[at]
	best := Proposal{Reason: "No rule speaks of this name."}
	rank := -1
	matches := table.matches(at, columnType, kind)
	for i, m := range matches {
		if m.within(matches, i) {
			continue
		}
		p := r.judge(table, name, m, columnType, kind)
		if n := m.rank(p); n > rank {
			best, rank = p, n
		}
	}
	if best.State == "" {
		best.State = NotSensitive
	}
	return best
}

// matches are the phrases in the name whose conditions hold.
func (t *reading) matches(at int, columnType, kind string) []match {
	kept := t.found[at][:0]
	for _, m := range t.found[at] {
		if len(m.types) > 0 && !m.carries(kind, columnType) && (m.category == Not || m.ofType()) {
			continue
		}
		if m.common(t.columns[at]) {
			continue
		}
		if m.tells == 0 && (m.languages == 0 || m.languages&t.languages != 0) && m.concerns(t, t.columns[at]) {
			kept = append(kept, m)
		}
	}
	return kept
}

// concerns reports whether the phrase's subject is that of the table or of
// another word of the name. A name or a number may then still be anything's: a
// word beside it that the rules do not know is enough to make it no person's
// (theme_name). A value in a table of findings stays one.
func (m match) concerns(table *reading, name []token) bool {
	if m.about == 0 {
		return true
	}
	about := table.about&m.about != 0
	anything := (m.category == Contact || m.category == NationalID || m.category == Personal) && !m.ofType()
	for i, w := range name {
		if i >= m.from && i < m.to {
			continue
		}
		about = about || w.subject&m.about != 0
		judged := leads | yesNo | dated // by judge, later
		if i >= m.to {
			judged = aspect | yesNo | dated
		}
		if anything && !w.shared && !w.digits && w.role&(filler|judged) == 0 && w.subject&(m.about|person) == 0 {
			return false
		}
	}
	return about
}

// within reports whether another phrase takes this one in: bank account number
// says more than number, and a name that speaks against it more than a type. An organisation's own phrase is only taken in by
// another of its own.
func (m match) within(matches []match, at int) bool {
	for i, other := range matches {
		switch {
		case i != at && m.ofType() && other.category == Not && m.own == other.own:
			return true
		case i == at || m.own && !other.own || other.to <= m.from || other.from >= m.to:
		case other.own && !m.own:
			return true
		case other.from <= m.from && other.to >= m.to && other.to-other.from > m.to-m.from:
			return true
		}
	}
	return false
}

// rank orders what the phrases of one name propose: an organisation's own
// first, then what is sensitive, then what a person must look at; of equals the
// surer, then the later one, which is the head in most names.
func (m match) rank(p Proposal) int {
	n := p.Confidence*64 + min(m.to, 63)
	switch p.State {
	case Sensitive:
		n += 2 << 14
	case Undecided:
		n += 1 << 14
	case NotSensitive:
	}
	if m.own {
		n += 4 << 14
	}
	return n
}

// judge says what a phrase means where it stands, in a column of this type.
func (r *Rules) judge(table *reading, name []token, m match, columnType, kind string) Proposal {
	said := "“" + joined(name[m.from:m.to]) + "”"
	not := func(format string, args ...any) Proposal {
		return Proposal{State: NotSensitive, Confidence: m.confidence, Reason: fmt.Sprintf(format, args...)}
	}
	if m.ofType() {
		said = "Its type (" + columnType + ")"
	}
	if m.category == Not {
		return not("%s in the name speaks against it.", said)
	}
	if w, ok := m.factAbout(name); ok && !m.ofType() {
		return not("“%s” makes it a fact about %s.", w.text, said)
	}
	if m.inValueList(table, name) {
		return not("%s is nobody's in a table that lists what there is.", said)
	}
	kind, because := m.kindIn(name, columnType, kind)
	if kind != kindOf(columnType) {
		columnType = kind // the name says more than the type
	}
	if carried := m.carries(kind, columnType) || kind == number && m.isNumber(name); !carried {
		return not("%s is %s: %s", said, because, whyNot[kind])
	}
	if w, ok := m.ofInstitution(table, name); ok {
		return not("%s belongs to an institution, says %s.", said, w)
	}
	if m.confidence < sure {
		return Proposal{State: Undecided, Category: m.category, Confidence: m.confidence,
			Reason: said + " may mean anything; what stands in the rows decides."}
	}
	p := Proposal{State: Sensitive, Category: m.category, Confidence: m.confidence, Reason: said + " in the name speaks for it."}
	switch {
	case m.about&table.about != 0:
		p.Reason = fmt.Sprintf("%s in a table about %s speaks for it%s.", said, r.nameOf(m.about&table.about), table.evidence(m.about))
	case m.ofType():
		p.Reason = said + " speaks for it."
	}
	return p
}

// evidence says what tells that a table is about persons.
func (t *reading) evidence(about subject) string {
	if about&person == 0 || t.named == "" {
		return ""
	}
	return " (" + t.named + " tells)"
}

// nameOf names the subjects of a set.
func (r *Rules) nameOf(set subject) string {
	var names []string
	for i, name := range r.subjects {
		if set&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, " or ")
}
