package web

import "time"

func sampleEffects() []EffectView {
	return []EffectView{{"table tbl-contacts", "raises coverage from 69.09 to 100 %", "38 of 55 sensitive columns verified before, 38 of 38 after"},
		{"all tables", "raises coverage from 61.4 to 63.02 %", "380 of 619 sensitive columns verified before, 380 of 603 after"}}
}

func sampleChanged() []SensitivityRow {
	return []SensitivityRow{
		{Key: "k", Column: "loyalty_number", Type: "string", TableName: "Contacts", TableHref: "/datastores/ds/tables/t", State: "sensitive", Proposed: "sensitive",
			Category: "personal", Confidence: 70, Reason: "“loyalty number” in the name speaks for it.", Protection: "unprotected"},
		{Key: "l", Column: "email", Type: "string", TableName: "Contacts", TableHref: "/datastores/ds/tables/t", State: "sensitive", Proposed: "sensitive",
			Category: "contact", Confidence: 95, Reason: "“email” in the name speaks for it.", Protection: "verified"},
	}
}

func sampleConfirm() SensitivityConfirmView {
	return SensitivityConfirmView{Chrome: chrome("Confirm the decision", NavSensitivity), Filter: SensitivityFilter{TableID: "tbl-contacts"}, All: true,
		Decision: "not_sensitive", Columns: 17, Out: 17, Rows: sampleChanged(), Effects: sampleEffects(), FourEyes: []string{"default"}, Fingerprint: "f00d",
		Reason: "Test data of the training tenant.", MaxReason: 500}
}

func sampleDecisions() DecisionsView {
	return DecisionsView{Chrome: chrome("Decisions", NavSensitivity), Filter: DecisionsFilter{Out: "yes"}, Rows: []DecisionRow{
		{AuditID: "a", At: ago(time.Hour), Column: "loyalty_number", TableName: "Contacts", TableHref: "/datastores/ds/tables/t", Decided: "not_sensitive",
			Was: "sensitive", Is: "not_sensitive", Proposed: "sensitive", Reason: "A number of our own that names nobody.", By: "olga", Approver: "paula"},
		{AuditID: "b", At: ago(3 * time.Hour), Column: "ward", TableName: "Visits", TableHref: "/datastores/ds/tables/v", Decided: "undecided",
			Was: "sensitive", Is: "not_sensitive", Proposed: "not_sensitive", By: "admin"},
	}}
}

func sampleRequest() SensitivityRequestView {
	return SensitivityRequestView{Chrome: chrome("Request for a decision", NavSensitivity), ID: "r", Connection: "default", Decision: "not_sensitive", Columns: 17,
		Reason: "Test data of the training tenant.", Effect: "raises coverage from 69.09 to 100 % (table tbl-contacts: 38 of 55 sensitive columns verified before, 38 of 38 after)",
		AskedAt: ago(time.Hour), Approval: ApprovalView{State: "requested", RequestedBy: "olga", ExpiresAt: ago(-23 * time.Hour), Fingerprint: "f00d", CanDecide: true},
		CanWithdraw: true, Effects: sampleEffects(), Rows: sampleChanged()}
}

func sampleApprovals() ApprovalsView {
	return ApprovalsView{Chrome: chrome("Approvals", NavApprovals), Runs: sampleRuns()[:1], MoreRuns: true, Requests: []RequestRow{
		{ID: "r", Connection: "default", Decision: "not_sensitive", Columns: 17, Effect: "raises coverage from 69.09 to 100 %", By: "olga",
			Reason: "Test data of the training tenant.", ExpiresAt: ago(-23 * time.Hour)}}}
}
