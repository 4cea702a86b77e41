package sensitivity

import "time"

// Decisions are what can be decided of a column, and that nothing was.
var Decisions = []State{"", Sensitive, NotSensitive}

// StateOf is what a column is taken for: what a person decided, else what is
// proposed.
func StateOf(decided, proposed State) State {
	if decided != "" {
		return decided
	}
	return proposed
}

// Apply proposes for the column by the rules. A person's decision stays.
func (r *Rules) Apply(c *Column) {
	c.Proposal = r.Propose(c.Column, c.Type)
	c.State = StateOf(c.Decided, c.Proposal.State)
}

// Apply makes the decision about one of its columns: Undecided takes an earlier
// one back, and the proposal holds again.
func (d Decision) Apply(c *Column) {
	c.Decided, c.DecidedBy, c.DecidedAt = d.State, d.By, d.At
	if d.State == Undecided {
		c.Decided, c.DecidedBy, c.DecidedAt = "", "", time.Time{}
	}
	c.State = StateOf(c.Decided, c.Proposal.State)
}
