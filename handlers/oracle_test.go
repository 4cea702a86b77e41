package handlers_test

import (
	"cmp"
	"fmt"
	"html"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cxseal/internal/oracletest"
)

// TestEveryFigureFollowsFromTheLedger lives random histories and fails when a number on the dashboard, the charts, the
// lists of columns, an evidence pack or a CSV is not the one that package oracletest counts from the exported ledger;
// and when the dashboard shows a number that the oracle does not know. CXSEAL_HISTORIES=N lives N histories.
func TestEveryFigureFollowsFromTheLedger(t *testing.T) {
	n, err := strconv.ParseUint(cmp.Or(os.Getenv("CXSEAL_HISTORIES"), "4"), 10, 32)
	must(t, err)
	for seed := range n {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			h := newHistory(t, rand.New(rand.NewPCG(seed, 110)), 40)
			for range 2 {
				h.live(14)
				h.compare()
				if t.Failed() {
					t.Fatalf("after %q", h.steps)
				}
			}
		})
	}
}

// compare holds what is shown against the ledger as it is now.
func (h *history) compare() {
	h.t.Helper()
	h.signIn()
	must(h.t, h.h.Encryption.ExpireApprovals(h.t.Context())) // the runner would, at a moment of its own
	l := h.ledger()
	h.learn(l)
	now := h.h.Now()
	all := h.facts.Days(nil, now)
	h.same("the dashboard", numbersOf(h.viewer.Get("/").Body), h.dashboard(l, now))
	h.same("an admin's dashboard", numbersOf(withoutLists(h.admin.Get("/").Body)), h.dashboard(l, now))

	header := "date,connection,datastore_id,table_id,total_fields,encrypted_fields,coverage_rate,sensitive_fields,sensitive_encrypted,sensitive_coverage," +
		"sensitive_verified,sensitive_unverified,sensitive_refused,sensitive_change,decided_out,decided_in"
	h.same("coverage.csv", linesOf(h.viewer.Get("/charts/coverage.csv?changes=1").Body), append([]string{header}, l.CoverageCSV(h.facts, nil, true, all)...))
	h.same("latency.csv", linesOf(h.viewer.Get("/charts/latency.csv").Body), append([]string{"date,stage,runs,failed,p50_ms,p95_ms,max_ms"}, l.LatencyCSV(h.facts, now)...))
	of := func(t oracletest.Table) bool { return t.Connection == eyes && t.TableID == tableID }
	h.same("a table's coverage.csv", linesOf(h.viewer.Get("/charts/coverage.csv?changes=1&connection="+eyes+"&table_id="+tableID).Body),
		append([]string{header}, l.CoverageCSV(h.facts, of, false, h.facts.Days(of, now))...))

	from, to := all[h.random.IntN(len(all))], time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	period := "from=" + from.Format(time.DateOnly)
	if h.random.IntN(2) == 0 {
		to = from.AddDate(0, 0, h.random.IntN(len(all)))
		period += "&to=" + to.Format(time.DateOnly)
	}
	days := slices.DeleteFunc(slices.Clone(all), func(day time.Time) bool { return day.Before(from) || day.After(to) })
	h.same("coverage.csv of "+period, linesOf(h.viewer.Get("/charts/coverage.csv?changes=1&"+period).Body), append([]string{header}, l.CoverageCSV(h.facts, nil, true, days)...))
	h.chart(l, "/charts", all)
	h.chart(l, "/", all)
	h.chart(l, "/charts?"+period, days)
	h.latencyCharts(l, now)
	h.lists(l, now)
	h.export(period, from, to)
	h.pack(period, from, to)
}

// ledger is the exported ledger; the export itself is a record more.
func (h *history) ledger() oracletest.Ledger {
	h.t.Helper()
	l, err := oracletest.Read(h.officer.Get("/audit.jsonl").Body)
	must(h.t, err)
	return l
}

// same compares lines; a difference names the first line that is not as it should be.
func (h *history) same(what string, got, want []string) {
	h.t.Helper()
	for i := range max(len(got), len(want)) {
		g, w := "(nothing)", "(nothing)"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			h.t.Errorf("%s, line %d of %d: it shows\n%s\nand the records say\n%s", what, i+1, len(want), g, w)
			return
		}
	}
}

func linesOf(csv string) []string { return strings.Split(strings.TrimSuffix(csv, "\r\n"), "\r\n") }

var (
	mainPart  = regexp.MustCompile(`(?s)<main.*</main>`)
	lists     = regexp.MustCompile(`(?s)<section class="card" aria-labelledby="latest-runs">.*</main>`)
	unspoken  = regexp.MustCompile(`(?s)<svg.*?</svg>|<figure.*?</figure>|<time.*?</time>|<form.*?</form>`)
	lineEnds  = regexp.MustCompile(`(?i)</?(p|li|ul|dl|div|section|h[1-6]|dt|dd|tr|table|progress)\b[^>]*>`)
	subLine   = regexp.MustCompile(`<span class="cx-sub">`)
	anyTag    = regexp.MustCompile(`<[^>]*>`)
	someSpace = regexp.MustCompile(`[ \t\r\n]+`)
	aNumber   = regexp.MustCompile(`^[0-9,.]+%?$`)
)

// withoutLists leaves out the newest runs, records and rotations, which are no figures.
func withoutLists(page string) string { return lists.ReplaceAllString(page, "</main>") }

// textOf are the lines of a page's main part as a person reads them, without charts, forms and moments.
func textOf(page string) []string {
	text := unspoken.ReplaceAllString(mainPart.FindString(page), "")
	text = strings.ReplaceAll(subLine.ReplaceAllString(someSpace.ReplaceAllString(text, " "), "; "), " ;", ";")
	text = anyTag.ReplaceAllString(lineEnds.ReplaceAllString(text, "\n"), "")
	var lines []string
	for line := range strings.Lines(html.UnescapeString(text)) {
		if line = strings.TrimSpace(someSpace.ReplaceAllString(line, " ")); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// numbersOf are the lines that hold a digit, a number alone with the line before it.
func numbersOf(page string) []string {
	var list []string
	before := ""
	for _, line := range textOf(page) {
		switch {
		case aNumber.MatchString(line):
			list = append(list, before+": "+line)
		case strings.ContainsAny(line, "0123456789"):
			list = append(list, line)
		}
		before = line
	}
	// A label that holds a digit stands before its number a second time.
	return slices.DeleteFunc(list, func(line string) bool {
		return slices.ContainsFunc(list, func(other string) bool { return other != line && strings.HasPrefix(other, line+": ") })
	})
}

// attentionWords are what the dashboard says of a kind of attention, of one and of many, in the order of the list.
var attentionWords = []struct{ kind, tone, one, many string }{
	{"column_unprotected", "Error", "sensitive column is not encrypted", "sensitive columns are not encrypted"},
	{"column_refused", "Error", "sensitive column was refused by the KMS check", "sensitive columns were refused by the KMS check"},
	{"column_unverified", "Warning", "sensitive column is encrypted and not verified", "sensitive columns are encrypted and not verified"},
	{"column_lost", "Error", "column lost its protection outside of this console", "columns lost their protection outside of this console"},
	{"run_awaiting", "Warning", "run waits for a second person's approval", "runs wait for a second person's approval"},
	{"run_rejected", "Error", "run was rejected by the KMS check", "runs were rejected by the KMS check"},
	{"run_unconfirmed", "Warning", "run is unconfirmed", "runs are unconfirmed"},
	{"run_failed", "Error", "run failed", "runs failed"},
	{"key_went_back", "Error", "column went back to an older key version", "columns went back to older key versions"},
	{"rotation_overdue", "Warning", "rotation is overdue", "rotations are overdue"},
	{"rotation_due", "Note", "rotation is due", "rotations are due"},
	{"column_undecided", "Note", "column is undecided", "columns are undecided"},
}

func countOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// dashboard are the lines with numbers that the dashboard must show.
func (h *history) dashboard(l oracletest.Ledger, now time.Time) []string {
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	tables := l.Columns(h.facts, now)
	total, found := oracletest.Total(tables), l.Findings()
	awaiting, going := l.Waiting()
	overdue, due := l.Due(h.facts, now)
	counts := map[string]int{"column_unprotected": total.Open(), "column_refused": total.Refused, "column_unverified": total.Unverified,
		"run_awaiting": awaiting, "rotation_due": due, "column_undecided": total.Undecided}
	for _, w := range attentionWords {
		if n := counts[w.kind] + found.Open[w.kind]; n > 0 {
			add("%s: %s", w.tone, countOf(n, w.one, w.many))
		}
	}
	if found.All+found.Acknowledged+found.Resolved > 0 {
		add("Items of attention: %d open, %d acknowledged, %d resolved.", found.All, found.Acknowledged, found.Resolved)
	}
	rate := oracletest.Share(total.Verified, total.Sensitive) + "%"
	add("Sensitive columns verified: %s", rate)
	add("%s: %s", rate, rate) // the bar's text
	rest := []string{}
	for _, r := range []struct {
		n    int
		what string
	}{{total.Refused, "refused by the KMS"}, {total.Unverified, "encrypted, not verified"}, {total.Open(), "not encrypted"}} {
		if r.n > 0 {
			rest = append(rest, fmt.Sprintf("%d %s", r.n, r.what))
		}
	}
	said := fmt.Sprintf("%d of %s", total.Verified, countOf(total.Sensitive, "sensitive column", "sensitive columns"))
	if len(rest) > 0 {
		said += "; " + strings.Join(rest, ", ")
	}
	if total.Observed > 0 {
		said += fmt.Sprintf("; %d of the verified under a later key version than the verified one, observed and not confirmed", total.Observed)
	}
	if total.Undecided > 0 {
		said += "; " + countOf(total.Undecided, "column is undecided", "columns are undecided") + " and not counted here: the names do not say what they hold, a person decides."
	}
	lines = append(lines, said)
	untouched := 0
	for _, columns := range tables {
		if oracletest.CountOf(columns).Encrypted == 0 {
			untouched++
		}
	}
	said = fmt.Sprintf("Encrypted columns of all, verified or not: %s%%, %d of %d columns in %d tables", oracletest.Share(total.Encrypted, total.Total), total.Encrypted, total.Total, len(tables))
	if untouched > 0 {
		said += fmt.Sprintf(" (%d untouched)", untouched)
	}
	lines = append(lines, said+"; Read from CXone or later")
	newest := l.NewestLatency(h.facts, now)
	if len(newest) > 0 {
		add("Latency, p95 of the newest day")
		lines = lines[:len(lines)-1] // it has no digit of a figure
		lines = append(lines, "Latency, p95 of the newest day")
	}
	for i, name := range []string{"Token", "Checks", "PATCH", "KMS confirmation"} {
		if ms, ok := newest[i]; ok {
			add("%s %s", name, millis(ms))
		}
	}
	verified, ended := 0, 0
	for _, run := range l.Runs(now) {
		switch {
		case run.Verified:
			verified++
		case !run.Ended.Before(oracletest.Day(now).AddDate(0, 0, -7)):
			ended++
		}
	}
	declared := l.DeclaredNotSensitive(oracletest.Day(now).AddDate(0, 0, -30))
	label, months := "columns declared not sensitive", "months of the log not reviewed to the end"
	if declared == 1 {
		label = "column declared not sensitive"
	}
	over := l.MonthsOver(now)
	if over == 1 {
		months = "month of the log not reviewed to the end"
	}
	add("runs verified: %d", verified)
	add("runs in progress: %d", going)
	add("runs ended, not verified; failed, rejected or unconfirmed, last 7 days: %d", ended)
	add("rotations overdue: %d", overdue)
	add("%s; last 30 days: %d", label, declared)
	add("%s; no review yet: %d", months, over)
	return lines
}

func millis(ms int64) string {
	if ms < 1000 {
		return fmt.Sprintf("%d ms", ms)
	}
	if ms < 60_000 {
		return strings.TrimSuffix(fmt.Sprintf("%d.%d", ms/1000, ms/100%10), ".0") + " s"
	}
	if ms < 3_600_000 {
		return fmt.Sprintf("%d min %d s", ms/60_000, ms/1000%60)
	}
	return fmt.Sprintf("%d h %d min", ms/3_600_000, ms/60_000%60)
}

var (
	chartRow    = regexp.MustCompile(`(?s)<tr data-day="(\d+)"(.*?)</tr>`)
	chartValue  = regexp.MustCompile(`data-v="([^"]*)"`)
	countedRow  = regexp.MustCompile(`(?s)<li data-net="(-?\d+)">\s*<div>(.*?)</div>\s*<div class="cx-line-end cx-num">([^<]*)</div>`)
	chartSays   = regexp.MustCompile(`data-says[^>]*>([^<]*)<`)
	latencyFig  = regexp.MustCompile(`(?s)<figure[^>]*id="latency-(\w+)".*?</figure>`)
	columnRow   = regexp.MustCompile(`name="column" value="`)
	nextPage    = regexp.MustCompile(`<a[^>]*href="([^"]+)"[^>]*>\s*Next`)
	summaryHead = regexp.MustCompile(`<dt>Records</dt><dd>(\d+)(?:, number (\d+) \(([^)]*)\) to number (\d+) \(([^)]*)\))?</dd>`)
	summaryOp   = regexp.MustCompile(`<tr><td>([A-Z_]+)</td><td class="n">(\d+)</td><td class="n">(\d+)</td><td class="n">(\d+)</td><td class="n">(\d+)</td></tr>`)
	summaryAll  = regexp.MustCompile(`<tfoot><tr><td>All</td><td class="n">(\d+)</td><td class="n">(\d+)</td><td class="n">(\d+)</td><td class="n">(\d+)</td></tr></tfoot>`)
	summarySize = regexp.MustCompile(`<dt>Checkpoint</dt><dd>(\d+) records`)
	summaryTab  = regexp.MustCompile(`<tr><td>([^<]*)</td><td>([^<]*)</td><td>([^< ]*)[^<]*</td><td class="n">([^<]*)</td><td class="n">([^<]*)</td><td class="n">([^<]*)</td><td class="n">([^<]*)</td></tr>`)
	summaryTot  = regexp.MustCompile(`<td colspan="3">All tables together</td><td class="n">([^<]*)</td><td class="n">([^<]*)</td><td class="n">([^<]*)</td><td class="n">([^<]*)</td>`)
	summaryDec  = regexp.MustCompile(`<p>(\d+ decisions in the period: [^<]*? brought one in)\.`)
	summaryExc  = regexp.MustCompile(`<tr><td class="n">(\d+)</td><td class="k">([^<]*)</td><td class="k">`)
)

// day is what the records tell of a day of all tables.
func (h *history) day(l oracletest.Ledger, day time.Time) oracletest.Counts {
	return oracletest.Total(l.Columns(h.facts, day.AddDate(0, 0, 1)))
}

// chart holds the coverage chart of a page: each day's three shares, the changes of what counts, and its sentence.
func (h *history) chart(l oracletest.Ledger, path string, days []time.Time) {
	h.t.Helper()
	page := h.viewer.Get(path).Body
	figure := regexp.MustCompile(`(?s)<figure[^>]*id="coverage-history".*?</figure>`).FindString(page)
	var got, want, gotCounted, wantCounted []string
	for _, m := range chartRow.FindAllStringSubmatch(figure, -1) {
		at, err := strconv.ParseInt(m[1], 10, 64)
		must(h.t, err)
		row := time.Unix(at, 0).UTC().Format(time.DateOnly)
		for _, v := range chartValue.FindAllStringSubmatch(m[2], -1) {
			row += " " + v[1]
		}
		got = append(got, row)
	}
	for _, m := range countedRow.FindAllStringSubmatch(page, -1) {
		text := anyTag.ReplaceAllString(strings.SplitN(m[2], "<span", 2)[0], "")
		gotCounted = append(gotCounted, m[3]+" "+m[1]+" "+strings.TrimSpace(html.UnescapeString(text)))
	}
	changed := 0
	for _, day := range days {
		n, was := h.day(l, day), oracletest.Total(l.Columns(h.facts, day))
		encrypted := n.Verified + n.Unverified + n.Refused
		want = append(want, day.Format(time.DateOnly)+" "+oracletest.Share(n.Verified, n.Sensitive)+" "+oracletest.Share(encrypted, n.Sensitive)+" "+oracletest.Share(n.Encrypted, n.Total))
		out, in := l.Moves(nil, day)
		net := n.Sensitive - was.Sensitive
		if net == 0 && out+in == 0 {
			continue
		}
		changed++
		said := fmt.Sprintf("As many columns count as sensitive as the day before, net: %d.", n.Sensitive)
		if net > 0 {
			said = fmt.Sprintf("%s as sensitive, net: from %d to %d.", countOf(net, "more column counts", "more columns count"), was.Sensitive, n.Sensitive)
		} else if net < 0 {
			said = fmt.Sprintf("%s as sensitive, net: from %d to %d.", countOf(-net, "fewer column counts", "fewer columns count"), was.Sensitive, n.Sensitive)
		}
		if out+in > 0 {
			said += fmt.Sprintf(" By decision: %d taken out, %d brought in.", out, in)
		}
		wantCounted = append([]string{fmt.Sprintf("%s %d %s", day.Format(time.DateOnly), net, said)}, wantCounted...)
	}
	h.same("the chart of "+path, got, want)
	if path != "/" {
		h.same("what counts, of "+path, gotCounted, wantCounted)
	}
	if len(days) == 0 {
		return
	}
	first, last := h.day(l, days[0]), h.day(l, days[len(days)-1])
	shares := func(of func(oracletest.Counts) (int, int)) string {
		return oracletest.Share(of(first)) + "% to " + oracletest.Share(of(last)) + "%"
	}
	onDays := func(n int) string {
		if n == 0 {
			return "no day"
		}
		return countOf(n, "day", "days")
	}
	says := html.UnescapeString(first1(h.t, chartSays, figure))
	want = []string{fmt.Sprintf("From %s to %s: sensitive columns verified from %s, encrypted from %s; all columns encrypted from %s; a coverage fell on %s; the number of sensitive columns changed on %s.",
		days[0].Format(time.DateOnly), days[len(days)-1].Format(time.DateOnly),
		shares(func(c oracletest.Counts) (int, int) { return c.Verified, c.Sensitive }),
		shares(func(c oracletest.Counts) (int, int) { return c.Verified + c.Unverified + c.Refused, c.Sensitive }),
		shares(func(c oracletest.Counts) (int, int) { return c.Encrypted, c.Total }), onDays(len(l.Falls(h.facts, days))), onDays(changed))}
	h.same("the sentence of "+path, []string{says}, want)
}

func first1(t *testing.T, re *regexp.Regexp, text string) string {
	t.Helper()
	m := re.FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no %s", re)
	}
	return m[1]
}

// latencyCharts holds the stages' charts against the rows of the latency series.
func (h *history) latencyCharts(l oracletest.Ledger, now time.Time) {
	h.t.Helper()
	var got, want []string
	for _, figure := range latencyFig.FindAllStringSubmatch(h.viewer.Get("/charts").Body, -1) {
		for _, m := range chartRow.FindAllStringSubmatch(figure[0], -1) {
			at, err := strconv.ParseInt(m[1], 10, 64)
			must(h.t, err)
			row := figure[1] + " " + time.Unix(at, 0).UTC().Format(time.DateOnly)
			for _, v := range chartValue.FindAllStringSubmatch(m[2], -1)[:3] {
				row += " " + v[1]
			}
			failed, runs := "0", ""
			if f := regexp.MustCompile(`(\d+) runs? of (\d+) ended here without success`).FindStringSubmatch(m[2]); f != nil {
				failed, runs = f[1], " of "+f[2]
			}
			got = append(got, row+" failed "+failed+runs)
		}
	}
	rows := l.LatencyCSV(h.facts, now)
	for _, stage := range []string{"token", "checks", "patch", "kms"} {
		for _, row := range rows {
			c := strings.Split(row, ",")
			if c[1] != stage {
				continue
			}
			runs := ""
			if c[3] != "0" {
				runs = " of " + c[2]
			}
			want = append(want, strings.Join([]string{stage, c[0], c[4], c[5], c[6], "failed", c[3]}, " ")+runs)
		}
	}
	h.same("the charts of latency", got, want)
	for _, run := range l.Runs(now) { // a record's latency is the sum of the stages
		sum := int64(0)
		for _, ms := range h.facts.Stages[run.ID] {
			sum += max(ms, 0)
		}
		if run.Known && !run.Late && run.Latency != sum {
			h.t.Errorf("the record of run %s says %d ms, its stages %d", run.ID, run.Latency, sum)
		}
	}
}

// lists holds how many rows the list of columns has of each state and protection, of all connections.
func (h *history) lists(l oracletest.Ledger, now time.Time) {
	h.t.Helper()
	tables := l.Columns(h.facts, now)
	for _, sensitive := range []string{"sensitive", "not_sensitive", "undecided"} {
		for _, state := range []string{oracletest.Verified, oracletest.Unverified, oracletest.Refused, oracletest.Unprotected} {
			want := 0
			for _, columns := range tables {
				for _, c := range columns {
					if c.Sensitive == sensitive && c.State == state {
						want++
					}
				}
			}
			got, path := 0, "/sensitivity?state="+sensitive+"&protection="+state
			for path != "" {
				page := h.officer.Get(path).Body
				got += len(columnRow.FindAllString(page, -1))
				path = ""
				if m := nextPage.FindStringSubmatch(page); m != nil {
					path = html.UnescapeString(m[1])
				}
			}
			if got != want {
				h.t.Errorf("the list has %d columns that are %s and %s, and the records say %d", got, sensitive, state, want)
			}
		}
	}
}

// csvOf is the audit CSV's row of a record, its cells as a reader of CSV has them.
func csvOf(r *oracletest.Record) []string {
	guard := func(s string) string {
		if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
			return "'" + s
		}
		return s
	}
	row := make([]string, 26)
	row[0] = strconv.Itoa(r.Seq)
	for i, s := range []string{r.AuditID, r.Timestamp, r.Operation, r.Outcome, r.Actor.Name, r.Actor.Role, r.Actor.IP, r.Connection, r.DatastoreID, r.TableID,
		strings.Join(r.Columns, ";"), r.RunID} {
		row[1+i] = guard(s)
	}
	if m := r.Metrics; m != nil {
		row[13], row[14], row[15], row[16], row[17] = strconv.FormatInt(m.LatencyMs, 10), m.CoverageRate.String(), strconv.Itoa(m.FieldsEncrypted), strconv.Itoa(m.TotalFields), m.QueryDegradationRisk
	}
	if c := r.Compliance; c != nil {
		row[18], row[19], row[20] = strconv.FormatBool(c.GDPRAligned), c.Algorithm, strconv.FormatBool(c.KeyRotationEnabled)
	}
	if k := r.KMS; k != nil {
		if k.KeyVersion != 0 {
			row[21] = strconv.FormatInt(k.KeyVersion, 10)
		}
		row[22], row[23] = k.PermissionHash, k.Status
	}
	row[24], row[25] = guard(r.Detail), r.Leaf
	return row
}

// ofPeriod are the records of a period, its last day included, up to a number.
func ofPeriod(l oracletest.Ledger, from, to time.Time, size int) oracletest.Ledger {
	return slices.DeleteFunc(slices.Clone(l), func(r oracletest.Record) bool {
		return r.Seq > size || r.At.Before(from) || !r.At.Before(to.AddDate(0, 0, 1))
	})
}

const auditHeader = "seq,audit_id,timestamp,operation,outcome,actor,actor_role,actor_ip,connection,datastore_id,table_id,columns,run_id,latency_ms,coverage_rate," +
	"fields_encrypted,total_fields,query_degradation_risk,gdpr_aligned,algorithm,key_rotation_enabled,key_version,permission_hash,kms_status,detail,leaf_hash"

func (h *history) sameCSV(what, body string, want oracletest.Ledger) {
	h.t.Helper()
	wanted, got := []string{auditHeader}, []string{}
	for i := range want {
		wanted = append(wanted, strings.Join(csvOf(&want[i]), "|"))
	}
	for i, row := range rowsOf(h.t, body) {
		if i == 0 {
			got = append(got, strings.Join(row, ","))
		} else {
			got = append(got, strings.Join(row, "|"))
		}
	}
	h.same(what, got, wanted)
}

// export holds /audit.csv of a period against the records. What the export itself adds comes after it.
func (h *history) export(period string, from, to time.Time) {
	h.t.Helper()
	body := h.officer.Get("/audit.csv?" + period).Body
	rows := rowsOf(h.t, body)
	last := 0
	if len(rows) > 1 {
		n, err := strconv.Atoi(rows[len(rows)-1][0])
		must(h.t, err)
		last = n
	}
	l := h.ledger()
	if to.Before(oracletest.Day(h.h.Now())) {
		last = len(l)
	}
	h.sameCSV("audit.csv of "+period, body, ofPeriod(l, from, to, last))
}

// pack holds an evidence pack of a period: its records, its CSV and the numbers of its summary.
func (h *history) pack(period string, from, to time.Time) {
	h.t.Helper()
	files := unzipped(h.t, h.officer.Get("/audit/evidence.zip?"+period).Body)
	page := files["summary.html"]
	l := h.ledger()
	size, err := strconv.Atoi(first1(h.t, summarySize, page))
	must(h.t, err)
	records := ofPeriod(l, from, to, size)
	var raw strings.Builder
	counts := map[string][3]int{}
	var exceptions []string
	for i := range records {
		r := &records[i]
		raw.WriteString(r.Raw + "\n")
		n := counts[r.Operation]
		n[slices.Index([]string{"SUCCESS", "FAILURE", "DENIED"}, r.Outcome)]++
		counts[r.Operation] = n
		if r.Outcome != "SUCCESS" || r.Operation == "DRIFT_DETECTED" || r.Operation == "ROTATION_OVERDUE" || r.KMS != nil && (r.KMS.Status == "REJECTED" || r.KMS.Status == "UNCONFIRMED") {
			exceptions = append(exceptions, fmt.Sprintf("%d %s", r.Seq, r.Timestamp))
		}
	}
	if files["audit.jsonl"] != raw.String() {
		h.t.Errorf("the pack of %s has other records than the ledger: %d bytes, want %d", period, len(files["audit.jsonl"]), raw.Len())
	}
	h.sameCSV("the CSV of the pack of "+period, files["audit.csv"], records)

	var got, want []string
	if m := summaryHead.FindStringSubmatch(page); m != nil {
		got = append(got, strings.Join(m[1:], " "))
	}
	if n := len(records); n > 0 {
		want = append(want, fmt.Sprintf("%d %d %s %d %s", n, records[0].Seq, records[0].Timestamp, records[n-1].Seq, records[n-1].Timestamp))
	} else {
		want = append(want, "0    ")
	}
	for _, m := range summaryOp.FindAllStringSubmatch(page, -1) {
		got = append(got, strings.Join(m[1:], " "))
	}
	var operations []string
	var all [3]int
	for op, n := range counts {
		operations = append(operations, op)
		for i := range all {
			all[i] += n[i]
		}
	}
	slices.Sort(operations)
	for _, op := range operations {
		n := counts[op]
		want = append(want, fmt.Sprintf("%s %d %d %d %d", op, n[0], n[1], n[2], n[0]+n[1]+n[2]))
	}
	for _, m := range summaryAll.FindAllStringSubmatch(page, -1) {
		got = append(got, "All "+strings.Join(m[1:], " "))
	}
	want = append(want, fmt.Sprintf("All %d %d %d %d", all[0], all[1], all[2], len(records)))

	// The coverage of each table at both ends, and of all of them.
	end := to.AddDate(0, 0, 1)
	if strings.Contains(period, "to=") == false || end.After(h.h.Now()) {
		end = h.h.Now()
	}
	for _, m := range append(summaryTab.FindAllStringSubmatch(page, -1), summaryTot.FindAllStringSubmatch(page, -1)...) {
		got = append(got, html.UnescapeString(strings.Join(m[1:], "|")))
	}
	start, ends := l.Columns(h.facts, from), l.Columns(h.facts, end)
	ofAll := func(tables map[oracletest.Table]map[string]oracletest.Column) [2]string {
		if len(tables) == 0 {
			return [2]string{"not known", "not known"}
		}
		return sharesText(oracletest.Total(tables))
	}
	of := func(columns map[string]oracletest.Column, known bool) [2]string {
		if !known {
			return [2]string{"not known", "not known"}
		}
		return sharesText(oracletest.CountOf(columns))
	}
	for _, table := range oracletest.SortedTables(h.facts.Read) {
		was, knownBefore := start[table]
		is, known := ends[table]
		a, b := of(was, knownBefore), of(is, known)
		want = append(want, strings.Join([]string{table.Connection, table.DatastoreID, table.TableID, a[0], b[0], a[1], b[1]}, "|"))
	}
	a, b := ofAll(start), ofAll(ends)
	want = append(want, strings.Join([]string{a[0], b[0], a[1], b[1]}, "|"))

	decided := map[string]int{}
	out, in, n := 0, 0, 0
	for i := range records {
		if d := records[i].Decision; d != nil && records[i].Outcome == "SUCCESS" && records[i].Operation == "SENSITIVITY_DECIDED" {
			decided[d.Decided]++
			n++
			if d.Was == "sensitive" && d.Is != "sensitive" {
				out++
			} else if d.Was != "sensitive" && d.Is == "sensitive" {
				in++
			}
		}
	}
	if n > 0 {
		want = append(want, fmt.Sprintf("%d decisions in the period: %d not sensitive, %d sensitive, %d taken back. %d took a column out of what the sensitive coverage counts, %d brought one in",
			n, decided["not_sensitive"], decided["sensitive"], decided["undecided"], out, in))
	}
	if m := summaryDec.FindStringSubmatch(page); m != nil {
		got = append(got, m[1])
	}
	_, list, _ := strings.Cut(page, "<h2>Exceptions</h2>")
	for _, m := range summaryExc.FindAllStringSubmatch(list, -1) {
		got = append(got, m[1]+" "+m[2])
	}
	h.same("the summary of the pack of "+period, got, append(want, exceptions[:min(len(exceptions), 100)]...))
}

// sharesText is how a summary says the two coverages.
func sharesText(n oracletest.Counts) [2]string {
	share := func(part, whole int, none string) string {
		if whole == 0 {
			return none
		}
		return fmt.Sprintf("%s %% (%d of %d)", oracletest.Share(part, whole), part, whole)
	}
	sensitive := share(n.Verified, n.Sensitive, "none")
	if n.Unverified > 0 {
		sensitive += fmt.Sprintf(", %d not verified", n.Unverified)
	}
	if n.Refused > 0 {
		sensitive += fmt.Sprintf(", %d refused", n.Refused)
	}
	return [2]string{share(n.Encrypted, n.Total, "no columns"), sensitive}
}
