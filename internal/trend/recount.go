package trend

import (
	"fmt"
	"strings"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/encryption"
)

// Cause is why a table's counts changed: what a fall is explained with.
type Cause struct {
	Table   string   // the table's name
	Reasons []string // what is known of the change, one sentence each
	RunID   string   // the run that made it; empty: none did

	// Members is the part of the change that comes of columns that are counted now
	// and were not, or no longer are (Membership). The rest is protection that was
	// won or lost.
	Members Counts
	// Decided are the columns that people's decisions brought into what counts as
	// sensitive or took out of it.
	Decided Moves
}

// Membership returns how much of the change of one column's counts comes of its
// being counted, or no longer counted, and not of its protection. A column that is
// not there has the zero value.
func Membership(before, now Counts) Counts {
	var m Counts
	change := now.Sub(before)
	if change.Total != 0 {
		m.Total, m.Encrypted = change.Total, change.Encrypted
	}
	if change.Sensitive != 0 {
		m.Sensitive, m.Protected = change.Sensitive, change.Protected
	}
	return m
}

// Moves count columns that came to count as sensitive and that ceased to.
type Moves struct{ Out, In int }

// Add sums two.
func (m Moves) Add(n Moves) Moves { return Moves{m.Out + n.Out, m.In + n.In} }

// Net is by how much the number of sensitive columns changed.
func (m Moves) Net() int { return m.In - m.Out }

// RulesChanged is the reason of a fall that new sensitivity rules brought.
const RulesChanged = "The rules of what is sensitive changed."

// Total is a connection's coverage as it stands: that of the newest day that
// has one.
type Total struct {
	First, Newest int64 // the first and the newest day that have a total
	Counts
}

// Recounted is what follows from counting a table's columns anew.
type Recounted struct {
	Day      int64 // the day of the table's counts
	TotalDay int64 // the day of the connection's total
	Total    Counts
	Event    *Event // nil unless a coverage fell; its table is the caller's to name
}

// Recount moves a table's counts from before to now, and the total of its
// connection with them; total is nil for a connection that has none yet.
//
// A fall without a loss of protection, because more columns are counted or fewer,
// is an event of its own kind. A clock that went back changes the newest total there is. A total that falls
// is no event on the connection's first day: it is only being read then.
func Recount(at time.Time, before, now Counts, total *Total, why Cause) Recounted {
	day := DayOf(at)
	if total == nil {
		total = &Total{First: day, Newest: day}
	}
	r := Recounted{Day: day, TotalDay: max(day, total.Newest), Total: total.Add(now.Sub(before))}
	if now.FellFrom(before) || total.First < day && r.Total.FellFrom(total.Counts) {
		r.Event = &Event{At: at, Kind: why.kind(before, now), Reason: why.explain(before, now), RunID: why.RunID}
	}
	return r
}

// kind tells a loss of protection from a fall that comes of what is counted alone.
func (w Cause) kind(before, now Counts) Kind {
	kept := now.Sub(before).Sub(w.Members)
	if kept.Encrypted < 0 || kept.SensitiveEncrypted() < 0 || kept.Protected.Verified < 0 {
		return Drop
	}
	return Counted
}

// maxReasons is how many reasons an event gives.
const maxReasons = 3

// explain says why a coverage fell: the reasons that are known, else what the
// counts tell. It is never empty.
func (w Cause) explain(before, now Counts) string {
	reasons := w.Reasons
	if len(reasons) > maxReasons {
		reasons = append(reasons[:maxReasons:maxReasons], fmt.Sprintf("And %d more.", len(w.Reasons)-maxReasons))
	}
	if len(reasons) > 0 {
		return strings.Join(reasons, " ")
	}
	switch {
	case before.Total == 0:
		return fmt.Sprintf("%s was read for the first time: %d of %d columns are encrypted.", w.Table, now.Encrypted, now.Total)
	case now.Total == 0:
		return fmt.Sprintf("%s is gone from the tenant, with %d encrypted columns.", w.Table, before.Encrypted)
	}
	for _, c := range []struct {
		n    int
		what string
	}{
		{before.Encrypted - now.Encrypted, "no longer encrypted"},
		{now.Protected.Refused - before.Protected.Refused, "refused by the KMS"},
		{now.Protected.Unverified - before.Protected.Unverified, "encrypted and not verified"},
		{now.Total - before.Total, "new"},
		{now.Sensitive - before.Sensitive, "more counted as sensitive"},
	} {
		if c.n > 0 {
			reasons = append(reasons, fmt.Sprintf("%s of %s %s.", audit.CountOf(c.n, "column"), w.Table, c.what))
		}
	}
	if len(reasons) == 0 {
		return fmt.Sprintf("Columns of %s were replaced.", w.Table)
	}
	return strings.Join(reasons, " ")
}

// maxReasonColumns is how many columns a reason names.
const maxReasonColumns = 6

// ReasonsOf are the details of audit records about columns, each once with the
// columns that it is about.
func ReasonsOf(records []audit.Record) []string {
	var reasons []string
	about := map[string][]string{}
	for _, r := range records {
		if about[r.Detail] == nil {
			reasons = append(reasons, r.Detail)
		}
		about[r.Detail] = append(about[r.Detail], r.Columns...)
	}
	for i, detail := range reasons {
		names := about[detail]
		if n := len(names); n > maxReasonColumns {
			names = append(names[:maxReasonColumns:maxReasonColumns], fmt.Sprintf("and %d more", n-maxReasonColumns))
		}
		reasons[i] = strings.Join(names, ", ") + ": " + detail
	}
	return reasons
}

// AfterRun is the event of a run that was verified, nil for any other run and
// for one to which the tenant did not show the table's columns.
func AfterRun(r *encryption.Run) *Event {
	if r.State != encryption.Verified || r.After == nil {
		return nil
	}
	what := "Encryption"
	if r.Operation == audit.KeyRotation {
		what = "Key rotation"
	}
	return &Event{At: r.FinishedAt, Kind: Run, RunID: r.ID,
		Reason: fmt.Sprintf("%s of %s of %s was verified.", what, audit.CountOf(len(r.Columns), "column"), r.NameOfTable())}
}
