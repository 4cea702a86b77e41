package web

// glossary returns every vocabulary that pages and exports share. The words come from the vocabularies themselves;
// the meanings below are held complete by a test.
func glossary() []glossarySection {
	return []glossarySection{
		{"run-states", "States of a run", "Where a run is, on the pages, in the list's filter and in a campaign's CSV.", terms(runStates, runMeanings)},
		{"kms", "KMS status of a run", "What the record that ended a run says of the KMS: the column kms_status of the CSV.", terms(kmsStatuses, kmsMeanings)},
		{"operations", "Operations", "What a record of the audit log is about: the column operation of the CSV.", operationTerms()},
		{"outcomes", "Outcomes", "How it ended: the column outcome of the CSV.", terms(outcomes, outcomeMeanings)},
		{"rotation", "Status of a rotation date", "How a column's date stands, from what was seen and from the clock.", terms(rotationStatuses, rotationMeanings)},
		{"protection", "Protection of a column", "How far a column is protected, on every page and in the figures. Headlines count the verified ones.", terms(protectionStates, protectionMeanings)},
		{"sensitivity", "Sensitivity of a column", "Whether a column counts in the coverage of sensitive columns.", terms(sensitivityStates, sensitivityMeanings)},
		{"requests", "States of a request for a decision", "How a decision that needs a second person stands.", terms(requestStates, requestMeanings)},
		{"categories", "Categories of sensitive data", "What a sensitive column holds.", optionTerms(categories, categoryMeanings)},
		{"campaigns", "States of a campaign", "Where a campaign over many tables is.", terms(campaignStates, campaignMeanings)},
		{"campaign-tables", "A campaign's table without a run", "What stands in place of a run's state, on the page and in a campaign's CSV.", terms(withoutRun, withoutRunMeanings)},
		{"reviews", "Review of a month", "How much of a month of the log is reviewed.", terms(reviewExtents, reviewMeanings)},
		{"attention", "Kinds of attention", "What needs a person. The first seven are items that stay findable; the others hold as long as their list has rows.", terms(attentionKinds, attentionMeanings)},
		{"attention-states", "States of an item of attention", "Where an item stands: the state of its list's filter.", terms(attentionStates, attentionStateMeanings)},
		{"resolutions", "What resolves an item of attention", "The fact that ended it. The item names the record that says so.", terms(resolutions, resolutionMeanings)},
		{"deliveries", "Delivery of an alarm", "How far an alarm came on one route.", terms(deliveryStates, deliveryMeanings)},
		{"jobs", "Background jobs", "How a job stands.", terms(jobConditions, jobMeanings)},
		{"findings", "Findings about a connection", "How one examination of a connection went.", terms(verdicts, verdictMeanings)},
	}
}

func terms(v vocabulary, meanings map[string]string) []glossaryTerm {
	out := make([]glossaryTerm, len(v))
	for i, w := range v {
		out[i] = glossaryTerm{w.label, w.code, meanings[w.code]}
	}
	return out
}

func optionTerms(options []Option, meanings map[string]string) []glossaryTerm {
	out := make([]glossaryTerm, len(options))
	for i, o := range options {
		out[i] = glossaryTerm{label{text: o.text()}, o.Value, meanings[o.Value]}
	}
	return out
}

func operationTerms() []glossaryTerm {
	return optionTerms(operationOptions(operations), operationMeanings)
}

var runMeanings = map[string]string{
	"awaiting":    "Asked for on a connection with four eyes: a second person must approve it before anything is sent.",
	"queued":      "Nothing was sent yet. It waits for its turn, its start, or its low-traffic window.",
	"held":        "Stopped before anything was sent: who asked for it or approved it is disabled or may no longer. Another admin takes it over, or cancels it.",
	"checking":    "Table and indexes are being read, and everything that stands in the way is gathered.",
	"patching":    "The change is being sent to CXone, or it is being found out whether it was made.",
	"verifying":   "CXone accepted the change. The KMS has not confirmed it yet.",
	"verified":    "The KMS confirmed the change and every check of its callback passed.",
	"rejected":    "The KMS callback was checked and failed. Do not rely on this encryption.",
	"unconfirmed": "The columns may be encrypted, but no callback came by the deadline. A late one still counts.",
	"failed":      "Nothing was changed, or CXone refused the change. The run's page says why.",
	"cancelled":   "Taken back or declined before anything was sent.",
}

var protectionMeanings = map[string]string{
	"verified":    "Encrypted, the KMS's newest verdict on it is a yes, and it was seen encrypted ever since. A later key version that was only observed leaves it verified.",
	"unverified":  "Encrypted, and the KMS has given no verdict on that encryption. A key rotation by this console brings one.",
	"refused":     "Encrypted, and the KMS's newest verdict on it is a no. Do not rely on it.",
	"unprotected": "Not encrypted.",
}

var kmsMeanings = map[string]string{
	"VERIFIED":    "A callback came and every check of it passed.",
	"REJECTED":    "A callback came and a check of it failed.",
	"UNCONFIRMED": "No callback came by the deadline.",
	"NOT_REACHED": "The run ended before it came to the KMS.",
}

var operationMeanings = map[string]string{
	"COLUMN_ENCRYPTION":      "A run that encrypts columns has ended. Each such run has exactly one.",
	"KEY_ROTATION":           "A run that rotates keys has ended. Each such run has exactly one.",
	"RUN_REQUESTED":          "Somebody asked for a run, or it was asked for by a policy.",
	"RUN_APPROVED":           "A second person approved a run.",
	"RUN_DECLINED":           "A second person declined a run, or nobody answered in time.",
	"RUN_CANCELLED":          "Somebody cancelled a run before it was sent.",
	"RUN_HELD":               "A run was stopped before it was sent: who asked for it or approved it may no longer do so.",
	"RUN_TAKEN_OVER":         "Another admin lets a held run go on in their own name.",
	"KMS_CALLBACK":           "A KMS callback came, and was accepted or refused.",
	"DRIFT_DETECTED":         "A table was found other than it was last seen, by nobody's run.",
	"ROTATION_OVERDUE":       "A date and its grace passed without a newer key version.",
	"ROTATION_OBSERVED":      "A newer key version was seen.",
	"LOGIN":                  "Somebody signed in, or tried to.",
	"LOGOUT":                 "Somebody signed out.",
	"ACCESS_DENIED":          "Somebody asked for what their role may not do or see. Reads are recorded once an hour and page.",
	"AUDIT_EXPORT":           "Something left the console: an export, an evidence pack, a proof, a checkpoint or a CSV.",
	"AUDIT_REVIEW":           "An officer marked a period of the log as reviewed.",
	"ATTENTION_ACKNOWLEDGED": "Somebody took on a finding that needs attention, with an owner and a note.",
	"SETTINGS_CHANGED":       "A connection, a policy, a route or the sealing key was changed, or other rules of what is sensitive were applied.",
	"SENSITIVITY_DECIDED":    "Somebody decided whether a column is sensitive. Each decision has exactly one, with what the column was and is, and with its reason.",
	"SENSITIVITY_REQUESTED":  "Somebody decided what needs a second person: it waits for one.",
	"SENSITIVITY_APPROVED":   "A second person approved such decisions, which were then made.",
	"SENSITIVITY_DECLINED":   "A second person declined such decisions, somebody took the request back, or nobody answered in time.",
	"USER_CHANGED":           "An account was made or changed: role, password, second factor, sessions, tokens.",
	"CHECKPOINT_CREATED":     "A checkpoint of the log was signed.",
	"LOG_RESTORED":           "A backup was put in the place of the database; the record says which records are missing since.",
	"CAMPAIGN_CHANGED":       "A campaign was launched, paused, resumed, cancelled or has ended.",
}

var outcomeMeanings = map[string]string{
	"SUCCESS": "It was done.",
	"FAILURE": "It was tried and not done, or what was found is bad.",
	"DENIED":  "It was not tried: the person may not.",
}

var rotationMeanings = map[string]string{
	"overdue": "The date and its grace have passed, and no newer key version was seen.",
	"due":     "The date has passed, the grace has not.",
	"soon":    "The date is near.",
	"unknown": "The tenant shows no key version, so nobody can tell.",
	"late":    "The last rotation missed its date and grace, and that is proven.",
	"on_time": "The date is not near.",
}

var sensitivityMeanings = map[string]string{
	"sensitive":     "It holds data that must be protected, as a person decided or the rules propose.",
	"not_sensitive": "It holds no such data, as a person decided or the rules propose.",
	"undecided":     "Its name does not say what it holds, and nobody has decided.",
}

var requestMeanings = map[string]string{
	"requested": "Another person must approve it before anything is changed.",
	"approved":  "Another person has approved it.",
	"used":      "Another person approved it, and the decisions were made.",
	"declined":  "Another person declined it. Nothing was changed.",
	"withdrawn": "It was taken back. Nothing was changed.",
	"expired":   "Nobody answered in time. Nothing was changed.",
}

var categoryMeanings = map[string]string{
	"national_id":  "A number that a state gives: social security, tax, passport, licence.",
	"card":         "A payment card's number, code or track.",
	"bank_account": "An account's number or alias.",
	"health":       "Anything about a person's health.",
	"biometric":    "A voice, a face, a fingerprint and the like, also as a vector.",
	"secret":       "A password, a key or a token.",
	"birth_date":   "A date of birth.",
	"contact":      "A person's name, mail address, telephone number or postal address.",
	"location":     "Where a person is or was.",
	"content":      "Free text or a recording of what people said.",
	"personal":     "What the law protects specially: origin, belief, orientation and the like.",
}

var campaignMeanings = map[string]string{
	"running":   "Runs are being launched table by table.",
	"paused":    "No further run is launched until somebody resumes it. Runs that were launched go on.",
	"done":      "Every table was dealt with. Its page says which were not verified.",
	"cancelled": "Somebody cancelled what was still to come.",
}

var deliveryMeanings = map[string]string{
	"waiting": "It is sent soon, or tried again.",
	"sent":    "The receiver took it.",
	"failed":  "It was tried twelve times and is not tried again.",
}

var jobMeanings = map[string]string{
	"waiting": "It has not run since the console was set up.",
	"running": "It is at work.",
	"hangs":   "It does not stop though it was told to, and is not started again before it does.",
	"failed":  "It failed the last time. It is tried again.",
	"fine":    "It succeeded the last time.",
}

var verdictMeanings = map[string]string{
	"ok":      "Nothing to do.",
	"warning": "It works, and somebody should look at it.",
	"problem": "It does not work as it is.",
	"skipped": "It could not be examined, because something before it failed or is not set.",
}

var attentionMeanings = map[string]string{
	"column_lost":         "A reading of the table found a column not encrypted that was, and no run of this console did that.",
	"run_rejected":        "A run ended with a KMS callback that failed a check.",
	"run_unconfirmed":     "A run ended without a callback by its deadline.",
	"run_failed":          "A run ended because something stood in the way, or CXone refused the change.",
	"key_went_back":       "A reading of the table found an older key version on a column than before.",
	"rotation_overdue":    "A rotation's date and its grace passed without a newer key version.",
	"month_not_reviewed":  "A month of the log is over, and no reviews cover it to its end.",
	"column_unprotected":  "Sensitive columns that are not encrypted now.",
	"column_refused":      "Sensitive columns that are encrypted, and whose newest KMS verdict is a no.",
	"column_unverified":   "Sensitive columns that are encrypted, and without a KMS verdict.",
	"run_awaiting":        "Runs on a connection with four eyes that nobody has approved or declined yet.",
	"rotation_due":        "Rotation dates that have passed while their grace has not.",
	"tenant_unread":       "A connection's last reading failed or was not whole, so there may be more than is shown.",
	"ledger_not_anchored": "The log's checkpoints have no copy outside of this machine.",
	"column_undecided":    "Columns whose name does not say whether they are sensitive.",
}

var attentionStateMeanings = map[string]string{
	"open":         "Nobody has taken it on, and no fact has resolved it.",
	"acknowledged": "A person took it on, with an owner and a note that are on record. Facts still resolve it.",
	"resolved":     "A fact ended it; the item says which, and when.",
}

var resolutionMeanings = map[string]string{
	"verified":   "The KMS confirmed a later run of the same columns.",
	"confirmed":  "The right callback of the run itself came after its end.",
	"rotated":    "A newer key version of the column was seen.",
	"reviewed":   "A review closed the last gap of the month.",
	"gone":       "The table no longer has the column.",
	"superseded": "A later item says as much or more of the same columns, and stands for it.",
}

var withoutRunMeanings = map[string]string{
	"not_launched": "No run was launched for the table; the detail says why.",
	"to_come":      "The table's run is still to be launched.",
}

var reviewMeanings = map[string]string{
	"reviewed":     "Reviews cover the whole month.",
	"in part":      "Reviews cover some of the month; the days that are not reviewed are named.",
	"not reviewed": "No review covers any of the month.",
}
