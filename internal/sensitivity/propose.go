package sensitivity

import "strings"

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
	Category   Category // empty unless a phrase was found that speaks of one
	Confidence int      // 1 to 100; 0 when no phrase was found
	Reason     string   // one sentence for a person
}

// Table is a table as far as it is known without its rows.
type Table struct {
	Name    string
	Columns []Header
}

// Header is what is known of a column without its rows.
type Header struct{ Name, Type string }

// Propose says what the columns of a table seem to be, in their order.
func (r *Rules) Propose(t Table) []Proposal {
	proposals := make([]Proposal, len(t.Columns))
	for i, c := range t.Columns {
		proposals[i] = r.propose(c.Name, c.Type)
	}
	return proposals
}

// propose says what a column seems to be. No phrase in its name means not
// sensitive, with no confidence.
func (r *Rules) propose(name, columnType string) Proposal {
	columnType = strings.ToLower(columnType)
	cut, kind := words(name), kindOf(columnType)
	for i := range r.phrases {
		p := &r.phrases[i]
		if !p.matches(cut, kind, columnType) {
			continue
		}
		said := p.said(name)
		switch {
		case p.category == Not:
			return Proposal{State: NotSensitive, Confidence: p.confidence, Reason: said + " speaks against it."}
		case p.confidence < sure:
			return Proposal{State: Undecided, Category: p.category, Confidence: p.confidence,
				Reason: said + " may mean anything; what stands in the rows decides."}
		}
		return Proposal{State: Sensitive, Category: p.category, Confidence: p.confidence, Reason: said + " speaks for it."}
	}
	return Proposal{State: NotSensitive, Reason: "No rule speaks of this name."}
}

// said is what of the column the phrase was found in, for a person.
func (p *phrase) said(name string) string {
	cut := words(name)
	for at := 0; at+len(p.words) <= len(cut); at++ {
		if !p.matchesAt(cut[at:]) {
			continue
		}
		if len(p.words) == 1 && p.words[0] == "*" {
			return "Its type (" + strings.Join(p.types, " or ") + ")"
		}
		return "“" + strings.Join(cut[at:at+len(p.words)], " ") + "” in the name"
	}
	return "The name"
}

// kindOf reduces a tenant's type to what the rules tell apart. What is not
// known is taken for text.
func kindOf(columnType string) string {
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(columnType, p) {
				return true
			}
		}
		return false
	}
	switch {
	case has("bool", "bit"):
		return "boolean"
	case has("date", "time"):
		return "date"
	case has("int", "num", "dec", "float", "double", "money", "serial", "real"):
		return "number"
	case has("binary", "blob", "bytes", "file", "image", "attachment"):
		return "binary"
	}
	return "text"
}
