package web

import "strconv"

// attentionKinds are the kinds of what needs a person: the findings first, then the conditions.
var attentionKinds = vocabulary{
	{"column_lost", label{"Protection lost", ToneDanger, "unlock"}},
	{"run_rejected", label{"Run rejected", ToneDanger, "x"}},
	{"run_unconfirmed", label{"Run unconfirmed", ToneWarning, "help"}},
	{"run_failed", label{"Run failed", ToneDanger, "alert"}},
	{"key_went_back", label{"Key version went back", ToneDanger, "key"}},
	{"rotation_overdue", label{"Rotation overdue", ToneWarning, "rotate"}},
	{"month_not_reviewed", label{"Month not reviewed", ToneWarning, "clock"}},
	{"column_unprotected", label{"Not encrypted", ToneDanger, "unlock"}},
	{"column_refused", label{"Refused by the KMS", ToneDanger, "alert"}},
	{"column_unverified", label{"Encrypted, not verified", ToneWarning, "lock"}},
	{"run_awaiting", label{"Awaits approval", ToneWarning, "clock"}},
	{"rotation_due", label{"Rotation due", ToneInfo, "rotate"}},
	{"tenant_unread", label{"Tenant not read whole", ToneWarning, "database"}},
	{"ledger_not_anchored", label{"Audit log not anchored", ToneWarning, "audit"}},
	{"column_undecided", label{"Undecided", ToneInfo, "help"}},
}

// findingKinds is how many of attentionKinds are findings, which the list can be narrowed to.
const findingKinds = 7

var findingOptions = attentionKinds[:findingKinds].options()

// attentionStates are where a finding stands.
var attentionStates = vocabulary{
	{"open", label{"Open", ToneWarning, "alert"}},
	{"acknowledged", label{"Acknowledged", ToneInfo, "user"}},
	{"resolved", label{"Resolved", ToneSuccess, "check"}},
}

var attentionStateOptions = attentionStates.options()

// resolutions are the facts that resolve a finding.
var resolutions = vocabulary{
	{"verified", label{"A later run was verified", ToneSuccess, "check"}},
	{"confirmed", label{"Confirmed late by the KMS", ToneSuccess, "check"}},
	{"rotated", label{"A newer key version was seen", ToneSuccess, "rotate"}},
	{"reviewed", label{"Reviewed to its end", ToneSuccess, "shield"}},
	{"gone", label{"The column is gone", ToneNone, "ban"}},
	{"superseded", label{"A later finding took its place", ToneNone, "arrow"}},
}

// attentionText is what the dashboard says of a kind, for one and for many, and what is to be done.
type attentionText struct{ one, many, doOne, doMany string }

var attentionTexts = map[string]attentionText{
	"column_lost": {"column lost its protection outside of this console", "columns lost their protection outside of this console",
		"Find out who did it, and encrypt it again: a verified run resolves it.", "Find out who did it, and encrypt them again: a verified run resolves each."},
	"run_rejected": {"run was rejected by the KMS check", "runs were rejected by the KMS check",
		"Do not rely on this encryption: find out which key was used, and rotate the key.", "Do not rely on these encryptions: find out which keys were used, and rotate the keys."},
	"run_unconfirmed": {"run is unconfirmed", "runs are unconfirmed",
		"The KMS has not said that its columns are encrypted. Check that it can reach the callback URL.",
		"The KMS has not said that their columns are encrypted. Check that it can reach the callback URL."},
	"run_failed": {"run failed", "runs failed", "Read why, mend it and launch it again.", "Read why, mend it and launch them again."},
	"key_went_back": {"column went back to an older key version", "columns went back to older key versions",
		"Find out who did it. A newer key version or a verified run resolves it.", "Find out who did it. A newer key version or a verified run resolves each."},
	"rotation_overdue": {"rotation is overdue", "rotations are overdue",
		"The date and its grace have passed, and no newer key version was seen.", "The dates and their grace have passed, and no newer key versions were seen."},
	"month_not_reviewed": {"month of the log not reviewed to the end", "months of the log not reviewed to the end",
		"An officer reads it and marks it as reviewed.", "An officer reads each and marks it as reviewed; a later review does not stand for an earlier month."},
	"column_unprotected": {"sensitive column is not encrypted", "sensitive columns are not encrypted",
		"Encrypt it, or decide that it is not sensitive.", "Encrypt them, or decide that they are not sensitive."},
	"column_refused": {"sensitive column was refused by the KMS check", "sensitive columns were refused by the KMS check",
		"Do not rely on its encryption: find out which key was used, and rotate the key.", "Do not rely on their encryption: find out which keys were used, and rotate the keys."},
	"column_unverified": {"sensitive column is encrypted and not verified", "sensitive columns are encrypted and not verified",
		"No KMS verdict says how. A key rotation by this console brings one.", "No KMS verdicts say how. Key rotations by this console bring them."},
	"run_awaiting": {"run waits for a second person's approval", "runs wait for a second person's approval",
		"Whoever did not ask for it reads the plan and approves or declines.", "Whoever did not ask for them reads the plans and approves or declines."},
	"rotation_due": {"rotation is due", "rotations are due",
		"The date has passed, and the grace has not. Watch that a newer key version appears.",
		"The dates have passed, and their grace has not. Watch that newer key versions appear."},
	"column_undecided": {"column is undecided", "columns are undecided",
		"The name does not say what is kept there. A person who knows should decide.", "The names do not say what is kept there. A person who knows should decide."},
	"tenant_unread":       {"connection could not be read whole", "connections could not be read whole", "", ""},
	"ledger_not_anchored": {"log is not anchored", "logs are not anchored", "", ""},
}

// title and detail are what the dashboard says.
func (a Attention) title() string {
	if a.Title != "" {
		return a.Title
	}
	text := attentionTexts[a.Kind]
	return Plural(a.Count, firstOf(text.one, a.Kind), firstOf(text.many, a.Kind))
}

func (a Attention) detail() string {
	text := attentionTexts[a.Kind]
	switch {
	case a.Detail != "":
		return a.Detail
	case a.Count == 1:
		return text.doOne
	}
	return text.doMany
}

func (a Attention) tone() Tone { return attentionKinds.label(a.Kind).tone }

// subject is what a finding is about, beside its columns.
func (r AttentionRow) subject() string {
	switch {
	case r.Month != "":
		return r.Month
	case r.TableName != "":
		return r.TableName
	}
	return r.TableID
}

// leftText says how many of a finding's columns are settled already.
func (r AttentionRow) leftText() string {
	if r.State == "resolved" || r.Left == 0 || r.Left == len(r.Columns) {
		return ""
	}
	return strconv.Itoa(len(r.Columns)-r.Left) + " of " + Plural(len(r.Columns), "column", "columns") + " settled"
}
