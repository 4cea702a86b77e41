package sandbox_test

import (
	"slices"
	"testing"
	"time"

	"cxseal/cxone/sandbox"
)

func TestAControlThatMakesNoSenseIsRefusedByItsField(t *testing.T) {
	tn := start(t, sandbox.Config{})
	cases := []struct{ path, body, word string }{
		{"/faults", `{"kind":"gremlins"}`, "kind: is not one of latency"},
		{"/faults", `{}`, "kind"},
		{"/faults", `{"kind":"status","status":503,"colour":"red"}`, "colour"},
		{"/faults", `{"kind":"status"}`, "status"},
		{"/faults", `{"kind":"status","status":"503"}`, "status"},
		{"/faults", `{"kind":"status","status":503,"endpoint":"moon"}`, "endpoint"},
		{"/faults", `{"kind":"status","status":503,"endpoint":"callback"}`, "endpoint"},
		{"/faults", `{"kind":"kms_none","endpoint":"table"}`, "endpoint"},
		{"/faults", `{"kind":"status","status":503,"times":-2}`, "times"},
		{"/faults", `{"kind":"latency"}`, "latencyMs"},
		{"/faults", `{"kind":"drop_before","latencyMs":5}`, "latencyMs"},
		{"/faults", `{"kind":"drop_before","status":500}`, "status"},
		{"/faults", `{"kind":"drop_before"}{}`, "body"},
		{"/faults", `kind=status`, "body"},
		{"/clock", `{}`, "exactly one"},
		{"/clock", `{"offsetSeconds":1,"advanceSeconds":1}`, "exactly one"},
		{"/clock", `{"offsetSeconds":1e30}`, "offsetSeconds"},
		{"/settings", `{"rate":-1}`, "rate"},
		{"/settings", `{"burst":-1}`, "burst"},
		{"/settings", `{"scopes":["all"]}`, "scopes"},
		{"/settings", `{"inline":"yes"}`, "inline"},
		{"/settings", `{"speed":1}`, "speed"},
		{"/tables/ds-customers/tbl-contacts/explode", `{}`, "action"},
		{"/tables/ds-customers/tbl-contacts/rotate", `{"column":"ssn"}`, "column"},
		{"/tables/ds-customers/tbl-contacts/drop_column", `{"column":"nothing"}`, "column"},
		{"/tables/ds-customers/tbl-contacts/add_column", `{"column":"ssn","type":"string"}`, "column"},
		{"/tables/ds-customers/tbl-contacts/add_column", `{"column":"new"}`, "type"},
		{"/tables/ds-customers/tbl-contacts/add_index", `{"index":"i","columns":["nothing"]}`, "columns"},
		{"/tables/ds-customers/tbl-contacts/drop_index", `{"index":"nothing"}`, "index"},
		{"/tables/ds-customers/tbl-contacts/set_limit", `{"limit":-1}`, "limit"},
	}
	before := tn.Settings()
	for _, c := range cases {
		contains(t, tn.control("POST", c.path, c.body), 400, c.word)
	}
	contains(t, tn.control("POST", "/tables/ds-customers/nothing/decrypt", `{"column":"ssn"}`), 404)
	contains(t, tn.control("GET", "/nothing", ""), 404)
	if len(tn.Faults()) != 0 || tn.Offset() != 0 || tn.Settings().Rate != before.Rate || !slices.Equal(tn.Settings().Scopes, before.Scopes) {
		t.Fatal("a refused control did something")
	}
}

// A page in a browser on the same machine can reach loopback too.
func TestAnotherSitesPageCannotReachTheControls(t *testing.T) {
	tn := start(t, sandbox.Config{})
	req := tn.request("POST", "/_sandbox/settings", `{"inline":true}`)
	req.Header.Set("Origin", "https://evil.example")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	contains(t, tn.do(req), 403)
	if tn.Settings().Inline {
		t.Fatal("it did")
	}
}

func TestTheControlsExplainThemselves(t *testing.T) {
	tn := start(t, sandbox.Config{})
	contains(t, tn.control("GET", "/", ""), 200, "/_sandbox/faults", "kms_wrong_key_version", "add_column")
	contains(t, tn.control("GET", "/stats", ""), 200, `"requests":{"token":1}`, `"commits":{}`, `"answers":[]`)
	contains(t, tn.control("GET", "/settings", ""), 200, `"tokenSeconds":3600`)
	contains(t, tn.control("GET", "/faults", ""), 200, `"faults":[]`)
	contains(t, tn.control("DELETE", "/tokens", ""), 200)
	contains(t, tn.get(contacts), 401)
}

func TestTheClockIsMovedOverHTTP(t *testing.T) {
	tn := start(t, sandbox.Config{})
	contains(t, tn.control("POST", "/clock", `{"advanceSeconds":60}`), 200, `"now":"2026-11-23T12:01:00Z"`)
	contains(t, tn.control("POST", "/clock", `{"advanceSeconds":60}`), 200, `"offsetSeconds":120`)
	contains(t, tn.control("POST", "/clock", `{"offsetSeconds":-60}`), 200, `"now":"2026-11-23T11:59:00Z"`)
	contains(t, tn.control("POST", "/clock", `{"now":"2027-01-01T00:00:00Z"}`), 200, `"now":"2027-01-01T00:00:00Z"`)
	contains(t, tn.control("GET", "/clock", ""), 200, `"now":"2027-01-01T00:00:00Z"`)
	if want := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC); !tn.Now().Equal(want) {
		t.Fatal(tn.Now())
	}
	tn.SetOffset(0)
	if !tn.Now().Equal(noon) {
		t.Fatal(tn.Now())
	}
}

// TestATableChangesBehindTheConsolesBack fails when a change that no console made, which it must notice as drift,
// cannot be played.
func TestATableChangesBehindTheConsolesBack(t *testing.T) {
	tn := start(t, sandbox.Config{Inline: true})
	act := func(action, body string) got {
		return tn.control("POST", "/tables/ds-customers/tbl-contacts/"+action, body)
	}
	contains(t, act("add_column", `{"column":"passport","type":"string"}`), 200, "passport")
	contains(t, act("encrypt", `{"column":"passport"}`), 200)
	contains(t, act("encrypt", `{"column":"passport"}`), 400, "already")
	contains(t, act("rotate", `{"column":"passport"}`), 200)
	if c := tn.columnOf("passport"); !c.Encrypted || c.KeyVersion() != 2 || c.EncryptionConfiguration.KeyRotationDirective != nil {
		t.Fatalf("%+v", c)
	}
	contains(t, act("decrypt", `{"column":"passport"}`), 200)
	if tn.columnOf("passport").Encrypted {
		t.Fatal("not decrypted")
	}
	contains(t, act("set_type", `{"column":"passport","type":"text"}`), 200)
	contains(t, tn.get(contacts), 200, `{"name":"passport","type":"text","encrypted":false}`)

	contains(t, act("add_index", `{"index":"uq_passport","columns":["passport"],"readOnly":true}`), 200)
	contains(t, tn.get(contacts+"/indexes"), 200, `{"name":"uq_passport","columns":["passport"],"readOnly":true}`)
	contains(t, act("drop_index", `{"index":"idx_contacts_email"}`), 200)
	contains(t, act("drop_column", `{"column":"passport"}`), 200)
	contains(t, act("drop_column", `{"column":"first_name"}`), 200)
	if got, want := tn.get(contacts+"/indexes").body,
		`[{"name":"idx_contacts_name","columns":["last_name"],"readOnly":false},{"name":"pk_contacts","columns":["id"],"readOnly":true}]`; got != want {
		t.Fatalf("indexes %s", got)
	}
	contains(t, act("set_limit", `{"limit":0}`), 200)
	contains(t, tn.get(contacts), 200, `"metadata":{}`)

	// A rotation by the tenant moves its own date on.
	contains(t, tn.patch("k", encode(t, asking(unheard, "ssn"))), 200)
	tn.Advance(24 * time.Hour)
	contains(t, act("rotate", `{"column":"ssn"}`), 200)
	c := tn.columnOf("ssn")
	if next := c.EncryptionConfiguration.KeyRotationDirective.NextRotationEpoch; c.KeyVersion() != 2 || next != noon.Unix()+91*86400 {
		t.Fatalf("%+v", c.EncryptionConfiguration)
	}
	contains(t, tn.control("GET", "/tables/ds-customers/tbl-contacts", ""), 200, `"indexes"`, `"keyVersion":2`)
}
