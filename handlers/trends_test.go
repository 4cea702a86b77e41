package handlers_test

import (
	"context"
	"encoding/csv"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/campaign"
	"cxseal/internal/console/consoletest"
	"cxseal/internal/encryption"
)

func rowsOf(t *testing.T, body string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	must(t, err)
	return rows
}

func TestTheSeriesBehindTheChartsFollowARun(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	admin.Get(consoletest.TablePath) // read once, so that there is a before
	before := rowsOf(t, admin.Get("/charts/coverage.csv?table_id="+tableID).Body)
	h.WaitFor(admin.Launch("ssn", "credit_card"), encryption.Verified)
	a := admin.Get("/charts/coverage.csv?table_id=" + tableID)
	if want := "date,connection,datastore_id,table_id,total_fields,encrypted_fields,coverage_rate,sensitive_fields,sensitive_encrypted,sensitive_coverage,sensitive_verified,sensitive_unverified,sensitive_refused\r\n"; !strings.HasPrefix(a.Body, want) {
		t.Fatalf("%d %q", a.Status, a.Body)
	}
	after := rowsOf(t, a.Body)
	was, now := before[len(before)-1], after[len(after)-1]
	if was[5] != "0" || now[5] != "2" || now[8] != "2" || now[2] != datastoreID || now[3] != tableID {
		t.Errorf("from %q to %q", was, now)
	}
	latency := rowsOf(t, admin.Get("/charts/latency.csv").Body)
	if len(latency) != 5 || strings.Join(latency[0], ",") != "date,stage,runs,failed,p50_ms,p95_ms,max_ms" || latency[4][1] != "kms" || latency[4][2] != "1" || latency[4][3] != "0" {
		t.Errorf("%q", latency)
	}
	if page := admin.Get("/charts"); page.Status != 200 || !strings.Contains(page.Body, "Encryption of 2 columns of") {
		t.Errorf("the chart does not mark the run: %d", page.Status)
	}
	for _, bad := range []string{"/charts/coverage.csv?from=yesterday", "/charts/latency.csv?tabel_id=x", "/charts?from=2026-02-01&to=2026-01-01"} {
		if a := admin.Get(bad); a.Status != http.StatusBadRequest {
			t.Errorf("%s is answered with %d", bad, a.Status)
		}
	}
	if a := admin.Get("/charts/coverage.csv?to=2001-01-01"); a.Status != 200 || strings.Count(a.Body, "\n") != 1 {
		t.Errorf("a period before everything: %d %q", a.Status, a.Body)
	}
}

func TestACampaignEncryptsWhatIsOpenAndSaysWhatItLeftOut(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	form := url.Values{"connection": {"default"}, "datastore_id": {datastoreID}, "target": {"tables"}, "table_id": {tableID}, "interval_days": {"60"}}
	if a := admin.Submit("/campaigns?datastore_id="+datastoreID, "/campaigns/preflight", form); a.Status != 200 || !strings.Contains(a.Body, "would be encrypted") {
		t.Fatalf("preflight: %d", a.Status)
	}
	a := admin.Submit("/campaigns", "/campaigns", form)
	path := a.Header.Get("Location")
	if a.Status != http.StatusSeeOther || !strings.HasPrefix(path, "/campaigns/") {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	id := strings.TrimPrefix(path, "/campaigns/")
	found := untilCampaign(h, id, campaign.Done)
	if found.Progress.Ended[encryption.Verified] != 1 || found.IntervalDays != 60 {
		t.Errorf("progress %+v", found.Progress)
	}
	page := admin.Get(path)
	if page.Status != 200 || !strings.Contains(page.Body, "1 of 1 table, 1 verified") {
		t.Errorf("the campaign's page: %d", page.Status)
	}
	rows := rowsOf(t, admin.Get(path+"/export.csv").Body)
	if len(rows) != 2 || !strings.Contains(rows[1][5], "ssn") || rows[1][8] != "verified" {
		t.Errorf("export %q", rows)
	}
	if fragment := admin.Get(path+"/progress", "HX-Request", "true"); fragment.Status != 200 || strings.Contains(fragment.Body, "<html") || strings.Contains(fragment.Body, "hx-get") {
		t.Errorf("a campaign that has ended still asks for itself: %d", fragment.Status)
	}
	if run := admin.Get("/runs/" + rows[1][7]); !strings.Contains(run.Body, path) {
		t.Error("the run does not lead back to its campaign")
	}
	if n := len(h.Records(audit.Filter{Operation: string(audit.CampaignChanged)})); n != 2 {
		t.Errorf("%d records of a campaign that was launched and ended", n)
	}
	officer := h.As(access.Officer)
	if a := officer.Submit("/campaigns", "/campaigns", form); a.Status != http.StatusForbidden {
		t.Errorf("an officer launches: %d", a.Status)
	}
	denied := h.Records(audit.Filter{Operation: string(audit.CampaignChanged), Outcome: string(audit.Denied)})
	if len(denied) != 1 || denied[0].Record.Actor.Role != string(access.Officer) {
		t.Errorf("the refusal is on record as %+v", denied)
	}
	for field, value := range map[string]string{"target": "everything", "interval_days": "never", "datastore_id": "", "table_id": ""} {
		bad := url.Values{}
		for k, v := range form {
			bad[k] = v
		}
		bad.Set(field, value)
		if a := admin.Submit("/campaigns", "/campaigns", bad); a.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s=%q is answered with %d", field, value, a.Status)
		}
	}
	if a := admin.Submit("/campaigns", path+"/pause", nil); a.Status != http.StatusConflict {
		t.Errorf("pausing a campaign that has ended: %d", a.Status)
	}
}

// What somebody cancelled did not fail, and nobody is to look for a reason.
func TestACancelledCampaignCountsNoFailures(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	closed := h.Now().UTC().Add(-time.Hour)
	if a := admin.Submit("/rotations/policies", "/rotations/policies", url.Values{"strategy": {"AUTOMATIC"}, "interval_days": {"90"}, "grace_days": {"7"},
		"window_cron": {closed.Format("4 15") + " * * *"}, "window_zone": {"UTC"}, "window_minutes": {"1"}}); a.Status != 303 {
		t.Fatalf("policy: %d %s", a.Status, a.Body)
	}
	path := admin.Submit("/campaigns", "/campaigns", url.Values{"connection": {"default"}, "datastore_id": {datastoreID}, "target": {"tables"}, "table_id": {tableID}, "interval_days": {"60"}}).Header.Get("Location")
	id := strings.TrimPrefix(path, "/campaigns/")
	for untilCampaign(h, id, campaign.Running).Progress.Open == 0 {
		if t.Context().Err() != nil {
			t.Fatal("the run that waits for its window is not launched")
		}
	}
	if a := admin.Submit(path, path+"/cancel", nil); a.Status != 303 {
		t.Fatalf("cancel: %d %s", a.Status, a.Body)
	}
	untilCampaign(h, id, campaign.Cancelled)
	if page := admin.Get(path).Body; !strings.Contains(page, "1 of 1 table, 1 cancelled") || strings.Contains(page, "failed or not confirmed") || strings.Contains(page, "To come") {
		t.Errorf("the campaign's page: %s", page)
	}
}

// untilCampaign waits until the campaign is in the state.
func untilCampaign(h *consoletest.Console, id string, want campaign.State) campaign.Campaign {
	h.T.Helper()
	ctx, cancel := context.WithTimeout(h.T.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := h.Store.Campaign(ctx, id)
		must(h.T, err)
		if c.State == want {
			return c
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			h.T.Fatalf("the campaign is %s: %+v", c.State, c.Progress)
		}
	}
}
