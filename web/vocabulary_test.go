package web

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/a-h/templ"

	"cxseal/internal/access"
	"cxseal/internal/alarm"
	"cxseal/internal/attention"
	"cxseal/internal/audit"
	"cxseal/internal/campaign"
	"cxseal/internal/connection"
	"cxseal/internal/doctor"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/internal/protection"
	"cxseal/internal/review"
	"cxseal/internal/rotation"
	"cxseal/internal/schedule"
	"cxseal/internal/sensitivity"
	"cxseal/internal/trend"
)

// The tests of this file range over the words of the packages that own them, never over the tables of this
// package, which they check. What is expected is written out by hand.

// expected is a label as a person should see it.
type expected struct {
	text string
	tone Tone
}

// checkLabels compares the label of every word with what is expected of it, and the table's codes with the words.
func checkLabels[T ~string](t *testing.T, words []T, table vocabulary, labelOf func(string) label, want map[T]expected) {
	t.Helper()
	for _, w := range words {
		e, ok := want[w]
		if !ok {
			t.Errorf("nothing is expected of %T %q: write its label here", w, w)
			continue
		}
		got := labelOf(string(w))
		if got.text != e.text || got.tone != e.tone {
			t.Errorf("%T %q reads %q in tone %q, want %q in tone %q", w, w, got.text, got.tone, e.text, e.tone)
		}
		if _, drawn := icons[got.icon]; !drawn || got.icon == "circle" && got.tone != ToneNone {
			t.Errorf("%T %q is told by its colour alone: icon %q", w, w, got.icon)
		}
	}
	if len(table) != len(words) || len(want) != len(words) {
		t.Errorf("%d labels and %d expectations for the words %v", len(table), len(want), words)
	}
	if unknown := labelOf("from-another-release"); unknown.text != "from-another-release" || unknown.tone != ToneNone {
		t.Errorf("an unknown code reads %+v", unknown)
	}
}

// Fails when a state, an outcome or a status has no label, or the wrong colour: “Rejected” in green would have an
// officer rely on a change that the KMS refused (tried with that very change).
func TestEveryWordHasItsLabelAndTone(t *testing.T) {
	checkLabels(t, review.Extents(), reviewExtents, extentLabel, map[review.Extent]expected{
		review.Whole: {"Reviewed", ToneSuccess}, review.InPart: {"In part", ToneWarning}, review.Not: {"Not reviewed", ToneWarning}})
	checkLabels(t, encryption.States(), runStates, stateLabel, map[encryption.State]expected{
		encryption.Awaiting: {"Awaits approval", ToneWarning}, encryption.Queued: {"Queued", ToneNone}, encryption.Held: {"Held", ToneWarning},
		encryption.Checking: {"Checking", ToneInfo}, encryption.Patching: {"Patching", ToneInfo},
		encryption.Verifying: {"Waiting for KMS", ToneInfo}, encryption.Verified: {"Verified", ToneSuccess},
		encryption.Rejected: {"Rejected", ToneDanger}, encryption.Unconfirmed: {"Unconfirmed", ToneWarning},
		encryption.Failed: {"Failed", ToneDanger}, encryption.Cancelled: {"Cancelled", ToneNone},
	})
	checkLabels(t, encryption.KMSStatuses(), kmsStatuses, kmsLabel, map[encryption.KMSStatus]expected{
		"VERIFIED": {"Verified", ToneSuccess}, "REJECTED": {"Rejected", ToneDanger},
		"UNCONFIRMED": {"Unconfirmed", ToneWarning}, "NOT_REACHED": {"Not reached", ToneNone},
	})
	checkLabels(t, audit.Outcomes(), outcomes, outcomeLabel, map[audit.Outcome]expected{
		audit.Success: {"Success", ToneSuccess}, audit.Failure: {"Failure", ToneDanger}, audit.Denied: {"Denied", ToneWarning},
	})
	checkLabels(t, rotation.Statuses(), rotationStatuses, rotationLabel, map[rotation.Status]expected{
		rotation.StatusOverdue: {"Overdue", ToneDanger}, rotation.StatusDue: {"Due", ToneWarning},
		rotation.StatusSoon: {"Due soon", ToneInfo}, rotation.StatusUnknown: {"Unknown", ToneWarning},
		rotation.StatusLate: {"Rotated late", ToneWarning}, rotation.StatusOnTime: {"On time", ToneSuccess},
	})
	checkLabels(t, campaign.States(), campaignStates, campaignLabel, map[campaign.State]expected{
		campaign.Running: {"Running", ToneInfo}, campaign.Paused: {"Paused", ToneWarning},
		campaign.Done: {"Ended", ToneSuccess}, campaign.Cancelled: {"Cancelled", ToneNone},
	})
	checkLabels(t, attention.Kinds(), attentionKinds, attentionKinds.label, map[attention.Kind]expected{
		attention.ColumnLost: {"Protection lost", ToneDanger}, attention.RunRejected: {"Run rejected", ToneDanger},
		attention.RunUnconfirmed: {"Run unconfirmed", ToneWarning}, attention.RunFailed: {"Run failed", ToneDanger},
		attention.KeyWentBack: {"Key version went back", ToneDanger}, attention.RotationOverdue: {"Rotation overdue", ToneWarning},
		attention.MonthNotReviewed: {"Month not reviewed", ToneWarning}, attention.ColumnUnprotected: {"Not encrypted", ToneDanger},
		attention.ColumnRefused: {"Refused by the KMS", ToneDanger}, attention.ColumnUnverified: {"Encrypted, not verified", ToneWarning},
		attention.RunAwaiting: {"Awaits approval", ToneWarning}, attention.RotationDue: {"Rotation due", ToneInfo},
		attention.TenantUnread: {"Tenant not read whole", ToneWarning}, attention.LedgerNotAnchored: {"Audit log not anchored", ToneWarning},
		attention.ColumnUndecided: {"Undecided", ToneInfo},
	})
	checkLabels(t, attention.States(), attentionStates, attentionStates.label, map[attention.State]expected{
		attention.Open: {"Open", ToneWarning}, attention.Acknowledged: {"Acknowledged", ToneInfo}, attention.Resolved: {"Resolved", ToneSuccess},
	})
	checkLabels(t, attention.Resolutions(), resolutions, resolutions.label, map[attention.Resolution]expected{
		attention.ByRun: {"A later run was verified", ToneSuccess}, attention.ByCallback: {"Confirmed late by the KMS", ToneSuccess},
		attention.ByRotation: {"A newer key version was seen", ToneSuccess}, attention.ByReview: {"Reviewed to its end", ToneSuccess},
		attention.ByGoing: {"The column is gone", ToneNone}, attention.BySupersedes: {"A later finding took its place", ToneNone},
	})
	checkLabels(t, alarm.States(), deliveryStates, deliveryLabel, map[alarm.State]expected{
		alarm.Waiting: {"Waiting", ToneInfo}, alarm.Sent: {"Sent", ToneSuccess}, alarm.Failed: {"Given up", ToneDanger},
	})
	checkLabels(t, schedule.Conditions(), jobConditions, jobLabel, map[schedule.Condition]expected{
		schedule.Waiting: {"Not run yet", ToneNone}, schedule.Running: {"Running", ToneInfo},
		schedule.Hangs: {"Hangs", ToneDanger}, schedule.Failed: {"Failed", ToneDanger}, schedule.Fine: {"Fine", ToneSuccess},
	})
	checkLabels(t, sensitivity.States(), sensitivityStates, sensitivityLabel, map[sensitivity.State]expected{
		sensitivity.Sensitive: {"Sensitive", ToneWarning}, sensitivity.NotSensitive: {"Not sensitive", ToneNone},
		sensitivity.Undecided: {"Undecided", ToneInfo},
	})
	falls := slices.DeleteFunc(trend.Kinds(), func(k trend.Kind) bool { return k == trend.Run })
	checkLabels(t, falls, fallKinds, fallLabel, map[trend.Kind]expected{
		trend.Drop: {"Protection lost", ToneDanger}, trend.Counted: {"What counts changed", ToneInfo}})
	checkLabels(t, access.ApprovalStates(), requestStates, requestLabel, map[access.ApprovalState]expected{
		access.Requested: {"Awaits approval", ToneWarning}, access.Approved: {"Approved", ToneInfo}, access.Used: {"Approved and done", ToneSuccess},
		access.Declined: {"Declined", ToneNone}, access.Withdrawn: {"Taken back", ToneNone}, access.Expired: {"Nobody answered", ToneNone},
	})
	checkLabels(t, protection.States(), protectionStates, protectionLabel, map[protection.State]expected{
		protection.Verified: {"Verified", ToneSuccess}, protection.Unverified: {"Encrypted, not verified", ToneWarning},
		protection.Refused: {"Refused by the KMS", ToneDanger}, protection.Unprotected: {"Not encrypted", ToneNone},
	})
	checkLabels(t, doctor.Verdicts(), verdicts, func(v string) label { return Finding{Verdict: v}.label() }, map[doctor.Verdict]expected{
		doctor.Good: {"Good", ToneSuccess}, doctor.Warning: {"Look at it", ToneWarning},
		doctor.Bad: {"Problem", ToneDanger}, doctor.Skipped: {"Not examined", ToneNone},
	})
}

// strs are words as the text that stands in a page.
func strs[T ~string](words []T) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return out
}

// Fails when a filter or a form lacks a choice, so that what it would find is found by nobody (tried by taking
// CAMPAIGN_CHANGED, and a run's “awaiting”, out).
func TestEveryWordCanBeChosen(t *testing.T) {
	for name, c := range map[string]struct {
		words []string
		list  []Option
	}{
		"runs by state":              {encryption.FilterStates(), stateOptions},
		"runs by operation":          {strs(encryption.Operations()), runOperationOptions},
		"records by operation":       {strs(audit.Operations()), operationOptions(operations)},
		"records by outcome":         {strs(audit.Outcomes()), outcomeOptions},
		"rotation dates by status":   {strs(rotation.Statuses()), rotationOptions},
		"columns by state":           {strs(sensitivity.States()), sensitivityOptions},
		"columns by category":        {strs(sensitivity.Categories()), categories},
		"columns by protection":      {strs(protection.States()), protectionOptions},
		"attention by state":         {strs(attention.States()), attentionStateOptions},
		"attention by kind":          {strs(attention.Findings()), findingOptions},
		"the way of an alarm":        {strs(alarm.Ways()), wayOptions},
		"the mode of a connection":   {connection.Modes(), modeOptions},
		"who rotates a key":          {encryption.Strategies(), strategyOptions},
		"callbacks by their verdict": {[]string{"yes", "no"}, acceptedOptions},
	} {
		var values []string
		for _, o := range c.list {
			values = append(values, o.Value)
			if text := o.text(); text == o.Value && text != "" || strings.Contains(text, "_") {
				t.Errorf("%s: the choice %q has no words", name, o.Value)
			}
		}
		if !reflect.DeepEqual(values, c.words) {
			t.Errorf("%s: the choices are %q, want %q", name, values, c.words)
		}
	}
}

// Fails when a code that a person may meet says nothing of what to do next.
func TestEveryFaultHasAnAdvice(t *testing.T) {
	said := map[string]fault.Code{}
	for _, code := range fault.Codes() {
		advice := AdviceFor(string(code))
		if len(advice) < 15 || !strings.HasSuffix(advice, ".") {
			t.Errorf("the advice for %q is %q", code, advice)
		}
		if other, twice := said[advice]; twice {
			t.Errorf("%q and %q have the same advice", code, other)
		}
		said[advice] = code
	}
	for _, code := range fault.Codes() {
		if advice := ListingAdviceFor(string(code)); strings.HasPrefix(string(code), "tenant_") && strings.Contains(advice, "new run") {
			t.Errorf("%s: no run mends a listing: %s", code, advice)
		}
	}
	if AdviceFor("from-another-release") != "" {
		t.Error("a code that nobody knows has an advice")
	}
}

// Fails when how a rotation was seen, or whether it was in time, is left blank in the ledger.
func TestEveryRotationSaysHowItWasSeen(t *testing.T) {
	for _, how := range rotation.Hows() {
		if seenText[string(how)] == "" {
			t.Errorf("nothing is said of %q", how)
		}
	}
	for _, x := range rotation.Timelinesses() {
		if timelinessText[string(x)] == "" {
			t.Errorf("nothing is said of %q", x)
		}
	}
	if len(seenText) != len(rotation.Hows()) || len(timelinessText) != len(rotation.Timelinesses()) {
		t.Error("a text stands for a word that does not exist")
	}
}

// Fails when a run of some state is drawn on its way as if it were in another.
func TestEveryStateOfARunHasItsSteps(t *testing.T) {
	want := map[encryption.State]string{
		encryption.Awaiting: "now todo todo todo todo todo", encryption.Queued: "done now todo todo todo todo",
		encryption.Held:     "done warned todo todo todo todo",
		encryption.Checking: "done done now todo todo todo", encryption.Patching: "done done done now todo todo",
		encryption.Verifying: "done done done done now todo", encryption.Verified: "done done done done done done",
		encryption.Rejected: "done done done done failed todo", encryption.Unconfirmed: "done done done done warned todo",
		encryption.Failed: "failed todo todo todo todo todo", encryption.Cancelled: "warned todo todo todo todo todo",
	}
	for _, state := range encryption.States() {
		var got []string
		for _, s := range runSteps(RunView{Run: RunRow{State: string(state)}, Approval: &ApprovalView{}}) {
			got = append(got, s.how)
		}
		if strings.Join(got, " ") != want[state] {
			t.Errorf("%s: %q, want %q", state, got, want[state])
		}
		if (RunView{Run: RunRow{State: string(state)}}).noVerdict() == "" {
			t.Errorf("%s: nothing says why no callback is shown", state)
		}
	}
}

// Fails when a run's page does not tell where its approval stands.
func TestEveryStateOfAnApprovalIsTold(t *testing.T) {
	want := map[access.ApprovalState]string{
		access.Requested: "Waits until", access.Approved: "Approved by", access.Used: "Approved by", access.Declined: "Declined by",
		access.Withdrawn: "taken back", access.Expired: "nobody answered by",
	}
	for _, state := range access.ApprovalStates() {
		page := draw(t, approvalCard(RunView{Approval: &ApprovalView{State: string(state), DecidedBy: "olga"}}))
		for s, text := range want {
			if said := strings.Contains(page, text); said != (text == want[state]) {
				t.Errorf("%s: %q (of %s) is told: %v", state, text, s, said)
			}
		}
	}
	if len(want) != len(access.ApprovalStates()) {
		t.Errorf("%d texts for the states %v", len(want), access.ApprovalStates())
	}
}

// Fails when a role or an operation reads like a code.
func TestRolesAndOperationsAreWords(t *testing.T) {
	texts := map[audit.Operation]string{audit.KMSCallback: "KMS callback", audit.KeyRotation: "Key rotation", audit.Login: "Login"}
	for _, op := range audit.Operations() {
		text := OperationText(string(op))
		if want, ok := texts[op]; ok && text != want || text == "" || strings.Contains(text, "_") || text == string(op) {
			t.Errorf("%s reads %q", op, text)
		}
	}
	for _, role := range append(access.Roles(), access.System) {
		if text := RoleText(string(role)); text == string(role) || !strings.EqualFold(text, string(role)) {
			t.Errorf("%s reads %q", role, text)
		}
	}
	// Who may see anything but the dashboards sees the audit log in the navigation.
	for _, role := range access.Roles() {
		shown := slices.ContainsFunc(placesFor(string(role)), func(p place) bool { return p.nav == NavAudit })
		if shown != access.Can(role, access.PermViewAll) {
			t.Errorf("%s is offered the audit log: %v", role, shown)
		}
	}
}

// Fails when a word has no meaning in the glossary, or the glossary lacks a vocabulary that a page shows (tried by
// taking CHECKPOINT_CREATED out, and the section of rotations).
func TestTheGlossarySaysEveryWord(t *testing.T) {
	want := map[string][]string{
		"run-states": strs(encryption.States()), "kms": strs(encryption.KMSStatuses()), "operations": strs(audit.Operations()),
		"outcomes": strs(audit.Outcomes()), "rotation": strs(rotation.Statuses()), "sensitivity": strs(sensitivity.States()),
		"protection": strs(protection.States()), "requests": strs(access.ApprovalStates()),
		"campaign-tables": strs(campaign.Withouts()), "reviews": strs(review.Extents()),
		"attention": strs(attention.Kinds()), "attention-states": strs(attention.States()), "resolutions": strs(attention.Resolutions()),
		"categories": strs(sensitivity.Categories()), "campaigns": strs(campaign.States()), "deliveries": strs(alarm.States()),
		"jobs": strs(schedule.Conditions()), "findings": strs(doctor.Verdicts()),
	}
	page := draw(t, GlossaryPage(GlossaryView{}))
	meanings := map[string]string{}
	for _, s := range glossary() {
		var codes []string
		for _, x := range s.terms {
			codes = append(codes, x.code)
			if len(x.meaning) < 10 || !strings.HasSuffix(x.meaning, ".") || !strings.Contains(page, templ.EscapeString(x.meaning)) {
				t.Errorf("%s: %q means %q", s.title, x.code, x.meaning)
			}
			if other := meanings[x.meaning]; other != "" {
				t.Errorf("%q and %q mean the same", other, x.code)
			}
			meanings[x.meaning] = x.code
		}
		slices.Sort(codes)
		words := slices.Sorted(slices.Values(want[s.id]))
		if !slices.Equal(codes, words) {
			t.Errorf("%s has %q, want %q", s.title, codes, words)
		}
		delete(want, s.id)
	}
	if len(want) > 0 {
		t.Errorf("the glossary lacks %v", slices.Collect(maps.Keys(want)))
	}
	for name, m := range map[string]int{"operations": len(operationMeanings) - len(audit.Operations()), "runs": len(runMeanings) - len(encryption.States())} {
		if m != 0 {
			t.Errorf("%s: a meaning stands for a word that does not exist", name)
		}
	}
}

// Fails when a week whose rotations are overdue is drawn green, as if they were done.
func TestNoWeekThatPassedIsDrawnGreen(t *testing.T) {
	for want, w := range map[Tone]TimelineWeek{
		ToneDanger: {Due: 3, Overdue: 1, Passed: true}, ToneWarning: {Due: 3, Passed: true}, ToneInfo: {Due: 3},
	} {
		page := draw(t, RotationTimelinePage(TimelineView{Most: 3, Weeks: []TimelineWeek{w}}))
		if !strings.Contains(page, `<progress class="cx-bar cx-bar-big `+toneClass(want)+`"`) {
			t.Errorf("%+v is not drawn in the tone %q", w, want)
		}
	}
}

// Fails when the dashboard says nothing of a kind of attention, or says of one what is true of many (“1 sensitive column
// was refused … do not rely on their encryption”, as it did).
func TestAttentionSpeaksOfOneAndOfMany(t *testing.T) {
	plural := regexp.MustCompile(`\b(them|their|they|these|those|are|were|each|keys|dates|plans)\b`)
	for _, kind := range attention.Kinds() {
		if kind == attention.TenantUnread || kind == attention.LedgerNotAnchored {
			continue // there is one, with words of its own
		}
		one, many := Attention{Kind: string(kind), Count: 1}, Attention{Kind: string(kind), Count: 2}
		for _, a := range []Attention{one, many} {
			if !strings.HasPrefix(a.title(), strconv.Itoa(a.Count)+" ") || len(a.title()) < 12 || !strings.HasSuffix(a.detail(), ".") || a.tone() == ToneNone {
				t.Errorf("%s: %q %q in tone %q", kind, a.title(), a.detail(), a.tone())
			}
		}
		about := strings.ReplaceAll(one.title()+" "+one.detail(), "that its columns are", "")
		if word := plural.FindString(strings.ReplaceAll(about, "its grace have", "")); word != "" {
			t.Errorf("%s speaks of one as of many (%q): %s", kind, word, about)
		}
		if one.title() == many.title() || one.detail() == many.detail() && kind != attention.RunUnconfirmed {
			t.Errorf("%s speaks of two as of one: %q %q", kind, many.title(), many.detail())
		}
		if page := draw(t, DashboardPage(DashboardView{Attention: []Attention{one}})); !strings.Contains(page, templ.EscapeString(one.title())) ||
			!strings.Contains(page, templ.EscapeString(one.detail())) {
			t.Errorf("the dashboard does not say %q %q", one.title(), one.detail())
		}
	}
	if len(attentionTexts) != len(attention.Kinds()) {
		t.Error("a text stands for a kind that does not exist")
	}
}
