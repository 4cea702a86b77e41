package web

import "time"

func sampleAccount(enrolling bool) AccountView {
	v := AccountView{Chrome: chrome("Your account", NavNone), Name: "olga", RoleText: "Reads everything, exports the record and reviews it.", HasPassword: true,
		Sessions: []SessionRow{{ID: "a", IP: "127.0.0.1", Agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 <script>", Since: ago(time.Hour), Seen: ago(time.Minute), Own: true},
			{ID: "b", IP: "10.0.0.9", Agent: "curl", Since: ago(3 * time.Hour), Seen: ago(2 * time.Hour)}},
		Tokens: []TokenRow{{ID: 1, Label: "nightly <b>", Hint: "cxs_abcd", Scopes: "export the record", CreatedAt: ago(time.Hour), ExpiresAt: ago(-time.Hour), LastUsedAt: ago(time.Minute)},
			{ID: 2, Label: "old", Hint: "cxs_efgh", Scopes: "read the dashboards", ExpiresAt: ago(time.Hour), Expired: true}},
		Scopes: []Option{{"dashboard:view", "read the dashboards"}, {"records:export", "export the record"}}}
	if enrolling {
		v.Enrolling, v.Seed, v.SeedURL = true, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "otpauth://totp/cxseal:olga?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
		v.QR = QR{Size: 29, Path: "M4 4h7v1h-7zM4 10h7v1h-7zM18 4h7v1h-7z"}
		v.NewToken, v.NewTokenLabel = "cxs_0123456789012345678901234567890123456789012", "weekly"
		return v
	}
	v.FactorOn, v.Wrong, v.Error = true, "password", "The present password is not right."
	v.Codes = []string{"abcdef-ghijkl-mnopqr-stuvwx", "yz2345-67abcd-efghij-klmnop"}
	return v
}

func samplePeople() PeopleView {
	return PeopleView{Chrome: chrome("People", NavPeople), Error: "This is the last enabled admin. Make another person admin first.",
		Roles: []Option{{"viewer", "Viewer: Reads the dashboards."}, {"admin", "Admin: Launches and cancels runs, and manages connections, people and settings."}},
		People: []PersonRow{{ID: 1, Name: "admin", Role: "admin", Own: true, HasPassword: true, Factor: true, Sessions: 2, CreatedAt: ago(time.Hour)},
			{ID: 2, Name: "<i>olga</i>", Role: "officer", HasPassword: true, Sessions: 1, CreatedAt: ago(time.Hour)},
			{ID: 3, Name: "anna@example.org", Role: "approver", Disabled: true, Factor: true, CreatedAt: ago(time.Hour)}}}
}

func sampleManaged(name, source string) ManagedConnection {
	return ManagedConnection{Name: name, Source: source, Mode: "client-credentials", Address: "https://api-us-01.nice-incontact.com", FourEyes: source == "console",
		Callback: "https://seal.example.org/kms/callback", Secrets: 2, Managed: source == "console"}
}

func sampleConnection() ConnectionView {
	return ConnectionView{Chrome: chrome("Connection eu-production", NavConnections), Row: sampleManaged("eu-production", "console"), Tested: true,
		NewSecret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", Error: "The rate must be a number of requests a second.",
		Form: ConnectionForm{Name: "eu-production", Mode: "client-credentials", ClientID: "id", BaseURL: "https://api-us-01.nice-incontact.com", Rate: "10",
			Concurrency: "4", CallbackDeadline: "10m", ApprovalLife: "24h", FourEyes: true, Version: 3},
		Findings: []Finding{{"token", "ok", "CXone issued a token", ""}, {"scopes", "problem", "granted <none>", "Have the administrator grant data_management:encrypt."},
			{"table", "skipped", "no table is named", ""}, {"clock", "warning", "two minutes", "Set this machine's clock."}}}
}

func sampleAwaiting() RunView {
	v := sampleRun("queued")
	v.Run.State, v.CanCancel = "awaiting", false
	v.Approval = &ApprovalView{State: "requested", RequestedBy: "admin <b>", ExpiresAt: ago(-time.Hour),
		Fingerprint: "6f1ed002ab5595859014ebf0951522d9a3f3c9d2f0c4a1b2c3d4e5f60718293a", CanDecide: true}
	return v
}
