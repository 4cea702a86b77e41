package web

import "time"

// rotationSamples are the pages about rotations beside the list.
func rotationSamples() []page {
	month := MonthView{Chrome: Chrome{Title: "Rotations", Nav: NavRotations, User: User{Name: "admin", Role: "admin"}, CSRF: "csrf-sample", Now: sampleNow}, Month: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
		Prev: "/rotations/month?month=2026-10", Next: "/rotations/month?month=2026-12", Total: 7}
	for at := time.Date(2026, 10, 26, 0, 0, 0, 0, time.UTC); len(month.Weeks) < 6; {
		week := make([]MonthDay, 7)
		for i := range week {
			week[i] = MonthDay{Date: at, Inside: at.Month() == 11, Today: at.Day() == 23 && at.Month() == 11, Due: at.Day() % 3 * 4, Path: RotationsBetweenPath(at, at.AddDate(0, 0, 1))}
			at = at.AddDate(0, 0, 1)
		}
		month.Weeks = append(month.Weeks, week)
	}
	timeline := TimelineView{Chrome: month.Chrome, Most: 40}
	for i := range 8 {
		from := time.Date(2026, 11, 9+7*i, 0, 0, 0, 0, time.UTC)
		timeline.Weeks = append(timeline.Weeks, TimelineWeek{From: from, Due: i * 13 % 41, Now: i == 2, Passed: i < 2, Path: RotationsBetweenPath(from, from.AddDate(0, 0, 7))})
	}
	chrome := month.Chrome
	policies := PoliciesView{Chrome: chrome, Default: "Automatic, every 90 days, 7 days of grace.", CanManage: true,
		Connections: []Option{{"default", ""}}, Categories: []Option{{"national_id", "National id"}},
		Rows: []PolicyRow{{1, "category card, connection default", "Manual, every 30 days, 2 days of grace.", "0 2 * * 6, Europe/Berlin, for 120 minutes. Next:",
			[]string{"Sat 28 Nov 2026, 02:00 CET", "Sat 5 Dec 2026, 02:00 CET"}, sampleNow, "admin"}},
		Form: PolicyForm{IntervalDays: "90", GraceDays: "7", Error: "Name the window's time zone, like Europe/Berlin or UTC.", Openings: []string{"Sat 28 Nov 2026, 02:00 CET"}}}
	alarms := AlarmsView{Chrome: chrome, CanManage: true, Kinds: []Option{{"rotation_overdue", "Rotation overdue"}, {"drift", "Drift"}}, Pager: Pager{Older: "/alarms?before=3"},
		Rows: []AlarmRow{
			{1, sampleNow, "Rotation overdue", ToneDanger, "Overdue: the keys of 3 columns on tbl-contacts were not rotated", "Due on 2026-11-10, with 7 days of grace. No key version above 1 was seen.",
				"", "ds-customers", "tbl-contacts", []string{"email", "phone", "ssn"}, "", []DeliveryRow{
					{Route: "On call", State: "sent", Attempts: 2, At: sampleNow, Doubts: 1},
					{Route: "Mail", State: "waiting", Attempts: 3, At: sampleNow.Add(time.Hour), Error: "Not delivered: connection refused."}}},
			{2, sampleNow, "Run failed", ToneWarning, "The key rotation on tbl-contacts failed", "CXone answered 403.", "", "", "", nil, runB, nil},
		},
		Routes: []RouteRow{{1, "On call", "https://hooks.example.org/…, signed", "every kind", false, &DeliveryRow{Route: "On call", State: "failed", Attempts: 1, At: sampleNow, Error: "Not delivered: the receiver answered 410."}}, {2, "Mail", "mail to team@example.org by mail.example.org", "Drift", true, nil}},
		Form:   RouteForm{Name: "Chat", Way: "service", Error: "No service speaks this address."}}
	jobs := JobsView{Chrome: chrome, Rows: []JobRow{
		{"rotations", "Makes what the clock brings happen.", "fine", "1 minute", sampleNow, 12, sampleNow.Add(time.Minute), "", 0},
		{"inventory", "Reads every table.", "failed", "1 hour", sampleNow, 30_400, sampleNow.Add(time.Hour), "connection default: CXone did not answer.", 3},
		{"alarms", "Delivers alarms.", "hangs", "15 seconds", sampleNow, 300_000, sampleNow, "it hangs", 1}, {"sessions", "Deletes sessions.", "waiting", "10 minutes", time.Time{}, 0, sampleNow, "", 0}}}
	return []page{
		{"rotations-month", "/rotations/month", RotationMonthPage(month)}, {"rotations-timeline", "/rotations/timeline", RotationTimelinePage(timeline)},
		{"rotations-policies", "/rotations/policies", RotationPoliciesPage(policies)},
		{"alarms", "/alarms", AlarmsPage(alarms)}, {"jobs", "/jobs", JobsPage(jobs)},
	}
}
