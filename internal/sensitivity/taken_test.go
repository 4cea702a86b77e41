package sensitivity

import "testing"

func TestADecisionWinsOverWhatTheRulesProposeUntilItIsTakenBack(t *testing.T) {
	rules, err := Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	columns := []Column{{Key: Key{Column: "ssn"}, Type: "string"}}
	c := &columns[0]
	decide := func(to State) func() {
		return func() {
			change := Change{*c, to}
			c.Decided, c.State = change.Decided(), change.Is()
		}
	}
	propose := func() { rules.Apply("customers", columns) }
	for _, step := range []struct {
		what           string
		make           func()
		state, decided State
	}{
		{"proposed", propose, Sensitive, ""},
		{"decided", decide(NotSensitive), NotSensitive, NotSensitive},
		{"proposed again", propose, NotSensitive, NotSensitive},
		{"taken back", decide(Undecided), Sensitive, ""},
		{"decided as proposed", decide(Sensitive), Sensitive, Sensitive},
	} {
		step.make()
		if c.State != step.state || c.Decided != step.decided || c.Proposal.State != Sensitive {
			t.Errorf("%s: %+v", step.what, c)
		}
	}
}
