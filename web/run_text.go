package web

import (
	"strconv"
	"time"

	"github.com/a-h/templ"
)

// step is one stop on a run's way, as the dossier draws it.
type step struct {
	name string
	how  string // done, now, failed, warned, todo
	at   time.Time
	note string
}

var stepNames = []struct{ state, name string }{
	{"awaiting", "Approval"}, {"queued", "Queued"}, {"checking", "Checks"}, {"patching", "PATCH"}, {"verifying", "KMS confirmation"}, {"verified", "Verified"},
}

// runSteps derives the steps from the run's state and the moments at which it
// was in each. A run that ended badly is marked at the step it had reached.
func runSteps(v RunView) []step {
	reached := map[string]time.Time{}
	last := 0
	for _, e := range v.Events {
		if e.Kind != "state" {
			continue
		}
		if _, seen := reached[e.State]; !seen {
			reached[e.State] = e.At
		}
		last = max(last, stepIndex(e.State))
	}
	if i := stepIndex(v.Run.State); i >= 0 {
		last = i
	}
	if v.Run.State == "held" && last == 0 {
		last = stepIndex("queued")
	}
	if v.Run.State == "rejected" || v.Run.State == "unconfirmed" {
		last = stepIndex("verifying")
	}
	steps := make([]step, len(stepNames))
	for i, n := range stepNames {
		s := step{name: n.name, how: "todo", at: reached[n.state]}
		switch {
		case i < last:
			s.how = "done"
		case i == last:
			s.how, s.note = lastStep(v.Run.State)
		}
		steps[i] = s
	}
	if v.Approval == nil {
		return steps[1:] // one person is enough
	}
	return steps
}

// lastStep is how the step a run has reached looks, and what is said there.
func lastStep(state string) (how, note string) {
	switch state {
	case "verified":
		return "done", ""
	case "failed":
		return "failed", "Failed here"
	case "rejected":
		return "failed", "Refused"
	case "unconfirmed":
		return "warned", "No callback in time"
	case "cancelled":
		return "warned", "Cancelled here"
	case "held":
		return "warned", "Held here"
	}
	return "now", ""
}

func stepIndex(state string) int {
	for i, n := range stepNames {
		if n.state == state {
			return i
		}
	}
	return -1
}

func (s step) icon() string {
	switch s.how {
	case "done":
		return "check"
	case "now":
		return "loader"
	case "failed":
		return "x"
	case "warned":
		return "warning"
	}
	return "circle"
}

// word is the step's state for those who don't see its mark.
func (s step) word() string {
	switch s.how {
	case "done":
		return "done"
	case "now":
		return "in progress"
	case "failed":
		return "failed"
	case "warned":
		return "stopped"
	}
	return "not reached"
}

func current(s step) templ.Attributes {
	if s.how != "now" {
		return nil
	}
	return templ.Attributes{"aria-current": "step"}
}

// timingText is a stage's duration; one that may still come is not called
// missing.
func timingText(t Timing, live bool) string {
	if t.Ms < 0 && live {
		return "not yet"
	}
	return FormatMillis(t.Ms)
}

func eventKind(kind string) string {
	switch kind {
	case "state", "request", "retry", "kms":
		return kind
	}
	return "note"
}

func eventText(e RunEvent) string {
	switch e.Kind {
	case "state":
		return stateLabel(e.State).text
	case "request":
		return "Request"
	case "retry":
		return "Retry"
	case "kms":
		return "KMS"
	}
	return "Note"
}

func (v RunView) responseTitle() string {
	title := "Response"
	if v.Status != 0 {
		title += ": " + strconv.Itoa(v.Status)
	}
	if v.Replayed {
		title += ", replayed from an earlier try"
	}
	return title
}

// noVerdict says why no callback is shown.
func (v RunView) noVerdict() string {
	switch v.Run.State {
	case "awaiting", "queued", "held", "checking", "patching":
		return "The KMS is asked once CXone has made the change."
	case "verifying":
		return "Waiting for the KMS to call back."
	case "failed", "cancelled":
		return "The run ended before the KMS was asked."
	case "unconfirmed":
		return "No callback came before the deadline."
	}
	return "No callback is on record."
}

func (k Verdict) cameFrom() string {
	switch {
	case k.Inline:
		return "in CXone's answer"
	case k.From != "":
		return "from " + k.From
	}
	return "by callback"
}

func timesText(n int) string {
	switch n {
	case 0:
		return "not yet"
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return FormatNumber(int64(n)) + " times"
}

func checkLabel(r CheckResult) label {
	switch r {
	case CheckPassed:
		return label{"Passed", ToneSuccess, "check"}
	case CheckFailed:
		return label{"Failed", ToneDanger, "x"}
	}
	return label{"Not checked", ToneNone, "circle"}
}

// rotationText is the rule that the run asks for.
func (v RunView) rotationText() string {
	text := "every " + Plural(v.IntervalDays, "day", "days")
	if v.Strategy == "MANUAL" {
		return text + ", by us"
	}
	return text + ", by CXone"
}
