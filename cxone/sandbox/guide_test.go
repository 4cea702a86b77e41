package sandbox_test

import (
	"encoding/json"
	"testing"

	"cxseal/cxone/sandbox"
)

// The published guide's four calls, with its headers and numbers.
func TestTheGuidesScriptWorksUnchanged(t *testing.T) {
	tn := start(t, sandbox.Config{Inline: true})

	g := tn.get(contacts)
	contains(t, g, 200)
	var table struct {
		ID       string
		Columns  []struct{ Name, Type string }
		Metadata struct{ MaxEncryptedFields int }
	}
	if err := json.Unmarshal([]byte(g.body), &table); err != nil {
		t.Fatal(err)
	}
	if table.ID != "tbl-contacts" || len(table.Columns) < 12 || table.Metadata.MaxEncryptedFields != 12 {
		t.Fatalf("table: %s", g.body)
	}

	g = tn.get(contacts + "/indexes")
	contains(t, g, 200)
	var indexes []struct{ Columns []string }
	if err := json.Unmarshal([]byte(g.body), &indexes); err != nil || len(indexes) == 0 {
		t.Fatalf("indexes must be a bare array: %v %s", err, g.body)
	}
	for _, ix := range indexes {
		for _, c := range ix.Columns {
			if c == "ssn" || c == "credit_card" || c == "medical_record_number" {
				t.Fatalf("%s is indexed", c)
			}
		}
	}

	body := encode(t, asking(unheard, "ssn", "credit_card", "medical_record_number"))
	g = tn.patch("7f3b0c52-8d0e-4a44-9f5e-2f1f3f0f9a10", body)
	contains(t, g, 200, `"tableId":"tbl-contacts"`)
	payload, ok := g.json(t)["externalKmsPayload"].(map[string]any)
	if !ok || payload["tableId"] != "tbl-contacts" || payload["keyVersion"] != 1.0 || len(payload["columns"].([]any)) != 3 {
		t.Fatalf("payload: %s", g.body)
	}
	for _, name := range []string{"ssn", "credit_card", "medical_record_number"} {
		if c := tn.columnOf(name); !c.Encrypted || c.KeyVersion() != 1 {
			t.Fatalf("%s: %+v", name, c)
		}
	}
	if tn.columnOf("email").Encrypted {
		t.Fatal("a column was encrypted that nobody asked for")
	}
}
