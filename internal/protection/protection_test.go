package protection_test

import (
	"testing"
	"time"

	"cxseal/internal/protection"
	"cxseal/internal/vocabularytest"
)

// TestTheListsHoldEveryWord fails when a word is declared that its list lacks.
func TestTheListsHoldEveryWord(t *testing.T) {
	vocabularytest.Complete(t, protection.States())
	vocabularytest.Complete(t, protection.Answers())
}

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// at is a time, in minutes after noon.
func at(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

// seen and judged are steps of a column's history.
func seen(minute int, encrypted bool, version int64) func(*protection.Column) {
	return func(c *protection.Column) { c.See(at(minute), encrypted, version, "") }
}

func named(minute int, id string) func(*protection.Column) {
	return func(c *protection.Column) { c.See(at(minute), true, 0, id) }
}

func confirmed(changed int, id string) func(*protection.Column) {
	return func(c *protection.Column) {
		c.Judge(protection.Verdict{Answer: protection.Yes, KeyID: id, RunID: "r", At: at(changed + 1), ChangedAt: at(changed)})
	}
}

func gone(minute int) func(*protection.Column) {
	return func(c *protection.Column) { c.Gone(at(minute)) }
}

func judged(changed int, answer protection.Answer, version int64) func(*protection.Column) {
	return func(c *protection.Column) {
		c.Judge(protection.Verdict{Answer: answer, KeyVersion: version, RunID: "r", At: at(changed + 1), ChangedAt: at(changed)})
	}
}

// TestAColumnIsInTheStateThatItsHistoryGives fails when a column is said to be better protected than what was
// seen of it and what the KMS said allow, or worse.
func TestAColumnIsInTheStateThatItsHistoryGives(t *testing.T) {
	const yes, no = protection.Yes, protection.No
	for what, c := range map[string]struct {
		history  []func(*protection.Column)
		want     protection.State
		observed bool
	}{
		"never seen":                        {nil, protection.Unprotected, false},
		"seen open":                         {steps(seen(0, false, 0)), protection.Unprotected, false},
		"encrypted, and nobody was asked":   {steps(seen(0, true, 1)), protection.Unverified, false},
		"confirmed":                         {steps(seen(0, false, 0), seen(5, true, 1), judged(5, yes, 1)), protection.Verified, false},
		"confirmed before it was ever seen": {steps(judged(5, yes, 1), seen(9, true, 1)), protection.Verified, false},
		"refused":                           {steps(seen(5, true, 1), judged(5, no, 0)), protection.Refused, false},
		"refused, and then the right callback of that run": {steps(seen(5, true, 1), judged(5, no, 0), judged(5, yes, 1)), protection.Verified, false},
		"confirmed, and a later change refused":            {steps(seen(5, true, 1), judged(5, yes, 1), seen(9, true, 2), judged(9, no, 0)), protection.Refused, false},
		"a late yes to the change before the refused one":  {steps(seen(5, true, 1), seen(9, true, 2), judged(9, no, 0), judged(5, yes, 1)), protection.Refused, false},
		"refused, and a later change confirmed":            {steps(seen(5, true, 1), judged(5, no, 0), seen(9, true, 2), judged(9, yes, 2)), protection.Verified, false},
		"the tenant moved the key on by itself":            {steps(seen(5, true, 1), judged(5, yes, 1), seen(9, true, 3)), protection.Verified, true},
		"and the newer version was confirmed":              {steps(seen(5, true, 1), judged(5, yes, 1), seen(9, true, 3), judged(10, yes, 3)), protection.Verified, false},
		"confirmed, with a version that is no number":      {steps(named(5, "k-a"), confirmed(5, "k-a")), protection.Verified, false},
		"and moved on to another":                          {steps(named(5, "k-a"), confirmed(5, "k-a"), named(9, "k-b")), protection.Verified, true},
		"the tenant shows no key versions":                 {steps(seen(5, true, 0), judged(5, yes, 1)), protection.Verified, false},
		"a version that nobody confirmed, on a refusal":    {steps(seen(5, true, 1), judged(5, no, 0), seen(9, true, 3)), protection.Refused, false},
		"confirmed, then open":                             {steps(seen(5, true, 1), judged(5, yes, 1), seen(9, false, 0)), protection.Unprotected, false},
		"confirmed, then open, then encrypted by others":   {steps(seen(5, true, 1), judged(5, yes, 1), seen(9, false, 0), seen(12, true, 1)), protection.Unverified, false},
		"confirmed and seen open at the same time":         {steps(seen(5, true, 1), judged(5, yes, 1), seen(5, false, 0), seen(12, true, 1)), protection.Unverified, false},
		"confirmed, then gone, then back":                  {steps(seen(5, true, 1), judged(5, yes, 1), gone(9), seen(12, true, 1)), protection.Unverified, false},
		"refused, then open, then encrypted by others":     {steps(seen(5, true, 1), judged(5, no, 0), seen(9, false, 0), seen(12, true, 1)), protection.Unverified, false},
		"a late yes to a change that was seen undone":      {steps(seen(5, true, 1), seen(9, false, 0), judged(5, yes, 1), seen(12, true, 1)), protection.Unverified, false},
		"a yes whose change was seen after the open table": {steps(seen(5, false, 0), judged(7, yes, 1), seen(12, true, 1)), protection.Verified, false},
	} {
		var column protection.Column
		for _, step := range c.history {
			step(&column)
		}
		if column.State() != c.want || column.Observed() != c.observed {
			t.Errorf("%s: %s, observed %v, want %s, %v", what, column.State(), column.Observed(), c.want, c.observed)
		}
	}
}

func steps(list ...func(*protection.Column)) []func(*protection.Column) { return list }
