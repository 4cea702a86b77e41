package console_test

import (
	"testing"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/internal/access"
	"cxseal/internal/connection"
	"cxseal/internal/console/consoletest"
	"cxseal/internal/encryption"
)

// A callback that can be read without doubt confirms its run, however the tenant
// writes it; one that two readers could take for two things confirms nothing, and
// does not reject the run either. The sandbox sends each to the console over HTTP.
func TestACallbackIsBelievedOnlyAsFarAsItIsClear(t *testing.T) {
	callback := func(kind sandbox.FaultKind, field, value string) sandbox.Fault {
		return sandbox.Fault{Kind: kind, Endpoint: sandbox.EndpointCallback, Field: field, Value: value, Times: -1}
	}
	for name, test := range map[string]struct {
		fault sandbox.Fault
		want  encryption.State
		code  string // of the callback that is kept
	}{
		"a slash after the URL":        {callback(sandbox.FaultKMSSlash, "", ""), encryption.Verified, ""},
		"columns as objects":           {callback(sandbox.FaultKMSColumnObjects, "", ""), encryption.Verified, ""},
		"a byte-order mark":            {callback(sandbox.FaultBOM, "", ""), encryption.Verified, ""},
		"a key version of 1.0":         {callback(sandbox.FaultFloats, "", ""), encryption.Verified, ""},
		"a key version as text":        {callback(sandbox.FaultNumbersAsText, "", ""), encryption.Verified, ""},
		"the other Unicode form":       {callback(sandbox.FaultNamesNFC, "", ""), encryption.Verified, ""},
		"words after the JSON":         {callback(sandbox.FaultKMSTrailing, "", ""), encryption.Verifying, "shape"},
		"keys in another case":         {callback(sandbox.FaultKMSOtherCase, "", ""), encryption.Verifying, "shape"},
		"two algorithms":               {callback(sandbox.FaultKeyTwice, "algorithm", `"AES-128-CBC"`), encryption.Verifying, "shape"},
		"two tables":                   {callback(sandbox.FaultKeyTwice, "tableId", `"tbl-other"`), encryption.Verifying, "shape"},
		"a column in another case":     {callback(sandbox.FaultReplace, "columns", `["SSN"]`), encryption.Rejected, "columns"},
		"a table that is a number":     {callback(sandbox.FaultReplace, "tableId", `7.0`), encryption.Rejected, "table"},
		"a key version that is a list": {callback(sandbox.FaultReplace, "keyVersion", `[1]`), encryption.Verifying, "shape"},
	} {
		t.Run(name, func(t *testing.T) {
			c := consoletest.Start(t, func(cfg *consoletest.Config) {
				cfg.Sandbox.KMSSecret, cfg.Sandbox.KMS = faultsKMSSecret, sandbox.KMSCallback
				cfg.Sandbox.After = func(time.Duration) <-chan time.Time { return time.After(time.Millisecond) }
			})
			request := requestUnder(c, test.fault)
			c.Tenant.Fail(test.fault)
			admin := access.Caller{UserID: 1, Name: "admin-1", Role: access.Admin, IP: "127.0.0.1"}
			run, err := c.Encryption.Launch(t.Context(), admin, request)
			consoletest.Must(t, err)
			if run = settled(c, run.ID); run.State != test.want || run.Connection != connection.Environment {
				t.Errorf("the run is %s and must be %s: %s", run.State, test.want, run.ErrorMessage)
			}
			kept, err := c.Store.RunVerifications(t.Context(), run.ID)
			if err != nil || len(kept) == 0 || kept[0].Code != test.code || kept[0].Accepted != (test.code == "") {
				t.Errorf("kept %+v, %v; want code %q", kept, err, test.code)
			}
		})
	}
}

// settled waits until a run has ended, or was sent and every callback has been
// answered.
func settled(c *consoletest.Console, id string) encryption.Run {
	c.T.Helper()
	moved, stop := c.Encryption.Watch(id)
	defer stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(30 * time.Second)
	for {
		run, err := c.Store.Run(c.T.Context(), id)
		consoletest.Must(c.T, err)
		calls := c.Tenant.Stats().Callbacks
		if calls.Pending == 0 && (run.State.Ended() || run.State == encryption.Verifying && calls.GaveUp > 0) {
			return run
		}
		select {
		case <-moved:
		case <-tick.C:
		case <-late:
			c.T.Fatalf("the run is still %s: %s", run.State, run.ErrorMessage)
		}
	}
}
