package sandbox_test

import (
	"testing"

	"cxseal/cxone/sandbox"
)

// accepted answers 202 at once and changes nothing yet; the change and its
// callback come later, once, also for a key that is sent again.
func TestAnAcceptedChangeIsMadeLater(t *testing.T) {
	k := startKMS(t, verified)
	tn := start(t, sandbox.Config{KMS: sandbox.KMSCallback})
	tn.Fail(sandbox.Fault{Kind: sandbox.FaultAccepted, LatencyMs: 200})
	contains(t, tn.patch("k", encode(t, asking(k.URL, "ssn"))), 202, `"status":"ACCEPTED"`)
	if tn.commits() != 0 || tn.columnOf("ssn").Encrypted {
		t.Error("the change was made at once")
	}
	if n := tn.Stats().UnderWay; n != 1 {
		t.Errorf("%d changes are under way", n)
	}
	eventually(t, func() bool { return tn.commits() == 1 && tn.columnOf("ssn").Encrypted })
	if st := tn.settle(); st.Callbacks.Verified != 1 || st.UnderWay != 0 {
		t.Errorf("%+v", st)
	}
	contains(t, tn.patch("k2", encode(t, asking(k.URL, "city"))), 200) // the fault was meant for one
}

// An inline tenant that answers 202 has no payload to give: neither then nor
// later, and nobody is called.
func TestAnInlineTenantThatAcceptsConfirmsNothing(t *testing.T) {
	tn := start(t, sandbox.Config{KMS: sandbox.KMSInline})
	tn.Fail(sandbox.Fault{Kind: sandbox.FaultAccepted, LatencyMs: 1})
	g := tn.patch("k", encode(t, asking(unheard, "ssn")))
	contains(t, g, 202)
	if _, there := g.json(t)["externalKmsPayload"]; there {
		t.Error("the answer has a payload")
	}
	eventually(t, func() bool { return tn.commits() == 1 })
	if st := tn.settle(); st.Callbacks.Verified+st.Callbacks.Refused+st.Callbacks.GaveUp != 0 {
		t.Errorf("%+v", st.Callbacks)
	}
}

// late_table makes the change and answers 200, and shows the columns as they
// were until the time has passed. The callback waits for that.
func TestALateTableShowsTheChangeLater(t *testing.T) {
	k := startKMS(t, verified)
	tn := start(t, sandbox.Config{KMS: sandbox.KMSCallback})
	tn.Fail(sandbox.Fault{Kind: sandbox.FaultLateTable, LatencyMs: 200})
	shown := func() bool {
		for _, c := range tn.get(contacts).json(t)["columns"].([]any) {
			if column := c.(map[string]any); column["name"] == "ssn" {
				return column["encrypted"] == true
			}
		}
		return false
	}
	contains(t, tn.patch("k", encode(t, asking(k.URL, "ssn"))), 200)
	if tn.commits() != 1 || shown() {
		t.Errorf("%d changes, and the table shows it: %v", tn.commits(), shown())
	}
	eventually(t, shown)
	if st := tn.settle(); st.Callbacks.Verified != 1 {
		t.Errorf("%+v", st.Callbacks)
	}
}

// What a person types at --fault is the fault that the control takes.
func TestAFaultIsReadAsAPersonTypesIt(t *testing.T) {
	for text, want := range map[string]sandbox.Fault{
		"kms_none":                                       {Kind: sandbox.FaultKMSNone, Times: -1},
		"accepted:latencyMs=3000,times=2":                {Kind: sandbox.FaultAccepted, LatencyMs: 3000, Times: 2},
		"bom:endpoint=table":                             {Kind: sandbox.FaultBOM, Endpoint: sandbox.EndpointTable, Times: -1},
		"status:status=429,header=Retry-After: 6.25":     {Kind: sandbox.FaultStatus, Status: 429, Header: "Retry-After: 6.25", Times: -1},
		`{"kind":"replace","field":"a","value":"[1,2]"}`: {Kind: sandbox.FaultReplace, Field: "a", Value: "[1,2]", Times: -1},
	} {
		if got, err := sandbox.ParseFault(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "nope", "accepted", "accepted:latencyMs=soon", "bom:endpoint", "bom:colour=red", "{", "status:status=7", "kms_none:endpoint=table"} {
		if got, err := sandbox.ParseFault(text); err == nil {
			t.Errorf("%q is taken: %+v", text, got)
		}
	}
}
