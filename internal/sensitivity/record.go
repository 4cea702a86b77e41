package sensitivity

import (
	"fmt"
	"strings"
	"time"

	"cxseal/internal/audit"
)

// Batch is what is changed in one transaction.
type Batch struct {
	At      time.Time
	By      string // who decided
	With    string // the second person; empty where none was needed
	Reason  string
	Changes []Change       // each is refused when its column is not as it says any more
	Records []audit.Record // SENSITIVITY_DECIDED, one for each change in their order

	Requests []NewRequest // what waits for a second person
	Settled  *Settled     // the request that the changes carry out; nil for none
}

// NewRequest is a request with its columns, in the order in which pages show them.
type NewRequest struct {
	Request
	Changes []Change
	Record  audit.Record
}

// Settled is a request that somebody has answered, or nobody in time, with the
// record of that.
type Settled struct {
	Request
	Record audit.Record
}

// Decision is one decision as it stands on record.
type Decision struct {
	Seq int64 // of its audit record
	At  time.Time
	Key
	TableName            string
	AuditID              string
	Decided              State
	Was, Is              State
	Proposed             State
	Reason, By, Approver string
}

// DecisionFilter narrows the list of decisions; the zero value is all of them.
type DecisionFilter struct {
	From, To                                 time.Time // From inclusive, To exclusive
	Connection, DatastoreID, TableID, Column string
	Decided                                  State
	By                                       string
	TakenOut                                 *bool // whether the column was taken out of what counts
}

// RulesRecord is the record of other rules having been applied: they change what
// counts without anybody's decision.
func RulesRecord(now time.Time, version string, before, after audit.CoverageFigures) audit.Record {
	r := audit.NewRecord(now, audit.SettingsChanged, audit.Success, audit.Actor{Name: "console", Role: "system"})
	r.Detail = "The rules of what is sensitive changed to version " + version + ", which " + Effect{Before: before, After: after}.Sentence() + "."
	return r
}

// made is how decisions were made.
type made struct {
	by      audit.Actor
	with    string
	reason  string
	request string
}

func (s *Service) batch(changes []Change, how made) Batch {
	b := Batch{At: s.now(), By: how.by.Name, With: how.with, Reason: how.reason, Changes: changes}
	b.Records = make([]audit.Record, len(changes))
	for i, c := range changes {
		r := audit.NewRecord(b.At, audit.SensitivityDecided, audit.Success, how.by)
		r.Connection, r.DatastoreID, r.TableID, r.Columns = c.Connection, c.DatastoreID, c.TableID, []string{c.Key.Column}
		r.Decision = &audit.Decision{Decided: string(c.To), Was: string(c.State), Is: string(c.Is()), Proposed: string(c.Proposal.State),
			Reason: how.reason, ApprovedBy: how.with, Request: how.request}
		r.Detail = detailOf(c, len(changes), "", how)
		b.Records[i] = r
	}
	return b
}

// records are the batch's records with the effect of its decisions together on
// each that takes a column out of what counts.
func (s *Service) records(b Batch, effect string) []audit.Record {
	for i, c := range b.Changes {
		if c.TakesOut() {
			d := b.Records[i].Decision
			b.Records[i].Detail = detailOf(c, len(b.Changes), effect, made{with: d.ApprovedBy, reason: d.Reason})
		}
	}
	return b.Records
}

// stateWords are the states as a sentence says them.
var stateWords = map[State]string{Sensitive: "sensitive", NotSensitive: "not sensitive", Undecided: "undecided"}

// Words is the state as a sentence says it.
func (s State) Words() string { return stateWords[s] }

// detailOf says in sentences what was decided about a column. The reason is the
// last, because a person typed it.
func detailOf(c Change, together int, effect string, how made) string {
	var b strings.Builder
	if c.To == Undecided {
		fmt.Fprintf(&b, "The decision about %s was taken back: it is %s now, as the rules propose.", c.Key.Column, c.Is().Words())
	} else {
		fmt.Fprintf(&b, "%s was declared %s; the rules propose %s.", c.Key.Column, c.To.Words(), c.Proposal.State.Words())
	}
	if c.State != c.Is() {
		fmt.Fprintf(&b, " It counted as %s before.", c.State.Words())
	}
	if effect != "" {
		which := "This decision "
		if together > 1 {
			which = fmt.Sprintf("One of %d decisions made together, which ", together)
		}
		b.WriteString(" " + which + effect + ".")
	}
	if how.with != "" {
		b.WriteString(" Approved by " + how.with + ".")
	}
	if how.reason != "" {
		b.WriteString(" Reason: " + how.reason)
	}
	return b.String()
}

// Tale is what decisions about columns of one table come to.
type Tale struct {
	Out, In  int // columns that were taken out of what counts, and brought in
	Sentence string
}

// Told says what decisions of one person about columns of one table come to.
func Told(changes []Change, by string) Tale {
	var t Tale
	for _, c := range changes {
		switch {
		case c.TakesOut():
			t.Out++
		case c.BringsIn():
			t.In++
		}
	}
	verb := "declared " + changes[0].To.Words()
	if changes[0].To == Undecided {
		verb = "left to the rules again"
	}
	were := "were"
	if len(changes) == 1 {
		were = "was"
	}
	t.Sentence = fmt.Sprintf("%s of %s %s %s, by decision of %s.", audit.CountOf(len(changes), "column"), changes[0].TableName, were, verb, by)
	return t
}
