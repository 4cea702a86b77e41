package web

import (
	"strings"
	"testing"

	"cxseal/internal/alarm"
	"cxseal/internal/attention"
	"cxseal/internal/audit"
	"cxseal/internal/campaign"
	"cxseal/internal/encryption"
	"cxseal/internal/protection"
	"cxseal/internal/rotation"
	"cxseal/internal/sensitivity"
	"cxseal/internal/trend"
)

// TestOneThingHasOneTerm fails when a badge, a filter's choice, the glossary, an alarm, the calendar, a headline or the
// CSV calls a state, an outcome or an operation by different words: an officer who looks one up would not find it.
func TestOneThingHasOneTerm(t *testing.T) {
	terms := map[string]map[string]string{} // by section of the glossary, code to word
	for _, s := range glossary() {
		terms[s.id] = map[string]string{}
		for _, x := range s.terms {
			terms[s.id][x.code] = x.label.text
		}
	}
	same := func(where, code, got, want string) {
		t.Helper()
		if got != want || got == "" {
			t.Errorf("%s calls %s %q, and the glossary %q", where, code, got, want)
		}
	}
	check := func(section string, codes []string, badge func(string) label, choices []Option) {
		t.Helper()
		chosen := map[string]string{}
		for _, o := range choices {
			chosen[o.Value] = o.text()
		}
		for _, code := range codes {
			if badge != nil {
				same("the badge", code, badge(code).text, terms[section][code])
			}
			if choices != nil {
				same("the filter", code, chosen[code], terms[section][code])
			}
		}
	}
	check("run-states", strs(encryption.States()), stateLabel, stateOptions)
	check("outcomes", strs(audit.Outcomes()), outcomeLabel, outcomeOptions)
	check("operations", strs(audit.Operations()), nil, operationOptions(operations))
	check("operations", strs(encryption.Operations()), nil, runOperationOptions)
	check("protection", strs(protection.States()), protectionLabel, protectionOptions)
	check("sensitivity", strs(sensitivity.States()), sensitivityLabel, sensitivityOptions)
	check("categories", strs(sensitivity.Categories()), nil, categories)
	check("rotation", strs(rotation.Statuses()), rotationLabel, rotationOptions)
	check("kms", strs(encryption.KMSStatuses()), kmsLabel, nil)
	check("campaigns", strs(campaign.States()), campaignLabel, nil)
	check("campaign-tables", strs(campaign.Withouts()), withoutRun.label, nil)
	for want, i := range map[string]CampaignItem{terms["campaign-tables"]["not_launched"]: {Refused: "x"}, terms["campaign-tables"]["to_come"]: {},
		terms["run-states"]["rejected"]: {State: "rejected"}} {
		same("a campaign's page", "a table", i.label().text, want)
	}
	for want, i := range map[string]campaign.Item{"not_launched": {Refused: "x"}, "to_come": {}, "rejected": {RunState: encryption.Rejected}} {
		if got := i.StateText(); got != want || terms["campaign-tables"][got]+terms["run-states"][got] == "" {
			t.Errorf("a campaign's CSV writes %q, want %q, which the glossary says", got, want)
		}
	}
	check("attention-states", strs(attention.States()), attentionStates.label, attentionStateOptions)
	check("attention", strs(attention.Findings()), attentionKinds.label, findingOptions)
	for _, op := range audit.Operations() {
		same("a record", string(op), OperationText(string(op)), terms["operations"][string(op)])
		same("a facet", string(op), facetText("operation", string(op)), terms["operations"][string(op)])
	}

	// What one vocabulary shares with another.
	for _, c := range []struct{ where, code, got, want string }{
		{"attention", "not encrypted", terms["attention"]["column_unprotected"], terms["protection"]["unprotected"]},
		{"attention", "refused", terms["attention"]["column_refused"], terms["protection"]["refused"]},
		{"attention", "not verified", terms["attention"]["column_unverified"], terms["protection"]["unverified"]},
		{"attention", "undecided", terms["attention"]["column_undecided"], terms["sensitivity"]["undecided"]},
		{"attention", "awaiting", terms["attention"]["run_awaiting"], terms["run-states"]["awaiting"]},
		{"attention", "rejected", terms["attention"]["run_rejected"], "Run " + strings.ToLower(terms["run-states"]["rejected"])},
		{"an alarm", "failed", alarm.RunFailed.Text(), terms["attention"]["run_failed"]},
		{"an alarm", "unconfirmed", alarm.RunUnconfirmed.Text(), terms["attention"]["run_unconfirmed"]},
		{"an alarm", "overdue", alarm.RotationOverdue.Text(), terms["attention"]["rotation_overdue"]},
		{"an alarm", "due", alarm.RotationDue.Text(), terms["attention"]["rotation_due"]},
		{"an alarm", "not anchored", alarm.NotAnchored.Text(), terms["attention"]["ledger_not_anchored"]},
		{"an alarm", "due soon", alarm.RotationSoon.Text(), "Rotation " + strings.ToLower(terms["rotation"]["soon"])},
		{"the KMS", "verified", terms["kms"]["VERIFIED"], terms["run-states"]["verified"]},
		{"the KMS", "rejected", terms["kms"]["REJECTED"], terms["run-states"]["rejected"]},
		{"the KMS", "unconfirmed", terms["kms"]["UNCONFIRMED"], terms["run-states"]["unconfirmed"]},
	} {
		same(c.where, c.code, c.got, c.want)
	}
	for _, status := range rotation.Statuses() {
		same("the calendar", string(status), status.Text(), strings.ToLower(terms["rotation"][string(status)]))
	}
	p := Protected{Unverified: 1, Refused: 1, Total: 3}
	for i, state := range []protection.State{protection.Refused, protection.Unverified, protection.Unprotected} {
		word := terms["protection"][string(state)]
		same("the headline", string(state), strings.TrimPrefix(p.rest()[i].Text, "1 "), strings.ToLower(word[:1])+word[1:])
	}

	// The CSV writes the codes: the columns of a state are named by it, and so are the values.
	var csv strings.Builder
	if err := trend.NewCoverageCSV(&csv).Flush(); err != nil {
		t.Fatal(err)
	}
	for _, state := range []protection.State{protection.Verified, protection.Unverified, protection.Refused} {
		if !strings.Contains(csv.String(), ",sensitive_"+string(state)) {
			t.Errorf("the CSV of coverage has no column of %s: %s", state, csv.String())
		}
	}
	for column, section := range map[string]string{"operation": "operations", "outcome": "outcomes", "kms_status": "kms"} {
		header := "," + strings.TrimSpace(string(audit.AppendCSVHeader(nil))) + ","
		lead := ""
		for _, s := range glossary() {
			if s.id == section {
				lead = s.lead
			}
		}
		if !strings.Contains(header, ","+column+",") || !strings.Contains(lead, column) {
			t.Errorf("the glossary does not say of %s that it is the column %s: %q", section, column, lead)
		}
	}
}
