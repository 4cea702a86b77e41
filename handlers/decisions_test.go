package handlers_test

import (
	"archive/zip"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/console/consoletest"
	"cxseal/internal/encryption"
)

var columnKey = regexp.MustCompile(`name="column" value="([^"]+)"[^>]*aria-label="([^" ]+) of`)

// keysOf are what a page's form names the columns by.
func keysOf(t *testing.T, b *consoletest.Browser, list string) map[string]string {
	t.Helper()
	keys := map[string]string{}
	for _, m := range columnKey.FindAllStringSubmatch(b.Get(list).Body, -1) {
		keys[m[2]] = m[1]
	}
	if keys["city"] == "" || keys["ssn"] == "" {
		t.Fatalf("the list names %v", keys)
	}
	return keys
}

// decisionsOf are the decisions of a log as it is exported, oldest first.
func decisionsOf(t *testing.T, b *consoletest.Browser) []audit.Record {
	t.Helper()
	var list []audit.Record
	for line := range strings.Lines(b.Get("/audit.jsonl").Body) {
		var r audit.Record
		must(t, json.Unmarshal([]byte(line), &r))
		if r.Operation == audit.SensitivityDecided && r.Outcome == audit.Success {
			list = append(list, r)
		}
	}
	return list
}

// netOf is by how many columns decisions changed what counts as sensitive.
func netOf(decisions []audit.Record) (out, in int) {
	for _, r := range decisions {
		switch {
		case r.Decision.Was == "sensitive" && r.Decision.Is != "sensitive":
			out++
		case r.Decision.Was != "sensitive" && r.Decision.Is == "sensitive":
			in++
		}
	}
	return out, in
}

// figures are the newest row of the table's series: verified, sensitive.
func figures(t *testing.T, b *consoletest.Browser) (verified, sensitive int) {
	t.Helper()
	rows := rowsOf(t, b.Get("/charts/coverage.csv?table_id="+tableID).Body)
	last := rows[len(rows)-1]
	verified, err := strconv.Atoi(last[10])
	must(t, err)
	sensitive, err = strconv.Atoi(last[7])
	must(t, err)
	return verified, sensitive
}

var seenField = regexp.MustCompile(`name="seen" value="([0-9a-f]{64})"`)

const tableList = "/sensitivity?table_id=" + tableID

// Two clicks once turned 69 % into 100 % with no word of why. What is taken out of what counts needs a reason and a
// confirmation that says by how much, and each column has a record that an auditor can recompute the figure from.
func TestWhatNoLongerCountsHasAReasonAConfirmationAndARecord(t *testing.T) {
	h := consoletest.Start(t)
	admin, officer := h.As(access.Admin), h.As(access.Officer)
	admin.Get(consoletest.TablePath)
	h.WaitFor(admin.Launch("ssn"), encryption.Verified)
	keys := keysOf(t, officer, tableList)
	a := officer.Submit(tableList, "/sensitivity", url.Values{"decision": {"sensitive"}, "column": {keys["city"]}, "table_id": {tableID}})
	if a.Status != http.StatusSeeOther || a.Header.Get("Location") != tableList {
		t.Fatalf("what only adds to what counts: %d %s", a.Status, a.Body)
	}

	verified, sensitive := figures(t, officer)
	all := url.Values{"decision": {"not_sensitive"}, "all": {"1"}, "table_id": {tableID}, "state": {"sensitive"}, "protection": {"unprotected"}}
	a = officer.Submit(tableList, "/sensitivity", all)
	open := sensitive - verified
	sentence := "raises coverage from " + strconv.FormatFloat(audit.Rate(verified, sensitive), 'f', -1, 64) + " to 100 %"
	if a.Status != 200 || !strings.Contains(a.Body, sentence) || !strings.Contains(a.Body, "Nothing has been changed yet") ||
		!strings.Contains(a.Body, "This takes "+strconv.Itoa(open)+" columns out of what counts as sensitive") {
		t.Fatalf("the confirmation lacks %q: %d %s", sentence, a.Status, a.Body)
	}
	if n := len(decisionsOf(t, officer)); n != 1 {
		t.Fatalf("what nobody confirmed left %d records", n-1)
	}
	json := officer.Submit(tableList, "/sensitivity", all, "Accept", "application/json")
	if json.Status != http.StatusConflict || !strings.Contains(json.Body, sentence) {
		t.Errorf("a program: %d %s", json.Status, json.Body)
	}
	seen := first(t, seenField, a.Body)
	with := func(pairs ...string) url.Values {
		form := url.Values{"confirm": {"1"}, "seen": {seen}}
		for k, v := range all {
			form[k] = v
		}
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		return form
	}
	for what, form := range map[string]url.Values{"no reason": with(), "a reason of space": with("reason", " \n "), "a reason that nobody sees": with("reason", "\u200b"), "a reason too long": with("reason", strings.Repeat("é", 501)),
		"a reason that is no text": with("reason", "a\x00b"), "a reason of bytes": with("reason", "\xff")} {
		if a := officer.Submit(tableList, "/sensitivity", form); a.Status != http.StatusBadRequest || !strings.Contains(a.Body, `name="reason"`) {
			t.Errorf("%s: %d", what, a.Status)
		}
	}
	if a := officer.Submit(tableList, "/sensitivity", with("reason", "x", "protection", "")); a.Status != http.StatusConflict || !strings.Contains(a.Body, "have changed since this was shown") {
		t.Errorf("other columns than those that were shown: %d", a.Status)
	}
	if n := len(decisionsOf(t, officer)); n != 1 {
		t.Fatalf("refused decisions left %d records", n-1)
	}

	reason := "Test data, says <script>alert(1)</script> O'Neil;\n=1+1"
	a = officer.Submit(tableList, "/sensitivity", with("reason", reason))
	if a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	made := decisionsOf(t, officer)[1:]
	if out, in := netOf(made); out != open || in != 0 || len(made) != open {
		t.Errorf("%d records, %d out, %d in, want %d", len(made), out, in, open)
	}
	for _, r := range made {
		if r.Actor.Name != "officer-1" || len(r.Columns) != 1 || r.TableID != tableID || r.Decision.Reason != reason || r.Decision.Decided != "not_sensitive" ||
			!strings.HasPrefix(r.Detail, r.Columns[0]+" was declared not sensitive; the rules propose ") ||
			!strings.Contains(r.Detail, sentence) || !strings.HasSuffix(r.Detail, "Reason: "+reason) {
			t.Errorf("%+v", r)
		}
	}
	if v, s := figures(t, officer); v != verified || s != verified {
		t.Errorf("%d of %d are verified after it", v, s)
	}
	page := officer.Get("/sensitivity/decisions?out=yes").Body
	if strings.Contains(page, "<script>alert") || strings.Count(page, "&lt;script&gt;alert(1)&lt;/script&gt; O&#39;Neil") != open || !strings.Contains(page, strconv.Itoa(open)+" decisions on this page") {
		t.Errorf("the list of decisions: %s", page)
	}
	if list := officer.Get(tableList + "&decided=yes").Body; strings.Count(list, "&lt;script&gt;alert(1)") != open {
		t.Error("the columns' list lacks the reasons")
	}
	if n := len(h.Records(audit.Filter{Operation: string(audit.SettingsChanged)})); n != 0 {
		t.Errorf("%d records say that settings changed", n)
	}

	// What stands so already is no decision, and taking one back that added a column needs a reason too.
	again := officer.Submit(tableList, "/sensitivity", url.Values{"decision": {"not_sensitive"}, "column": {keys["city"]}, "table_id": {tableID}})
	if again.Status != http.StatusSeeOther || len(decisionsOf(t, officer)) != 1+open {
		t.Errorf("the same decision again: %d, %d records", again.Status, len(decisionsOf(t, officer)))
	}
	back := url.Values{"decision": {"undecided"}, "column": {keys["ssn"], keys["city"]}, "table_id": {tableID}}
	if a := admin.Submit(tableList, "/sensitivity", back); a.Status != http.StatusSeeOther {
		t.Errorf("taking back what took a column out: %d", a.Status)
	}
	admin.Submit(tableList, "/sensitivity", url.Values{"decision": {"sensitive"}, "column": {keys["city"]}, "table_id": {tableID}})
	back.Set("column", keys["city"])
	if a := admin.Submit(tableList, "/sensitivity", back); a.Status != http.StatusOK || !strings.Contains(a.Body, "raises coverage from ") {
		t.Errorf("taking back what added a column: %d", a.Status)
	}
	if a := officer.Submit(tableList, "/sensitivity", url.Values{"decision": {"perhaps"}, "column": {"%%%"}}); a.Status != http.StatusBadRequest {
		t.Errorf("nonsense is answered with %d", a.Status)
	}
	approver := h.As(access.Approver)
	if page := approver.Get(tableList); page.Status != 200 || strings.Contains(page.Body, `name="decision"`) {
		t.Errorf("an approver: %d, with the form", page.Status)
	}
	if a := approver.Submit("/account", "/sensitivity", url.Values{"decision": {"sensitive"}, "column": {keys["city"]}}); a.Status != http.StatusForbidden {
		t.Errorf("an approver decides: %d", a.Status)
	}
}

// On a connection that asks for four eyes nobody changes alone what counts.
func TestFourEyesOnWhatNoLongerCounts(t *testing.T) {
	h := consoletest.Start(t)
	admin, officer, approver := h.As(access.Admin), h.As(access.Officer), h.As(access.Approver)
	form := connectionForm(h, "eyes")
	form.Set("four_eyes", "1")
	form.Set("approval_life", "10m")
	if a := admin.Submit("/connections/new", "/connections", form); a.Status != 303 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	admin.Get(consoletest.TablePath)
	admin.Get(consoletest.TablePath + "?connection=eyes")
	list := tableList + "&connection=eyes"
	keys := keysOf(t, officer, list)
	order := url.Values{"decision": {"not_sensitive"}, "column": {keys["ssn"]}, "table_id": {tableID}, "connection": {"eyes"}}
	if a := officer.Submit(list, "/sensitivity", order); a.Status != 200 || !strings.Contains(a.Body, "The connection eyes asks for a second person") {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	order.Set("confirm", "1")
	order.Set("reason", "Not a <b>real</b> number.")
	if a := officer.Submit(list, "/sensitivity", order); a.Status != 303 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if n := len(decisionsOf(t, officer)); n != 0 {
		t.Fatalf("%d decisions before anybody approved", n)
	}
	page := approver.Get("/approvals").Body
	path := first(t, regexp.MustCompile(`href="(/sensitivity/requests/[^"]+)"`), page)
	if !strings.Contains(page, "1 column declared not sensitive") || !strings.Contains(page, "Not a &lt;b&gt;real&lt;/b&gt; number.") || !strings.Contains(page, "officer-1") {
		t.Errorf("the approvals: %s", page)
	}
	if own := officer.Get(path).Body; !strings.Contains(own, "another person must approve it") || strings.Contains(own, path+"/approve") || !strings.Contains(own, path+"/withdraw") {
		t.Error("who asked is offered to approve, or not to take it back")
	}
	page = approver.Get(path).Body
	fingerprint := first(t, regexp.MustCompile(`name="fingerprint" value="([0-9a-f]{64})"`), page)
	if !strings.Contains(page, "<code>ssn</code>") || !strings.Contains(page, "leaves coverage at 0 %") {
		t.Errorf("the request: %s", page)
	}
	if a := approver.Submit("/account", path+"/approve", url.Values{"fingerprint": {"0"}}); a.Status != 409 {
		t.Errorf("another plan's approval: %d", a.Status)
	}
	if a := officer.Submit("/account", path+"/approve", url.Values{"fingerprint": {fingerprint}}); a.Status != 403 {
		t.Errorf("an officer approves: %d", a.Status)
	}
	if a := approver.Submit("/account", path+"/decline", url.Values{"reason": {""}}); a.Status != 400 {
		t.Errorf("a refusal without a reason: %d", a.Status)
	}
	if a := approver.Submit("/account", path+"/approve", url.Values{"fingerprint": {fingerprint}}); a.Status != 303 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	made := decisionsOf(t, officer)
	if len(made) != 1 || made[0].Actor.Name != "officer-1" || made[0].Decision.ApprovedBy != "approver-1" || made[0].Connection != "eyes" ||
		!strings.Contains(path, made[0].Decision.Request) || made[0].Decision.Request == "" {
		t.Errorf("%+v", made)
	}
	for op, want := range map[audit.Operation]string{audit.SensitivityRequested: "officer-1", audit.SensitivityApproved: "approver-1"} {
		if list := h.Records(audit.Filter{Operation: string(op), Outcome: string(audit.Success)}); len(list) != 1 || list[0].Record.Actor.Name != want {
			t.Errorf("%s: %+v", op, list)
		}
	}
	if page := officer.Get("/approvals").Body; !strings.Contains(page, "No decision waits for a second person") {
		t.Error("what was approved still waits")
	}
	if a := approver.Submit("/account", path+"/approve", url.Values{"fingerprint": {fingerprint}}); a.Status != 409 {
		t.Errorf("approved twice: %d", a.Status)
	}

	// A request does not outlive what its person may.
	order.Set("column", keys["email"])
	if a := officer.Submit(list, "/sensitivity", order); a.Status != 303 {
		t.Fatalf("%d", a.Status)
	}
	path = first(t, regexp.MustCompile(`href="(/sensitivity/requests/[^"]+)"`), admin.Get("/approvals").Body)
	fingerprint = first(t, regexp.MustCompile(`<code class="cx-hash">([0-9a-f]{64})`), admin.Get(path).Body)
	asked, err := h.Store.UserByName(t.Context(), "officer-1")
	must(t, err)
	cli := access.Caller{Name: "cli", Role: access.System}
	must(t, h.Accounts.SetRole(t.Context(), cli, asked.ID, access.Viewer))
	if page := approver.Get(path).Body; !strings.Contains(page, "officer-1 has the role viewer now") || strings.Contains(page, `id="approve"`) {
		t.Error("the request of somebody who may no longer decide is offered for approval")
	}
	if a := approver.Submit("/account", path+"/approve", url.Values{"fingerprint": {fingerprint}}); a.Status != 403 || len(decisionsOf(t, admin)) != 1 {
		t.Errorf("approving it: %d", a.Status)
	}
	if a := approver.Submit("/account", path+"/decline", url.Values{"reason": {"Ask again."}}); a.Status != 303 {
		t.Errorf("declining it: %d", a.Status)
	}

	// An admin is an approver too, and still not of what they asked for.
	order.Set("column", keys["credit_card"])
	if a := admin.Submit(list, "/sensitivity", order); a.Status != 303 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	path = first(t, regexp.MustCompile(`href="(/sensitivity/requests/[^"]+)"`), admin.Get("/approvals").Body)
	fingerprint = first(t, regexp.MustCompile(`<code class="cx-hash">([0-9a-f]{64})`), admin.Get(path).Body)
	if a := admin.Submit("/account", path+"/approve", url.Values{"fingerprint": {fingerprint}}); a.Status != 403 {
		t.Errorf("their own approval: %d", a.Status)
	}
	h.Advance(11 * time.Minute)
	must(t, h.Sensitivity.ExpireRequests(t.Context()))
	if page := admin.Get(path).Body; !strings.Contains(page, "Nobody answered") {
		t.Errorf("nobody answered in time: %s", page)
	}
	if n := len(decisionsOf(t, admin)); n != 1 {
		t.Errorf("%d decisions", n)
	}
}

// The chart once showed a rise to 100 % that nobody had protected anything for. What changed of the number of sensitive
// columns is marked by day, apart from what changed of their protection, and the CSV and the dashboard say the same.
func TestTheChartTellsWhatCountsFromWhatIsProtected(t *testing.T) {
	h := consoletest.Start(t)
	h.Advance(-72 * time.Hour)
	day := func() string { return h.Now().UTC().Format(time.DateOnly) }
	admin := h.As(access.Admin)
	admin.Get(consoletest.TablePath)
	h.WaitFor(admin.Launch("ssn", "credit_card"), encryption.Verified)
	_, began := figures(t, admin)
	first := day()

	h.Advance(24 * time.Hour)
	officer := h.As(access.Officer)
	keys, second := keysOf(t, officer, tableList), day()
	decide := func(state string, columns ...string) {
		t.Helper()
		form := url.Values{"decision": {state}, "confirm": {"1"}, "reason": {"As agreed."}}
		for _, c := range columns {
			form.Add("column", keys[c])
		}
		if a := officer.Submit(tableList, "/sensitivity", form); a.Status != 303 {
			t.Fatalf("%s %v: %d %s", state, columns, a.Status, a.Body)
		}
	}
	decide("not_sensitive", "credit_card", "email")
	decide("sensitive", "city")

	h.Advance(24 * time.Hour)
	admin = h.As(access.Admin)
	third := day()
	must(t, h.Tenant.Mutate(datastoreID, tableID, sandbox.Mutation{Action: sandbox.Decrypt, Column: "ssn"}))
	admin.Get(consoletest.TablePath)

	h.Advance(24 * time.Hour)
	officer = h.As(access.Officer)
	decide("not_sensitive", "city") // brought in, and taken out again on another day
	decide("sensitive", "loyalty_points")
	fourth := day()

	// What the records alone say, by day.
	type moves struct{ out, in int }
	byDay, declared := map[string]moves{}, 0
	for _, r := range decisionsOf(t, officer) {
		out, in := netOf([]audit.Record{r})
		d := r.Timestamp[:10]
		byDay[d] = moves{byDay[d].out + out, byDay[d].in + in}
		if r.Decision.Decided == "not_sensitive" {
			declared += out
		}
	}
	if want := map[string]moves{second: {2, 1}, fourth: {1, 1}}; byDay[second] != want[second] || byDay[fourth] != want[fourth] || len(byDay) != 2 {
		t.Fatalf("the records say %v", byDay)
	}
	net := map[string]int{first: began}
	for d, m := range byDay {
		net[d] = m.in - m.out
	}
	rows := rowsOf(t, officer.Get("/charts/coverage.csv?changes=1&table_id="+tableID).Body)
	if len(rows) != 5 || strings.Join(rows[0][13:], ",") != "sensitive_change,decided_out,decided_in" {
		t.Fatalf("%q", rows)
	}
	sensitive := 0
	for _, row := range rows[1:] {
		sensitive += net[row[0]]
		want := []string{strconv.Itoa(net[row[0]]), strconv.Itoa(byDay[row[0]].out), strconv.Itoa(byDay[row[0]].in)}
		if strings.Join(row[13:], ",") != strings.Join(want, ",") || row[7] != strconv.Itoa(sensitive) {
			t.Errorf("%s: the series says %q of %s, the records %q of %d", row[0], row[13:], row[7], want, sensitive)
		}
	}
	if plain := rowsOf(t, officer.Get("/charts/coverage.csv").Body); len(plain[0]) != 13 {
		t.Errorf("the series that was not asked for changes has %q", plain[0])
	}
	for _, path := range []string{"/charts", "/charts?table_id=" + tableID, "/charts?from=" + second, "/"} {
		page := officer.Get(path).Body
		for d, want := range map[string]string{
			second: "1 fewer column counts as sensitive, net: from 8 to 7. By decision: 2 taken out, 1 brought in.",
			fourth: "As many columns count as sensitive as the day before, net: 7. By decision: 1 taken out, 1 brought in.",
		} {
			row := rowOfDay(t, page, d)
			if !strings.Contains(row, " data-counted") || strings.Contains(row, " data-drop") && d == fourth || !strings.Contains(row, want) {
				t.Errorf("%s, %s lacks %q: %s", path, d, want, row)
			}
		}
		if row := rowOfDay(t, page, third); strings.Contains(row, " data-counted") || !strings.Contains(row, " data-drop") || !strings.Contains(row, "no longer encrypted") {
			t.Errorf("%s: the loss of protection: %s", path, row)
		}
		if !strings.Contains(page, "What counts changed") || !strings.Contains(page, "Protection lost") {
			t.Errorf("%s does not say what its marks mean", path)
		}
	}
	if page := officer.Get("/charts").Body; strings.Count(page, "data-net=") != 3 || !strings.Contains(page, "changed on 3 days") {
		t.Errorf("the changes of what counts: %s", page)
	}

	link := "/sensitivity/decisions?decided=not_sensitive&amp;from=" + h.Now().UTC().AddDate(0, 0, -30).Format(time.DateOnly) + "&amp;out=yes"
	if page := officer.Get("/").Body; !strings.Contains(page, `<a href="`+link+`" aria-label="`+strconv.Itoa(declared)+` columns declared not sensitive"`) {
		t.Errorf("the dashboard does not say that %d were declared, with the list: %s", declared, page)
	}
	if page := officer.Get(strings.ReplaceAll(link, "&amp;", "&")).Body; !strings.Contains(page, strconv.Itoa(declared)+" decisions on this page") {
		t.Errorf("the list is not what was counted: %s", page)
	}
	if page := h.As(access.Viewer).Get("/").Body; !strings.Contains(page, "columns declared not sensitive") || strings.Contains(page, "/sensitivity/decisions") {
		t.Error("a viewer is not told, or is led to what they may not read")
	}
}

// rowOfDay is a day's row in the table behind a chart.
func rowOfDay(t *testing.T, page, day string) string {
	t.Helper()
	at, err := time.Parse(time.DateOnly, day)
	must(t, err)
	_, row, ok := strings.Cut(page, `<tr data-day="`+strconv.FormatInt(at.Unix(), 10)+`"`)
	if !ok {
		t.Fatalf("the chart has no row of %s", day)
	}
	row, _, _ = strings.Cut(row, "</tr>")
	return row
}

// An evidence pack lists the decisions of its period, whatever else it is filtered by, as the records have them.
func TestAPackListsTheDecisionsOfItsPeriod(t *testing.T) {
	h := consoletest.Start(t)
	h.Advance(-48 * time.Hour)
	decide := func(officer *consoletest.Browser, state string, columns ...string) {
		t.Helper()
		keys, form := keysOf(t, officer, tableList), url.Values{"decision": {state}, "confirm": {"1"}, "reason": {"As <agreed>."}}
		for _, c := range columns {
			form.Add("column", keys[c])
		}
		if a := officer.Submit(tableList, "/sensitivity", form); a.Status != 303 {
			t.Fatalf("%s %v: %d", state, columns, a.Status)
		}
	}
	officer := h.As(access.Officer)
	officer.Get(consoletest.TablePath)
	decide(officer, "sensitive", "city")
	decide(officer, "not_sensitive", "ssn", "email")
	first := h.Now().UTC().Format(time.DateOnly)
	h.Advance(48 * time.Hour)
	officer = h.As(access.Officer)
	decide(officer, "undecided", "ssn")
	all := decisionsOf(t, officer)
	for query, want := range map[string][]audit.Record{
		"": all, "from=" + first + "&to=" + first: all[:3], "actor=nobody": all, "table_id=" + tableID + "&operation=LOGIN": all, "table_id=another": nil,
		"to=2001-01-01": nil, "connection=default&from=" + h.Now().UTC().Format(time.DateOnly): all[3:],
	} {
		page := unzipped(t, officer.Get("/audit/evidence.zip?"+query).Body)["summary.html"]
		out, in := netOf(want)
		says := "None in the period."
		if len(want) > 0 {
			says = strconv.Itoa(len(want)) + " decisions in the period:"
			if !strings.Contains(page, strconv.Itoa(out)+" took a column out of what the sensitive coverage counts, "+strconv.Itoa(in)+" brought one in") {
				t.Errorf("%q: %d out and %d in are not said", query, out, in)
			}
		}
		if !strings.Contains(page, says) {
			t.Errorf("%q: the summary lacks %q", query, says)
		}
		_, list, _ := strings.Cut(page, "Decisions about what counts")
		list, _, _ = strings.Cut(list, "<h2>")
		if n := strings.Count(list, "<tr><td"); n != len(want) {
			t.Errorf("%q: %d rows, want %d", query, n, len(want))
		}
		for _, r := range want {
			row := "<td>" + r.Columns[0] + "</td><td>" + r.Decision.Was + " to " + r.Decision.Is
			if !strings.Contains(list, row) || !strings.Contains(list, "As &lt;agreed&gt;.") {
				t.Errorf("%q: the summary lacks %q", query, row)
			}
		}
	}
}

// unzipped are the files of an evidence pack by name.
func unzipped(t *testing.T, pack string) map[string]string {
	t.Helper()
	z, err := zip.NewReader(strings.NewReader(pack), int64(len(pack)))
	must(t, err)
	files := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		must(t, err)
		text, err := io.ReadAll(r)
		must(t, err)
		files[f.Name] = string(text)
	}
	return files
}
