package sensitivity

// StateOf is what a column is taken for: what a person decided, else what is
// proposed.
func StateOf(decided, proposed State) State {
	if decided != "" {
		return decided
	}
	return proposed
}

// Apply proposes for all columns of a table by the rules. People's decisions
// stay.
func (r *Rules) Apply(name string, columns []Column) {
	t := Table{Name: name, Columns: make([]Header, len(columns))}
	for i, c := range columns {
		t.Columns[i] = Header{Name: c.Column, Type: c.Type}
	}
	for i, p := range r.Propose(t) {
		columns[i].Proposal = p
		columns[i].State = StateOf(columns[i].Decided, p.State)
	}
}
