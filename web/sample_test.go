package web

import (
	"time"

	"github.com/a-h/templ"
)

// page is a sample page for the tests that walk all of them.
type page struct {
	name string
	path string
	c    templ.Component
}

var sampleNow = time.Date(2026, 11, 23, 4, 5, 12, 0, time.UTC)

func ago(d time.Duration) time.Time { return sampleNow.Add(-d) }

func chrome(title string, nav Nav, crumbs ...Link) Chrome {
	return Chrome{
		Title: title, Nav: nav, Crumbs: crumbs, User: User{Name: "admin", Role: "admin"}, CSRF: "csrf-sample",
		Version: "0.1.0", Health: Health{Tone: ToneSuccess, Label: "default: reachable"}, Now: sampleNow,
	}
}

const (
	runA = "6f1c2a90-8a7e-4a51-9d0b-52f7c2a1e001"
	runB = "a2d4e6f8-1b3c-4d5e-8f90-112233445566"
)

func sampleRuns() []RunRow {
	base := RunRow{Operation: "COLUMN_ENCRYPTION", Connection: "default", DatastoreID: "ds-customers", TableID: "tbl-contacts", TableName: "Contacts", RequestedBy: "admin", Role: "admin"}
	mk := func(id, state string, since, took time.Duration, reason string, columns ...string) RunRow {
		r := base
		r.ID, r.State, r.Columns, r.RequestedAt, r.Reason = id, state, columns, ago(since), reason
		if took > 0 {
			r.FinishedAt = r.RequestedAt.Add(took)
		}
		return r
	}
	running := mk(runA, "verifying", 8*time.Second, 0, "", "ssn", "credit_card", "medical_record_number")
	rotation := mk("0b7f3c11-4d2e-4f6a-8b9c-0d1e2f3a4b5c", "verified", 26*time.Hour, 1400*time.Millisecond, "", "email")
	rotation.Operation, rotation.RequestedBy, rotation.Role = "KEY_ROTATION", "scheduler", "system"
	return []RunRow{
		running,
		mk(runB, "rejected", 50*time.Minute, 2300*time.Millisecond, "The callback names key version 1, but version 2 was seen before.", "phone_number", "date_of_birth"),
		rotation,
		mk("c3a1b2d4-0000-4000-8000-000000000001", "failed", 49*time.Hour, 900*time.Millisecond, "CXone failed the change and the read-only index idx_iban covers iban.", "iban"),
		mk("c3a1b2d4-0000-4000-8000-000000000002", "unconfirmed", 72*time.Hour, 10*time.Minute, "No callback by the deadline.", "address_line_1", "address_line_2", "postal_code", "city"),
		mk("c3a1b2d4-0000-4000-8000-000000000003", "queued", 2*time.Minute, 0, "", "notes"),
		mk("c3a1b2d4-0000-4000-8000-000000000004", "cancelled", 80*time.Hour, 30*time.Second, "", "loyalty_id"),
	}
}

func sampleRecords() []AuditRow {
	mk := func(seq int64, op, outcome, actor, role string, since time.Duration, run, detail string, columns ...string) AuditRow {
		r := AuditRow{Seq: seq, ID: "9b2c7d1e-0000-4000-8000-00000000" + itoa4(seq), At: ago(since), Operation: op, Outcome: outcome, Actor: actor, Role: role, Detail: detail, RunID: run, Columns: columns}
		if len(columns) > 0 {
			r.Connection, r.DatastoreID, r.TableID = "default", "ds-customers", "tbl-contacts"
		}
		return r
	}
	return []AuditRow{
		mk(1204, "RUN_REQUESTED", "SUCCESS", "admin", "admin", 8*time.Second, runA, "3 columns, every 90 days, at once.", "ssn", "credit_card", "medical_record_number"),
		mk(1203, "LOGIN", "SUCCESS", "admin", "admin", 3*time.Minute, "", ""),
		mk(1202, "COLUMN_ENCRYPTION", "FAILURE", "admin", "admin", 49*time.Minute, runB, "The KMS callback was refused: key version 1 does not move forward.", "phone_number", "date_of_birth"),
		mk(1201, "KMS_CALLBACK", "FAILURE", "kms", "system", 49*time.Minute, runB, "key_version", "phone_number", "date_of_birth"),
		mk(1200, "ACCESS_DENIED", "DENIED", "officer", "officer", 2*time.Hour, "", "Only administrators launch runs."),
		mk(1199, "AUDIT_EXPORT", "SUCCESS", "officer", "officer", 3*time.Hour, "", "CSV, 1,198 records, filter: from=2026-01-01."),
		mk(1198, "KEY_ROTATION", "SUCCESS", "scheduler", "system", 26*time.Hour, "0b7f3c11-4d2e-4f6a-8b9c-0d1e2f3a4b5c", "", "email"),
	}
}

func itoa4(n int64) string { return FormatNumber(n)[:1] + FormatNumber(n)[2:] }

func sampleLogState(trouble string) LogState {
	s := LogState{Size: 1204, Checkpoint: 1200, CheckpointAt: ago(9 * time.Minute), Anchors: []string{"file:/mnt/worm/checkpoints", "https://collector.example/log"},
		Anchored: 1100, AnchoredAt: ago(19 * time.Minute), Where: "file:/mnt/worm/checkpoints", NotAnchored: 104, Error: trouble}
	if trouble != "" {
		s.FailedSince = ago(10 * time.Minute)
	}
	return s
}

func sampleRotations() []RotationRow {
	mk := func(column, status string, in time.Duration, version int64) RotationRow {
		return RotationRow{DatastoreID: "ds-customers", TableID: "tbl-contacts", TableName: "Contacts", Column: column, Strategy: "AUTOMATIC", IntervalDays: 90, DueAt: sampleNow.Add(in), Status: status, KeyVersion: version, RunID: runB}
	}
	const day = 24 * time.Hour
	seen := mk("iban", "late", 88*day, 4)
	seen.Key, seen.Policy, seen.SeenAt, seen.GraceDays = "k", "policy for connection default", sampleNow, 7
	seen.RotatedAt, seen.RotatedHow, seen.Timeliness, seen.BackAt, seen.BackTo = sampleNow.Add(-2*day), "table", "unproven", sampleNow, 3
	return []RotationRow{
		mk("email", "overdue", -4*day, 1), mk("phone_number", "due", 3*time.Hour, 2), mk("date_of_birth", "soon", 6*day, 0),
		mk("account_number", "on_time", 61*day, 3), seen,
	}
}

const samplePayload = `{
  "tableId": "tbl-contacts",
  "columnTargetMatrix": [
    {
      "name": "ssn",
      "type": "string",
      "encryptionConfiguration": {
        "enabled": true,
        "algorithm": "AES-256-GCM",
        "complianceMode": "GDPR",
        "keyRotationDirective": {"strategy": "AUTOMATIC", "intervalDays": 90, "nextRotationEpoch": 1803182712},
        "indexMaskingTrigger": true,
        "decryptionPermissionVerification": true
      }
    }
  ],
  "externalKmsSync": {"callbackUrl": "https://console.example.org/kms/callback/[redacted]", "syncMode": "ASYNC", "retryPolicy": {"maxAttempts": 3, "backoffMs": 2000}}
}`

func sampleTable() TableView {
	mk := func(name, kind string, indexes ...string) ColumnRow {
		return ColumnRow{Name: name, Type: kind, Indexes: indexes, Protection: "unprotected"}
	}
	email := mk("email", "string", "idx_email")
	email.Encrypted, email.KeyVersion, email.RotationDue = true, 1, sampleNow.Add(-96*time.Hour)
	email.Protection, email.VerdictRun = "refused", "0193b7a1"
	phone := mk("phone_number", "string")
	phone.Protection, phone.VerifiedVersion, phone.Observed = "verified", 1, true
	phone.Encrypted, phone.KeyVersion, phone.RotationDue = true, 2, sampleNow.Add(3*time.Hour)
	blob := mk("avatar", "binary")
	blob.Unsupported = true
	v := TableView{
		Chrome:     chrome("Contacts", NavDatastores, Link{"Data stores", "/datastores"}, Link{"Customers", "/datastores?datastore_id=ds-customers"}),
		Connection: "default", DatastoreID: "ds-customers", DatastoreName: "Customers", TableID: "tbl-contacts", Name: "Contacts",
		ReadAt: ago(20 * time.Second), Protected: Protected{Verified: 1, Observed: 1, Refused: 1, Total: 11, Rate: 9.09}, MaxFields: 12,
		Columns: []ColumnRow{mk("id", "uuid", "pk_contacts"), mk("full_name", "string", "idx_name"), email, phone, mk("ssn", "string"), mk("credit_card", "string"), mk("medical_record_number", "string"), mk("iban", "string", "idx_iban"), mk("date_of_birth", "date"), mk("notes", "text"), blob},
		Indexes: []IndexRow{{"pk_contacts", []string{"id"}, true}, {"idx_name", []string{"full_name"}, false}, {"idx_email", []string{"email"}, false}, {"idx_iban", []string{"iban"}, true}},
		Runs:    sampleRuns()[1:4],
	}
	return v
}

func samplePreflight(blocked bool) *PreflightView {
	p := &PreflightView{
		TableName: "Contacts", Before: Coverage{2, 11, 18.18}, After: Coverage{5, 11, 45.45}, MaxFields: 12,
		IntervalDays: 90, NextRotation: sampleNow.Add(90 * 24 * time.Hour), Payload: samplePayload, Fingerprint: "f00d",
	}
	for _, c := range sampleTable().Columns {
		p.Columns = append(p.Columns, PreflightColumn{Name: c.Name, Type: c.Type})
	}
	for _, i := range []int{4, 5, 6} {
		p.Columns[i].Chosen = true
	}
	if blocked {
		p.Columns[1].Chosen, p.Columns[7].Chosen = true, true
		p.Columns[1].Blockers = []string{"The index idx_name covers it. Allow masking, or leave it out."}
		p.Columns[7].Blockers = []string{"The read-only index idx_iban covers it. It cannot be encrypted until CXone changes the index."}
		p.TableBlockers = []string{"Another run is at work on this table."}
	}
	return p
}

func sampleRun(state string) RunView {
	rows := sampleRuns()
	r := RunView{
		Chrome: chrome("Run 6f1c2a90", NavRuns, Link{"Runs", "/runs"}), Run: rows[0], DatastoreName: "Customers", Strategy: "AUTOMATIC", IntervalDays: 90,
		NextRotation: sampleNow.Add(90 * 24 * time.Hour), MaskIndexes: true, Masked: []string{"idx_name"}, IdempotencyKey: "cxseal-6f1c2a90-8a7e-4a51-9d0b-52f7c2a1e001", Attempts: 2,
		Timings: []Timing{{"Token", 41}, {"Checks", 180}, {"PATCH", 2412}, {"KMS confirmation", -1}}, Before: Coverage{2, 11, 18.18}, After: Coverage{5, 11, 45.45},
		Deadline: sampleNow.Add(10 * time.Minute), Request: samplePayload, Response: `{"tableId": "tbl-contacts", "status": "ACCEPTED"}`, Status: 200, Replayed: true,
		Records: sampleRecords()[:1], Live: true,
	}
	r.Run.State = state
	r.Lead = "Encrypt ssn, credit_card and medical_record_number on Contacts"
	at := func(s int) time.Time { return rows[0].RequestedAt.Add(time.Duration(s) * time.Second) }
	r.Events = []RunEvent{
		{1, at(0), "queued", "state", "admin asked for 3 columns to be encrypted, at once."},
		{2, at(1), "checking", "state", "Reading the table and its indexes."},
		{3, at(1), "patching", "state", "The plan is what was approved; nothing stands in the way."},
		{4, at(1), "patching", "request", "PATCH sent, attempt 1."},
		{5, at(2), "patching", "retry", "CXone answered 503; trying again in 1.4 s with the same key."},
		{6, at(4), "patching", "request", "PATCH sent, attempt 2."},
		{7, at(4), "verifying", "state", "CXone made the change. Waiting for the KMS."},
	}
	switch state {
	case "rejected":
		r.Live, r.Run.FinishedAt, r.KeyVersion = false, at(6), 2
		r.ErrorCode, r.ErrorMessage = "kms_refused", "The KMS callback names key version 1, but version 2 was seen before."
		r.Events = append(r.Events, RunEvent{8, at(6), "rejected", "state", "The KMS callback was refused."})
		r.Verdicts = []Verdict{{ID: "v1", ReceivedAt: at(6), From: "10.0.0.7", Reason: r.ErrorMessage, Status: 403, Body: `{"tableId":"tbl-contacts","keyVersion":1}`, Checks: []Check{
			{"Signature", CheckPassed, "signed with the current secret"}, {"Table", CheckPassed, "tbl-contacts"}, {"Columns", CheckPassed, "exactly the 3 that were sent"}, {"Algorithm", CheckPassed, "AES-256-GCM"}, {"Key version", CheckFailed, "1, expected above 2"}}}}
	case "verified":
		r.Live, r.Run.FinishedAt, r.KeyVersion = false, at(6), 3
		r.Timings[3].Ms = 2044
		r.Events = append(r.Events, RunEvent{8, at(6), "verifying", "kms", "The KMS confirmed key version 3."}, RunEvent{9, at(6), "verified", "state", "The run is verified."})
		r.Verdicts = []Verdict{{ID: "v1", ReceivedAt: at(6), Accepted: true, From: "10.0.0.7", Status: 200, Body: `{"tableId":"tbl-contacts","keyVersion":3}`, Checks: []Check{
			{"Signature", CheckPassed, "signed with the current secret"}, {"Table", CheckPassed, "tbl-contacts"}, {"Columns", CheckPassed, "exactly the 3 that were sent"}, {"Algorithm", CheckPassed, "AES-256-GCM"}, {"Key version", CheckPassed, "3, after 2"}}}}
	case "queued":
		r.Events, r.CanCancel, r.Attempts, r.Request, r.Response, r.Deadline, r.After = r.Events[:1], true, 0, "", "", time.Time{}, Coverage{}
	}
	return r
}

func samplePages() []page {
	connections := []Option{{"default", "default"}, {"emea", "EMEA tenant"}}
	dash := DashboardView{Lists: true, Undecided: Link{"1,204 columns are undecided", "/sensitivity?state=undecided"},
		Sensitive: Protected{Verified: 61, Observed: 3, Unverified: 4, Refused: 2, Total: 80, Rate: 76.25, VerifiedHref: "/sensitivity?state=sensitive&protection=verified",
			UnverifiedHref: "/sensitivity?state=sensitive&protection=unverified", RefusedHref: "/sensitivity?state=sensitive&protection=refused",
			OpenHref: "/sensitivity?state=sensitive&protection=unprotected"},
		Trend: Spark{[]float64{40, 61, 58, 76.25}, "Sensitive columns, from 40% to 76.25%"}, History: sampleChart(),
		Latency: []StageLatency{{Stage: "PATCH", P50: 240, P95: 811, Day: ago(time.Hour), Trend: Spark{[]float64{600, 820, 811}, "PATCH"}, Href: "/charts#latency-patch"}},
		Chrome:  chrome("Dashboard", NavDashboard),
		Attention: []Attention{
			{Kind: "run_rejected", Count: 1, Link: Link{"Show", "/attention?kind=run_rejected&state=open"}},
			{Kind: "rotation_overdue", Count: 3, Link: Link{"Show", "/attention?kind=rotation_overdue&state=open"}},
			{Kind: "tenant_unread", Count: 1, Title: "The connection default could not be read whole", Detail: "CXone did not answer.", Link: Link{"Show", "/system"}, At: ago(72 * time.Hour)},
		},
		Findings: AttentionTotals{4, 1, 23, "/attention?state=open", "/attention?state=acknowledged", "/attention?state=resolved"},
		Coverage: CoverageTotals{Coverage{214, 1310, 16.34}, 120, 44, ago(40 * time.Minute), "/datastores", "/datastores?untouched=1", 1, 1},
		Stats: []Stat{
			{"Runs verified", 38, "last 30 days", "/runs?state=verified", ToneNone}, {"Runs failed", 2, "last 30 days", "/runs?state=failed", ToneDanger},
			{"KMS callbacks refused", 1, "last 30 days", "/verifications?accepted=no", ToneWarning}, {"Rotations due", 3, "next 30 days", "/rotations?status=soon", ToneNone},
			{"Tables untouched", 44, "no encrypted column", "/datastores?untouched=1", ToneNone}, {"Audit records", 1204, "since the start", "/audit", ToneNone},
		},
		Runs: sampleRuns()[:5], Activity: sampleRecords()[:6], Rotations: sampleRotations(),
	}
	dashEmpty := DashboardView{Chrome: chrome("Dashboard", NavDashboard), NextStep: &NextStep{"Nothing is encrypted yet", "The connection “default” is set up. Choose a table and the columns to encrypt.", Link{"Go to data stores", "/datastores"}}}
	stores := DatastoresView{
		Chrome: chrome("Data stores", NavDatastores), Connections: connections, Connection: "default", Datastores: []Option{{"ds-customers", "Customers"}, {"ds-billing", "Billing"}},
		Sync: SyncState{At: ago(12 * time.Minute), CanSync: true}, Pager: Pager{Older: "/datastores?after=x", Total: "120"},
		Tables: []TableRow{
			{"default", "ds-customers", "Customers", "tbl-contacts", "Contacts", true, Coverage{5, 11, 45.45}, ago(20 * time.Second)},
			{"default", "ds-customers", "Customers", "tbl-interactions", "Interactions", true, Coverage{0, 24, 0}, ago(12 * time.Minute)},
			{"default", "ds-billing", "Billing", "tbl-invoices", "Invoices", true, Coverage{12, 12, 100}, ago(12 * time.Minute)},
			{"default", "ds-billing", "Billing", "tbl-archive", "", false, Coverage{}, ago(12 * time.Minute)},
		},
	}
	stores.Stores = []StoreRow{
		{Connection: "default", ID: "ds-customers", Name: "Customers", Tables: 2, ListedAt: ago(12 * time.Minute), OldestRead: ago(12 * time.Minute)},
		{Connection: "default", ID: "ds-billing", Name: "Billing", Tables: 2, Unread: 1, ListedAt: ago(50 * time.Hour), OldestRead: ago(26 * time.Hour),
			Error: "CXone refused the list (403).", Advice: AdviceFor("tenant_scope")},
	}
	stores.Lead = "Every table this console knows, and how much of it is encrypted."
	storesBroken := stores
	storesBroken.Sync = SyncState{Error: "CXone refused the credentials of the connection “default”.", Code: "tenant_auth", CanSync: true}
	storesBroken.Tables, storesBroken.Pager, storesBroken.Connection, storesBroken.Open.Wanted = nil, Pager{}, "", true

	table := sampleTable()
	table.Encrypt = &RunForm{IntervalDays: "90", Chosen: []string{"ssn", "credit_card", "medical_record_number"}, Preflight: samplePreflight(false)}
	table.Rotate = &RunForm{IntervalDays: "90"}
	tableBlocked := sampleTable()
	tableBlocked.Encrypt = &RunForm{IntervalDays: "0", Errors: map[string]string{"interval_days": "Give a number from 1 to 3650."}, Chosen: []string{"full_name", "ssn", "iban"}, Preflight: samplePreflight(true)}
	tableFresh := sampleTable()
	tableFresh.Encrypt, tableFresh.Rotate = &RunForm{}, &RunForm{}
	tableOfficer := sampleTable()
	tableOfficer.User = User{"olivia", "officer"}

	audit := AuditView{
		Chrome: chrome("Audit", NavAudit), Rows: sampleRecords(), Connections: connections, CanExport: true, Evidence: true, Pager: Pager{Older: "/audit?before=1197", Total: "1,204"},
		Facets: []Facet{
			{"Outcome", "outcome", []FacetValue{{"SUCCESS", "1,160"}, {"FAILURE", "31"}, {"DENIED", "13"}}},
			{"Operation", "operation", []FacetValue{{"LOGIN", "402"}, {"RUN_REQUESTED", "388"}, {"COLUMN_ENCRYPTION", "301"}, {"KMS_CALLBACK", "92"}}},
			{"Actor", "actor", []FacetValue{{"admin", "801"}, {"olivia", "210"}, {"scheduler", "193"}}},
		},
	}
	audit.Log, audit.Reviews, audit.CanSave = sampleLogState(""), true, true
	audit.Views = []SavedView{{3, "Failed runs of this quarter", "/audit?outcome=FAILURE"}, {5, "My sign-ins", "/audit?actor=admin&operation=LOGIN"}}
	audit.Lead = "Everything that was attempted, newest first. Records are never changed or deleted."
	auditFiltered := audit
	auditFiltered.Filter = AuditFilter{Outcome: "FAILURE", From: "2026-11-01", Query: "colour:red"}
	auditFiltered.QueryError, auditFiltered.Rows, auditFiltered.Pager = "“colour:” is not a field of a record. Fields: operation, outcome, actor, connection, datastore, table, run.", nil, Pager{}

	auditNarrow := audit
	auditNarrow.Filter, auditNarrow.FacetsOf = AuditFilter{Outcome: "FAILURE"}, "the newest 2,000"

	reviews := ReviewsView{
		Chrome: chrome("Reviews", NavAudit, Link{"Audit log", "/audit"}), Since: "12 days ago", SinceTone: ToneSuccess, Pager: Pager{Older: "/reviews?before=90"},
		Form: &ReviewForm{From: "2026-11-11", To: "2026-11-23", UpToSeq: 1204, Error: "Write what the review found, even if that is nothing unusual.",
			Found: []Link{{"1,204 records", "/audit?from=2026-11-11&to=2026-11-23"}, {"12 failures", "/audit?outcome=FAILURE"}}},
		Due: "1 month is over and not reviewed to the end: September 2026.",
		Months: []ReviewMonth{{Month: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), Extent: "reviewed", Ended: true},
			{Month: time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC), Extent: "in part", Ended: true, Gaps: []Link{{"2026-09-08 to 2026-09-14", "/reviews?from=2026-09-08&to=2026-09-14"}}}},
		Rows: []ReviewRow{
			{sampleRecords()[1].ID, ago(12 * 24 * time.Hour), "olivia", "officer", ago(42 * 24 * time.Hour), ago(12 * 24 * time.Hour), 1100, 1104, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "Two failed runs on Contacts, explained by the index on iban.\nNo unknown sign-in."},
			{sampleRecords()[2].ID, ago(42 * 24 * time.Hour), "olivia", "officer", ago(72 * 24 * time.Hour), ago(42 * 24 * time.Hour), 702, 0, "", "Nothing unusual."},
		},
	}
	reviews.Lead = "Which parts of the log a person went through, and what they found."
	reviewsEmpty := ReviewsView{Chrome: chrome("Reviews", NavAudit, Link{"Audit log", "/audit"}), Since: "There was none yet", SinceTone: ToneWarning}

	record := AuditRecordView{
		Chrome: chrome("Record 1,202", NavAudit, Link{"Audit", "/audit"}), Record: sampleRecords()[2], ActorIP: "127.0.0.1",
		Metrics: &RecordMetrics{2300, 45.45, 2, 11, "LOW"}, Compliance: &RecordCompliance{false, "AES-256-GCM", true}, KMS: &RecordKMS{1, "", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "REJECTED"},
		Raw: `{"auditId":"9b2c7d1e-0000-4000-8000-000000001202","operation":"COLUMN_ENCRYPTION","outcome":"FAILURE"}`, LeafHash: "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
		TreeSize: 1204, Checkpoint: 1200, Proof: true, VerifierKey: "cxseal.example.org+7f3a1c22+AR5b0Y3h9m1vQ2kS8w7T6u5i4o3p2a1s0d9f8g7h6j5k", Prev: "x", Next: "y",
	}
	verifications := VerificationsView{
		Chrome: chrome("Verifications", NavVerifications), Connections: connections, Pager: Pager{Newer: "/verifications?n", Older: "/verifications?o"},
		Rows: []VerificationRow{
			{"v1", ago(49 * time.Minute), false, "key_version", "The callback names key version 1, but version 2 was seen before.", runB, "default", "tbl-contacts", []string{"phone_number", "date_of_birth"}, 1, "", "AES-256-GCM", true, false, "10.0.0.7", 403},
			{"v2", ago(26 * time.Hour), true, "", "", "0b7f3c11-4d2e", "default", "tbl-contacts", []string{"email"}, 2, "", "AES-256-GCM", false, true, "", 0},
			{"v3", ago(30 * time.Hour), false, "unknown_token", "The address belongs to no run.", "", "", "", nil, 0, "f0a1c2d3e4f5", "", false, false, "203.0.113.9", 404},
		},
	}
	verifications.Lead = "Every KMS callback that arrived, accepted or refused."
	rotations := RotationsView{Chrome: chrome("Rotations", NavRotations), Rows: sampleRotations(), Connections: connections, CanRotate: true, Feed: FeedView{Offered: true, URL: "https://console.example.org/rotations.ics?token=sample"}}
	system := SystemView{
		Chrome: chrome("System", NavSystem), VerifierKey: record.VerifierKey, LogSize: 1204, Log: sampleLogState("https://collector.example answered 503 Service Unavailable."), Facts: []Fact{{"Version", "0.1.0"}, {"Database", "cxseal.db, 3.1 MB"}, {"Started", "23 Nov 2026, 03:58 UTC"}},
		Connections: []ConnectionRow{
			{"default", "https://api-us-01.nice-incontact.com", "environment", "client-credentials", "https://console.example.org/kms/callback/…", true, ToneSuccess, "Reachable", "", ago(time.Minute)},
			{"emea", "https://api-eu-01.nice-incontact.com", "database", "access-key", "https://console.example.org/kms/callback/…", false, ToneDanger, "Not reachable", "CXone did not answer within 10 s.", ago(time.Minute)},
		},
	}
	guest := Chrome{Title: "Sign in", CSRF: "csrf-sample", Version: "0.1.0", Now: sampleNow}
	lost := chrome("Not found", NavNone)
	trends := ChartsView{Chrome: chrome("Trends", NavTrends), Coverage: sampleChart(), Latency: []ChartView{{ID: "latency-patch", Title: "PATCH latency", Unit: "ms", CSV: "/charts/latency.csv"}},
		Drops:   []DropRow{{"2026-11-21", "Contacts", "/datastores/ds/tables/t", "drop", "ssn: <script>"}},
		Counted: []CountedRow{{"2026-11-22", "2 fewer columns count as sensitive, net: from 8 to 6. By decision: 2 taken out, 0 brought in.", -2, "/sensitivity/decisions?from=2026-11-22&to=2026-11-22"}}}
	columns := SensitivityView{Chrome: chrome("Sensitivity", NavSensitivity), Filter: SensitivityFilter{State: "sensitive"}, Total: 120, CanDecide: true, MaxDecided: 5000,
		Rows: []SensitivityRow{
			{Key: "a", Column: "ssn", Type: "string", TableName: "Contacts", TableHref: "/datastores/ds/tables/t", State: "sensitive", Protection: "unverified", Category: "national_id", Confidence: 98, Proposed: "sensitive", Reason: "“ssn” in the name speaks for it."},
			{Key: "b", Column: `<img src=x>`, Type: "text", TableName: "Contacts", TableHref: "/datastores/ds/tables/t", State: "not_sensitive", Proposed: "undecided", Reason: "No rule.", Decided: true, DecidedBy: "olga", DecidedAt: ago(time.Hour), Protection: "verified"},
		}}
	return append(rotationSamples(), []page{
		{"glossary", "/help/glossary", GlossaryPage(GlossaryView{chrome("Glossary", NavNone)})},
		{"trends", "/charts", ChartsPage(trends)}, {"sensitivity", "/sensitivity", SensitivityPage(columns)},
		{"sensitivity-confirm", "/sensitivity", SensitivityConfirmPage(sampleConfirm())}, {"decisions", "/sensitivity/decisions", DecisionsPage(sampleDecisions())},
		{"sensitivity-request", "/sensitivity/requests/r", SensitivityRequestPage(sampleRequest())}, {"approvals", "/approvals", ApprovalsPage(sampleApprovals())},
		{"setup", "/setup", SetupPage(SetupView{Chrome: guest, Token: "sample", Username: "admin", Error: "The two passwords differ."})},
		{"code", "/login/code", CodePage(CodeView{Chrome: guest, Error: "The code is not right, or was used before. Wait for the next one."})},
		{"session-ended", "/runs", SessionEndedPage(SessionEndedView{Chrome: guest, Message: "You were signed out after 30 minutes without activity. Sign in again.", Kept: true})},
		{"kept", "/kept", KeptPage(KeptView{Chrome: chrome("Send what you typed", NavNone), Action: "/runs", Fields: []KeptFields{{"columns", []string{"ssn", "credit_card"}}, {"interval_days", []string{"90"}}}})},
		{"link", "/sso/link", LinkPage(LinkView{Chrome: guest, Account: "olga", Provider: "Example SSO", Code: true, Error: "The password of the account olga is not right."})},
		{"account", "/account", AccountPage(sampleAccount(false))}, {"account-enrol", "/account", AccountPage(sampleAccount(true))},
		{"people", "/people", PeoplePage(samplePeople())},
		{"connections", "/connections", ConnectionsPage(ConnectionsView{Chrome: chrome("Connections", NavConnections), Rows: []ManagedConnection{sampleManaged("default", "environment"), sampleManaged("eu-production", "console")}})},
		{"connection", "/connections/eu-production", ConnectionPage(sampleConnection())}, {"run-awaiting", "/runs/r", RunPage(sampleAwaiting())},
		{"login", "/login", LoginPage(LoginView{Chrome: guest, Next: "/audit", Username: "admin", Error: "User name or password is wrong.", DemoNote: "Demo accounts: admin / demo-admin and officer / demo-officer.", Providers: []Link{{Text: "Sign in with Example SSO", Href: "/sso/example/begin"}}})},
		{"dashboard", "/", DashboardPage(dash)},
		{"dashboard-empty", "/", DashboardPage(dashEmpty)},
		{"datastores", "/datastores", DatastoresPage(stores)},
		{"datastores-broken", "/datastores", DatastoresPage(storesBroken)},
		{"table", "/datastores/d/tables/t", TablePage(table)},
		{"table-fresh", "/datastores/d/tables/t", TablePage(tableFresh)},
		{"table-blocked", "/datastores/d/tables/t", TablePage(tableBlocked)},
		{"table-officer", "/datastores/d/tables/t", TablePage(tableOfficer)},
		{"run-queued", "/runs/x", RunPage(sampleRun("queued"))},
		{"run-live", "/runs/x", RunPage(sampleRun("verifying"))},
		{"run-rejected", "/runs/x", RunPage(sampleRun("rejected"))},
		{"run-verified", "/runs/x", RunPage(sampleRun("verified"))},
		{"runs", "/runs", RunsPage(RunsView{Chrome: chrome("Runs", NavRuns), Rows: sampleRuns(), Connections: connections, Pager: Pager{Older: "/runs?before=9", Total: "388"}})},
		{"attention", "/attention", AttentionPage(sampleAttention())},
		{"attention-none", "/attention", AttentionPage(AttentionView{Chrome: chrome("Attention", NavAttention)})},
		{"runs-empty", "/runs", RunsPage(RunsView{Chrome: chrome("Runs", NavRuns)})},
		{"rotations", "/rotations", RotationsPage(rotations)},
		{"audit", "/audit", AuditPage(audit)},
		{"audit-filtered", "/audit", AuditPage(auditFiltered)},
		{"audit-narrow", "/audit", AuditPage(auditNarrow)},
		{"reviews", "/reviews", ReviewsPage(reviews)},
		{"reviews-empty", "/reviews", ReviewsPage(reviewsEmpty)},
		{"audit-record", "/audit/x", AuditRecordPage(record)},
		{"verifications", "/verifications", VerificationsPage(verifications)},
		{"system", "/system", SystemPage(system)},
		{"error", "/lost", ErrorPage(ErrorView{Chrome: lost, Status: 404, Code: "not_found", Message: "There is no run with this id.", RequestID: "req-8d1f20"})},
	}...)
}

// sampleChart is three days of coverage with a fall.
func sampleChart() ChartView {
	day := func(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }
	return ChartView{ID: "coverage-history", Title: "Coverage", Unit: "%", Runs: true, CSV: "/charts/coverage.csv",
		Summary: "Sensitive columns from 40% to 76.25%; the coverage fell on 1 day.",
		Lines:   []ChartLine{{Label: "Sensitive columns"}, {Label: "All columns"}, {Label: "Days with failed runs", Points: true}},
		Days: []ChartDay{{Day: day(20), Values: []float64{40, 12.5, 0}},
			{Day: day(21), Values: []float64{-1, 10, 30}, Marks: []ChartMark{{Kind: "drop", Reason: "ssn: <b>gone</b>", Href: "/runs/1"}}},
			{Day: day(22), Values: []float64{76.25, 20, 0}, Marks: []ChartMark{{Kind: "run", Reason: "Encryption of 1 column was verified."}}}}}
}

// sampleAttention has an item in each state.
func sampleAttention() AttentionView {
	mk := func(id, kind, state string, since time.Duration, columns ...string) AttentionRow {
		return AttentionRow{ID: id, Kind: kind, State: state, DatastoreID: "ds-customers", TableID: "tbl-contacts", TableName: "Contacts",
			Columns: columns, Left: len(columns), Detail: "What the record says.", OpenedAt: ago(since), OpenedBy: id}
	}
	open := mk("0190-a", "run_rejected", "open", time.Hour, "ssn", "iban")
	open.RunID, open.Left = runB, 1
	taken := mk("0190-b", "column_lost", "acknowledged", 48*time.Hour, "ssn")
	taken.Owner, taken.Note, taken.TakenBy, taken.TakenAt, taken.TakenRecord = "Data platform", "Restored by the vendor; encrypted again tonight.", "olga", ago(time.Hour), "0190-d"
	resolved := mk("0190-c", "run_unconfirmed", "resolved", 72*time.Hour, "email")
	resolved.Resolution, resolved.ResolvedAt, resolved.ResolvedBy, resolved.ResolvedRun = "verified", ago(20*time.Hour), "0190-e", runA
	month := AttentionRow{ID: "month-2026-10", Kind: "month_not_reviewed", State: "open", Month: "October 2026", OpenedAt: ago(22 * 24 * time.Hour)}
	v := AttentionView{Chrome: chrome("Attention", NavAttention), Rows: []AttentionRow{open, taken, resolved, month},
		Totals: AttentionTotals{4, 1, 23, "/attention?state=open", "/attention?state=acknowledged", "/attention?state=resolved"},
		Form:   &AttentionForm{Owner: "admin", Error: "Write a note: what is done about it, or why nothing has to be done."}, Pager: Pager{Older: "/attention?before=9"}}
	v.Lead = "What needed a person, from the record that opened it to the one that resolved it."
	return v
}
