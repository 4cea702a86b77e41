package handlers_test

import (
	"context"
	"encoding/csv"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/campaign"
	"cxseal/internal/encryption"
)

func rowsOf(t *testing.T, body string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	must(t, err)
	return rows
}

func TestTheSeriesBehindTheChartsFollowARun(t *testing.T) {
	h := newHouse(t)
	admin := h.as(access.Admin)
	admin.get(tablePath()) // read once, so that there is a before
	before := rowsOf(t, admin.get("/charts/coverage.csv?table_id="+tableID).body)
	h.waitFor(admin.launch("ssn", "credit_card"), encryption.Verified)
	a := admin.get("/charts/coverage.csv?table_id=" + tableID)
	if want := "date,connection,datastore_id,table_id,total_fields,encrypted_fields,coverage_rate,sensitive_fields,sensitive_encrypted,sensitive_coverage\r\n"; !strings.HasPrefix(a.body, want) {
		t.Fatalf("%d %q", a.status, a.body)
	}
	after := rowsOf(t, a.body)
	was, now := before[len(before)-1], after[len(after)-1]
	if was[5] != "0" || now[5] != "2" || now[8] != "2" || now[2] != datastoreID || now[3] != tableID {
		t.Errorf("from %q to %q", was, now)
	}
	latency := rowsOf(t, admin.get("/charts/latency.csv").body)
	if len(latency) != 5 || strings.Join(latency[0], ",") != "date,stage,runs,failed,p50_ms,p95_ms,max_ms" || latency[4][1] != "kms" || latency[4][2] != "1" || latency[4][3] != "0" {
		t.Errorf("%q", latency)
	}
	if page := admin.get("/charts"); page.status != 200 || !strings.Contains(page.body, "Encryption of 2 columns of") {
		t.Errorf("the chart does not mark the run: %d", page.status)
	}
	for _, bad := range []string{"/charts/coverage.csv?from=yesterday", "/charts/latency.csv?tabel_id=x", "/charts?from=2026-02-01&to=2026-01-01"} {
		if a := admin.get(bad); a.status != http.StatusBadRequest {
			t.Errorf("%s is answered with %d", bad, a.status)
		}
	}
	if a := admin.get("/charts/coverage.csv?to=2001-01-01"); a.status != 200 || strings.Count(a.body, "\n") != 1 {
		t.Errorf("a period before everything: %d %q", a.status, a.body)
	}
}

var columnKey = regexp.MustCompile(`name="column" value="([^"]+)"[^>]*aria-label="([^" ]+) of`)

func TestAnAdminDecidesWhatIsSensitiveAndItIsOnRecord(t *testing.T) {
	h := newHouse(t)
	admin := h.as(access.Admin)
	admin.get(tablePath())
	const list = "/sensitivity?table_id=" + tableID
	keys := map[string]string{}
	for _, m := range columnKey.FindAllStringSubmatch(admin.get(list).body, -1) {
		keys[m[2]] = m[1]
	}
	if keys["city"] == "" || keys["ssn"] == "" {
		t.Fatalf("the list names %v", keys)
	}
	a := admin.submit(list, "/sensitivity", url.Values{"decision": {"sensitive"}, "column": {keys["city"]}, "table_id": {tableID}})
	if a.status != http.StatusSeeOther || a.header.Get("Location") != list {
		t.Fatalf("%d %s", a.status, a.header.Get("Location"))
	}
	if page := admin.get(list + "&state=sensitive&decided=yes"); !strings.Contains(page.body, "<code>city</code>") || strings.Contains(page.body, "<code>ssn</code>") {
		t.Error("the decision is not shown")
	}
	admin.get(tablePath()) // reading the table proposes again
	a = admin.submit(list, "/sensitivity", url.Values{"decision": {"not_sensitive"}, "all": {"1"}, "table_id": {tableID}, "q": {"s"}})
	if a.status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.status, a.body)
	}
	records := h.records(audit.Filter{Operation: string(audit.SettingsChanged)})
	if len(records) != 2 || records[0].Record.TableID != tableID || len(records[0].Record.Columns)+len(records[1].Record.Columns) < 3 {
		t.Errorf("%d records: %+v", len(records), records)
	}
	if page := admin.get(list + "&state=sensitive"); strings.Contains(page.body, "<code>ssn</code>") || !strings.Contains(page.body, "<code>city</code>") {
		t.Error("deciding about all that match did not reach ssn, or reached too far")
	}
	officer := h.as(access.Officer)
	if page := officer.get(list); page.status != 200 || strings.Contains(page.body, `name="decision"`) {
		t.Errorf("an officer: %d, with the form", page.status)
	}
	if a := officer.submit(list, "/sensitivity", url.Values{"decision": {"sensitive"}, "column": {keys["city"]}}); a.status != http.StatusForbidden {
		t.Errorf("an officer decides: %d", a.status)
	}
	if a := admin.submit(list, "/sensitivity", url.Values{"decision": {"perhaps"}, "column": {"%%%"}}); a.status != http.StatusBadRequest {
		t.Errorf("nonsense is answered with %d", a.status)
	}
}

func TestACampaignEncryptsWhatIsOpenAndSaysWhatItLeftOut(t *testing.T) {
	h := newHouse(t)
	admin := h.as(access.Admin)
	form := url.Values{"connection": {"default"}, "datastore_id": {datastoreID}, "target": {"tables"}, "table_id": {tableID}, "interval_days": {"60"}}
	if a := admin.submit("/campaigns?datastore_id="+datastoreID, "/campaigns/preflight", form); a.status != 200 || !strings.Contains(a.body, "would be encrypted") {
		t.Fatalf("preflight: %d", a.status)
	}
	a := admin.submit("/campaigns", "/campaigns", form)
	path := a.header.Get("Location")
	if a.status != http.StatusSeeOther || !strings.HasPrefix(path, "/campaigns/") {
		t.Fatalf("%d %s", a.status, a.body)
	}
	id := strings.TrimPrefix(path, "/campaigns/")
	found := h.untilCampaign(id, campaign.Done)
	if found.Progress.Ended[encryption.Verified] != 1 || found.IntervalDays != 60 {
		t.Errorf("progress %+v", found.Progress)
	}
	page := admin.get(path)
	if page.status != 200 || !strings.Contains(page.body, "1 of 1 table, 1 verified") {
		t.Errorf("the campaign's page: %d", page.status)
	}
	rows := rowsOf(t, admin.get(path+"/export.csv").body)
	if len(rows) != 2 || !strings.Contains(rows[1][5], "ssn") || rows[1][8] != "verified" {
		t.Errorf("export %q", rows)
	}
	if fragment := admin.get(path+"/progress", "HX-Request", "true"); fragment.status != 200 || strings.Contains(fragment.body, "<html") || strings.Contains(fragment.body, "hx-get") {
		t.Errorf("a campaign that has ended still asks for itself: %d", fragment.status)
	}
	if run := admin.get("/runs/" + rows[1][7]); !strings.Contains(run.body, path) {
		t.Error("the run does not lead back to its campaign")
	}
	if n := len(h.records(audit.Filter{Operation: string(audit.CampaignChanged)})); n != 2 {
		t.Errorf("%d records of a campaign that was launched and ended", n)
	}
	officer := h.as(access.Officer)
	if a := officer.submit("/campaigns", "/campaigns", form); a.status != http.StatusForbidden {
		t.Errorf("an officer launches: %d", a.status)
	}
	denied := h.records(audit.Filter{Operation: string(audit.CampaignChanged), Outcome: string(audit.Denied)})
	if len(denied) != 1 || denied[0].Record.Actor.Role != string(access.Officer) {
		t.Errorf("the refusal is on record as %+v", denied)
	}
	for field, value := range map[string]string{"target": "everything", "interval_days": "never", "datastore_id": "", "table_id": ""} {
		bad := url.Values{}
		for k, v := range form {
			bad[k] = v
		}
		bad.Set(field, value)
		if a := admin.submit("/campaigns", "/campaigns", bad); a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s=%q is answered with %d", field, value, a.status)
		}
	}
	if a := admin.submit("/campaigns", path+"/pause", nil); a.status != http.StatusConflict {
		t.Errorf("pausing a campaign that has ended: %d", a.status)
	}
}

// What somebody cancelled did not fail, and nobody is to look for a reason.
func TestACancelledCampaignCountsNoFailures(t *testing.T) {
	h := newHouse(t)
	admin := h.as(access.Admin)
	closed := h.clock().UTC().Add(-time.Hour)
	if a := admin.submit("/rotations/policies", "/rotations/policies", url.Values{"strategy": {"AUTOMATIC"}, "interval_days": {"90"}, "grace_days": {"7"},
		"window_cron": {closed.Format("4 15") + " * * *"}, "window_zone": {"UTC"}, "window_minutes": {"1"}}); a.status != 303 {
		t.Fatalf("policy: %d %s", a.status, a.body)
	}
	path := admin.submit("/campaigns", "/campaigns", url.Values{"connection": {"default"}, "datastore_id": {datastoreID}, "target": {"tables"}, "table_id": {tableID}, "interval_days": {"60"}}).header.Get("Location")
	id := strings.TrimPrefix(path, "/campaigns/")
	for h.untilCampaign(id, campaign.Running).Progress.Open == 0 {
		if t.Context().Err() != nil {
			t.Fatal("the run that waits for its window is not launched")
		}
	}
	if a := admin.submit(path, path+"/cancel", nil); a.status != 303 {
		t.Fatalf("cancel: %d %s", a.status, a.body)
	}
	h.untilCampaign(id, campaign.Cancelled)
	if page := admin.get(path).body; !strings.Contains(page, "1 of 1 table, 1 cancelled") || strings.Contains(page, "failed or not confirmed") || strings.Contains(page, "To come") {
		t.Errorf("the campaign's page: %s", page)
	}
}

// untilCampaign waits until the campaign is in the state.
func (h *house) untilCampaign(id string, want campaign.State) campaign.Campaign {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := h.db.Campaign(ctx, id)
		must(h.t, err)
		if c.State == want {
			return c
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			h.t.Fatalf("the campaign is %s: %+v", c.State, c.Progress)
		}
	}
}
