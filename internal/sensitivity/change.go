package sensitivity

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"

	"cxseal/internal/audit"
	"cxseal/internal/protection"
)

// Change is what a decision does to one column.
type Change struct {
	Column       // as it is before the decision
	To     State // the decision: Sensitive, NotSensitive, or Undecided to take an earlier one back
}

// Decided is what a person has decided once the change is made, empty when a
// decision was taken back.
func (c Change) Decided() State {
	if c.To == Undecided {
		return ""
	}
	return c.To
}

// Is is what the column counts as once the change is made.
func (c Change) Is() State { return StateOf(c.Decided(), c.Proposal.State) }

// TakesOut reports whether the change takes the column out of what the coverage
// counts: it is sensitive, by proposal or by decision, and will not be.
func (c Change) TakesOut() bool { return c.State == Sensitive && c.Is() != Sensitive }

// BringsIn reports whether the column counts as sensitive only from the change on.
func (c Change) BringsIn() bool { return c.State != Sensitive && c.Is() == Sensitive }

// changesOf are what a decision does to columns. Columns that were decided so
// already are left out and counted.
func changesOf(columns []Column, to State) (changes []Change, same int) {
	for _, column := range columns {
		c := Change{column, to}
		if c.Decided() == c.Column.Decided {
			same++
			continue
		}
		changes = append(changes, c)
	}
	return changes, same
}

// taken are the changes that take a column out of what counts, and the others.
func taken(changes []Change) (out, rest []Change) {
	for _, c := range changes {
		if c.TakesOut() {
			out = append(out, c)
		} else {
			rest = append(rest, c)
		}
	}
	return out, rest
}

// fingerprint names the changes with what they are made of: it is another one
// when a column's state, decision or proposal is.
func fingerprint(changes []Change, words ...string) string {
	sum := sha256.New()
	out := json.NewEncoder(sum)
	_ = out.Encode(words) // a hash takes whatever is written
	for _, c := range changes {
		_ = out.Encode([]any{c.Connection, c.DatastoreID, c.TableID, c.Key.Column, c.State, c.Column.Decided, c.Proposal.State, c.To})
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Scope is a part of what the console knows: one table, one data store, one
// connection, or everything. Empty fields are not narrowed.
type Scope struct{ Connection, DatastoreID, TableID string }

// String names the scope in a sentence.
func (s Scope) String() string {
	switch {
	case s.TableID != "":
		return "table " + s.TableID
	case s.DatastoreID != "":
		return "data store " + s.DatastoreID
	case s.Connection != "":
		return "connection " + s.Connection
	}
	return "all tables"
}

// scopesOf are the scopes that changes concern, the narrowest first: the one
// table, data store and connection that all of them are in, and everything.
func scopesOf(changes []Change) []Scope {
	if len(changes) == 0 {
		return nil
	}
	all := changes[0].Key
	for _, c := range changes {
		if c.Connection != all.Connection {
			return []Scope{{}}
		}
		if c.DatastoreID != all.DatastoreID {
			all.DatastoreID, all.TableID = "", ""
		}
		if c.TableID != all.TableID {
			all.TableID = ""
		}
	}
	scopes := []Scope{{Connection: all.Connection}, {}}
	if all.DatastoreID != "" {
		scopes = append([]Scope{{all.Connection, all.DatastoreID, ""}}, scopes...)
	}
	if all.TableID != "" {
		scopes = append([]Scope{{all.Connection, all.DatastoreID, all.TableID}}, scopes...)
	}
	return scopes
}

// Effect is the coverage of a scope before changes and after them.
type Effect struct {
	Scope
	Before, After audit.CoverageFigures
}

// effectOf is what changes make of a scope's figures.
func effectOf(scope Scope, before audit.CoverageFigures, changes []Change) Effect {
	e := Effect{Scope: scope, Before: before, After: before}
	for _, c := range changes {
		by := 0
		switch {
		case c.TakesOut():
			by = -1
		case c.BringsIn():
			by = 1
		}
		e.After.Sensitive += by
		switch c.Protection {
		case protection.Verified:
			e.After.Verified += by
		case protection.Unverified:
			e.After.Unverified += by
		case protection.Refused:
			e.After.Refused += by
		case protection.Unprotected:
		}
	}
	return e
}

// Text says by how much the share of the sensitive columns that are verified, the
// headline, changes: “raises coverage from 69.09 to 100 %”.
func (e Effect) Text() string {
	before, after := audit.Rate(e.Before.Verified, e.Before.Sensitive), audit.Rate(e.After.Verified, e.After.Sensitive)
	was, is := strconv.FormatFloat(before, 'f', -1, 64), strconv.FormatFloat(after, 'f', -1, 64)
	switch {
	case e.Before.Sensitive == 0 && e.After.Sensitive == 0:
		return "leaves no column that counts as sensitive, as before"
	case e.After.Sensitive == 0:
		return fmt.Sprintf("leaves no column that counts as sensitive (coverage was %s %%)", was)
	case e.Before.Sensitive == 0:
		return fmt.Sprintf("begins coverage at %s %%", is)
	case after > before:
		return fmt.Sprintf("raises coverage from %s to %s %%", was, is)
	case after < before:
		return fmt.Sprintf("lowers coverage from %s to %s %%", was, is)
	}
	return fmt.Sprintf("leaves coverage at %s %%", is)
}

// Counts says what the shares of Text are made of.
func (e Effect) Counts() string {
	return fmt.Sprintf("%d of %d sensitive columns verified before, %d of %d after",
		e.Before.Verified, e.Before.Sensitive, e.After.Verified, e.After.Sensitive)
}

// Sentence is the effect as a record tells it.
func (e Effect) Sentence() string {
	return e.Text() + " (" + e.Scope.String() + ": " + e.Counts() + ")"
}
