package handlers_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/internal/access"
	"cxseal/internal/attention"
	"cxseal/internal/audit"
	"cxseal/internal/console/consoletest"
	"cxseal/internal/encryption"
	"cxseal/internal/protection"
)

// told is what the records alone tell of a column.
type told struct {
	state protection.State
	run   int // the place of the run that the verdict is on
}

// statesByRecords reads the states of a table's columns out of the log as it is exported, and nothing else.
// It knows nothing of package protection: runs end one after the other on a table, so the order of their last
// records is the order of their changes.
func statesByRecords(t *testing.T, jsonl string) map[string]told {
	t.Helper()
	columns, ended := map[string]told{}, map[string]int{}
	judge := func(names []string, run int, state protection.State) {
		for _, name := range names {
			if c := columns[name]; run >= c.run {
				columns[name] = told{state, run}
			}
		}
	}
	for line := range strings.Lines(jsonl) {
		var r audit.Record
		must(t, json.Unmarshal([]byte(line), &r))
		switch r.Operation {
		case audit.ColumnEncryption, audit.KeyRotation:
			ended[r.RunID] = len(ended) + 1
			switch r.KMS.Status {
			case "VERIFIED":
				judge(r.Columns, ended[r.RunID], protection.Verified)
			case "REJECTED":
				judge(r.Columns, ended[r.RunID], protection.Refused)
			case "UNCONFIRMED": // no verdict: what was known stands, and a column that was open is encrypted
				for _, name := range r.Columns {
					if c := columns[name]; c.state == "" || c.state == protection.Unprotected {
						columns[name] = told{protection.Unverified, c.run}
					}
				}
			}
		case audit.KMSCallback:
			if run := ended[r.RunID]; run > 0 && r.Outcome == audit.Success {
				judge(r.Columns, run, protection.Verified)
			}
		case audit.DriftDetected:
			state := protection.Unprotected
			if strings.Contains(r.Detail, "was encrypted by someone else") || strings.HasPrefix(r.Detail, "The column is encrypted.") {
				state = protection.Unverified
			} else if !strings.Contains(r.Detail, "no longer encrypted") {
				continue
			}
			columns[r.Columns[0]] = told{state, len(ended) + 1} // no verdict on an earlier run counts any more
		}
	}
	return columns
}

// countsByRecords says of a column that the rules propose as sensitive whether it counts: by the newest decision.
func countsByRecords(decided []audit.Record, column string) bool {
	for _, r := range slices.Backward(decided) {
		if r.Columns[0] == column {
			return r.Decision.Is == "sensitive"
		}
	}
	return true
}

// Whatever happens to a table's columns, the console must say of each what the records say: an auditor
// recomputes it.
func TestTheStatesOfColumnsFollowFromTheRecords(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			liveAndCompare(t, rand.New(rand.NewPCG(seed, 11)), []string{"ssn", "credit_card"}[:1+seed%2])
		})
	}
}

func liveAndCompare(t *testing.T, random *rand.Rand, names []string) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	admin.Get(consoletest.TablePath)
	_, base := figures(t, admin)
	encrypted, silent, steps := map[string]bool{}, []encryption.Run{}, []string{}
	keys := keysOf(t, admin, tableList)
	launch := func(column string) string {
		if encrypted[column] {
			return rotate(t, admin, column)
		}
		encrypted[column] = true
		return admin.Launch(column)
	}
	for range 14 {
		h.Advance(3 * time.Minute)
		column := names[random.IntN(len(names))]
		step := []string{"verified", "refused", "silent", "late", "lost", "moved", "not_sensitive", "sensitive", "undecided"}[random.IntN(9)]
		steps = append(steps, step+" "+column)
		switch step {
		case "verified":
			h.WaitFor(launch(column), encryption.Verified)
		case "refused":
			h.Tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSWrongAlgorithm, Times: 1})
			h.WaitFor(launch(column), encryption.Rejected)
		case "silent":
			h.Tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSNone, Times: 1})
			run := h.WaitFor(launch(column), encryption.Verifying)
			h.Advance(2 * time.Minute)
			silent = append(silent, h.WaitFor("/runs/"+run.ID, encryption.Unconfirmed))
		case "late":
			if len(silent) > 0 {
				run := silent[0]
				silent = silent[1:]
				version := int64(1)
				for _, c := range run.After {
					if c.Name == run.Columns[0] {
						version = c.KeyVersion
					}
				}
				body := fmt.Sprintf(`{"tableId":%q,"columns":[%q],"keyVersion":%d,"complianceCheck":{"algorithm":"AES-256-GCM"}}`, tableID, run.Columns[0], version)
				if a := h.Browser().Do("POST", "/kms/callback/"+run.CallbackToken, strings.NewReader(body), "Content-Type", "application/json"); a.Status != 200 {
					t.Fatalf("%v: %d %s", steps, a.Status, a.Body)
				}
			}
		case "lost":
			if encrypted[column] {
				must(t, h.Tenant.Mutate(datastoreID, tableID, sandbox.Mutation{Action: sandbox.Decrypt, Column: column}))
				encrypted[column] = false
			}
		case "not_sensitive", "sensitive", "undecided":
			a := admin.Submit(tableList, "/sensitivity", url.Values{"decision": {step}, "confirm": {"1"}, "reason": {"As the dice say."}, "column": {keys[column]}})
			if a.Status != 303 {
				t.Fatalf("%v: %d", steps, a.Status)
			}
		case "moved":
			if encrypted[column] {
				must(t, h.Tenant.Mutate(datastoreID, tableID, sandbox.Mutation{Action: sandbox.Rotate, Column: column}))
			}
		}
		h.Tenant.ClearFaults()
		h.Advance(3 * time.Minute)
		admin.Get(consoletest.TablePath) // read again

		want, counts := statesByRecords(t, admin.Get("/audit.jsonl").Body), map[protection.State]int{}
		decided := decisionsOf(t, admin)
		columns, err := h.Store.Columns(t.Context(), "default", datastoreID, tableID)
		must(t, err)
		for _, c := range columns {
			state := want[c.Name].state
			if state == "" {
				state = protection.Unprotected
			}
			if countsByRecords(decided, c.Name) {
				counts[state]++
			}
			if got := c.Protection.State(); got != state {
				t.Errorf("after %q: %s is %s, and the records say %s", steps, c.Name, got, state)
			}
			// What is open of a column is what its state says, and what is verified again is not red any more.
			open := openOf(t, h, c.Name)
			if lost, was := open[attention.ColumnLost], want[c.Name].state == protection.Unprotected; lost != was && (was || state == protection.Verified) {
				t.Errorf("after %q: %s is %s, and its loss is open: %v", steps, c.Name, state, lost)
			}
			if refused := open[attention.RunRejected]; refused != (state == protection.Refused) && (refused == (state == protection.Verified) || !refused) {
				t.Errorf("after %q: %s is %s, and a rejected run is open: %v", steps, c.Name, state, refused)
			}
		}
		series := rowsOf(t, admin.Get("/charts/coverage.csv?changes=1&table_id="+tableID).Body)
		figures := []string{fmt.Sprint(counts[protection.Verified]), fmt.Sprint(counts[protection.Unverified]), fmt.Sprint(counts[protection.Refused])}
		last := series[len(series)-1]
		if !slices.Equal(last[10:13], figures) {
			t.Errorf("after %q: the CSV has %q, the records %q", steps, last[10:13], figures)
		}
		out, in := netOf(decided)
		var moved [3]int // summed over the days
		for _, row := range series[1:] {
			for i := range moved {
				n, err := strconv.Atoi(row[13+i])
				must(t, err)
				moved[i] += n
			}
		}
		if want := [3]int{base + in - out, out, in}; moved != want || last[7] != fmt.Sprint(base+in-out) {
			t.Errorf("after %q: the CSV says %v changed, of %s, and the records %v", steps, moved, last[7], want)
		}
		if t.Failed() {
			return
		}
	}
}

// openOf are the kinds of what is open of a column.
func openOf(t *testing.T, h *consoletest.Console, column string) map[attention.Kind]bool {
	t.Helper()
	list, err := h.Store.Attention(t.Context(), attention.Filter{State: attention.Open}, 0, 100)
	must(t, err)
	open := map[attention.Kind]bool{}
	for _, i := range list {
		open[i.Kind] = open[i.Kind] || slices.Contains(i.Left, column)
	}
	return open
}
