package sensitivity

import (
	"testing"
	"time"
)

func TestADecisionWinsOverWhatTheRulesProposeUntilItIsTakenBack(t *testing.T) {
	rules, err := Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	columns := []Column{{Key: Key{Column: "ssn"}, Type: "string"}}
	c := &columns[0]
	for _, step := range []struct {
		what    string
		make    func()
		state   State
		decided State
		by      string
		at      time.Time
	}{
		{"proposed", func() { rules.Apply("customers", columns) }, Sensitive, "", "", time.Time{}},
		{"decided", func() { Decision{State: NotSensitive, By: "olga", At: at}.Apply(c) }, NotSensitive, NotSensitive, "olga", at},
		{"proposed again", func() { rules.Apply("customers", columns) }, NotSensitive, NotSensitive, "olga", at},
		{"taken back", func() { Decision{State: Undecided, By: "olga", At: at}.Apply(c) }, Sensitive, "", "", time.Time{}},
		{"decided as proposed", func() { Decision{State: Sensitive, By: "iva", At: at}.Apply(c) }, Sensitive, Sensitive, "iva", at},
	} {
		step.make()
		if c.State != step.state || c.Decided != step.decided || c.DecidedBy != step.by || !c.DecidedAt.Equal(step.at) || c.Proposal.State != Sensitive {
			t.Errorf("%s: %+v", step.what, c)
		}
	}
}
