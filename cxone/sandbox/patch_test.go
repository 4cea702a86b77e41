package sandbox_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cxseal/cxone"
	"cxseal/cxone/sandbox"
)

// A tenant that took sloppy requests would let a broken client pass its tests.
func TestASloppyRequestIsRefusedByItsField(t *testing.T) {
	tn := start(t, sandbox.Config{Inline: true})
	if err := tn.Mutate("ds-customers", "tbl-contacts", sandbox.Mutation{Action: sandbox.AddColumn, Column: "photo", Type: "binary"}); err != nil {
		t.Fatal(err)
	}
	before, _, _ := tn.Table("ds-customers", "tbl-contacts")
	good := encode(t, asking(unheard, "ssn"))
	const cfg = "columnTargetMatrix[0].encryptionConfiguration."
	cases := []struct{ name, old, new, field string }{
		{"no JSON", good, `{"tableId":`, "body"},
		{"two values", good, good + good, "body"},
		{"a list", good, "[]", "body"},
		{"too deep", good, strings.Repeat("[", 60) + strings.Repeat("]", 60), "deep"},
		{"unknown key", `{"tableId"`, `{"colour":"red","tableId"`, "colour"},
		{"other case", `"tableId"`, `"TableID"`, "TableID"},
		{"key twice", `{"tableId":"tbl-contacts"`, `{"tableId":"tbl-contacts","tableId":"tbl-contacts"`, "tableId"},
		{"missing tableId", `"tableId":"tbl-contacts",`, ``, "tableId"},
		{"other tableId", `"tableId":"tbl-contacts"`, `"tableId":"tbl-0001"`, "tableId"},
		{"tableId a number", `"tableId":"tbl-contacts"`, `"tableId":7`, "tableId"},
		{"matrix an object", `[{"name"`, `{"x":[{"name"`, "body"},
		{"unknown column", `"ssn"`, `"nothing"`, "columnTargetMatrix[0].name"},
		{"column a script", `"ssn"`, `"<script>"`, "columnTargetMatrix[0].name"},
		{"other type", `"type":"string"`, `"type":"text"`, "columnTargetMatrix[0].type"},
		{"type null", `"type":"string"`, `"type":null`, "columnTargetMatrix[0].type"},
		{"unsupported type", `"name":"ssn","type":"string"`, `"name":"photo","type":"binary"`, "columnTargetMatrix[0].type"},
		{"not enabled", `"enabled":true`, `"enabled":false`, cfg + "enabled"},
		{"enabled a string", `"enabled":true`, `"enabled":"true"`, cfg + "enabled"},
		{"other algorithm", `AES-256-GCM`, `AES-128-GCM`, cfg + "algorithm"},
		{"other compliance mode", `GDPR`, `HIPAA`, cfg + "complianceMode"},
		{"other strategy", `AUTOMATIC`, `SOMETIMES`, cfg + "keyRotationDirective.strategy"},
		{"interval 0", `"intervalDays":90`, `"intervalDays":0`, cfg + "keyRotationDirective.intervalDays"},
		{"interval too long", `"intervalDays":90`, `"intervalDays":3651`, cfg + "keyRotationDirective.intervalDays"},
		{"interval a fraction", `"intervalDays":90`, `"intervalDays":90.5`, cfg + "keyRotationDirective.intervalDays"},
		{"epoch a string", fmt.Sprint(noon.Unix() + 90*86400), `"soon"`, cfg + "keyRotationDirective.nextRotationEpoch"},
		{"epoch a fraction", fmt.Sprint(noon.Unix() + 90*86400), `1803384000.5`, cfg + "keyRotationDirective.nextRotationEpoch"},
		{"epoch past", fmt.Sprint(noon.Unix() + 90*86400), fmt.Sprint(noon.Unix()), "future"},
		{"epoch milliseconds", fmt.Sprint(noon.Unix() + 90*86400), fmt.Sprint((noon.Unix() + 90*86400) * 1000), "looks like milliseconds"},
		{"no masking flag", `"indexMaskingTrigger":true,`, ``, cfg + "indexMaskingTrigger"},
		{"verification flag a number", `"decryptionPermissionVerification":true`, `"decryptionPermissionVerification":1`, cfg + "decryptionPermissionVerification"},
		{"callback ftp", `http://127.0.0.1:1/kms`, `ftp://127.0.0.1/kms`, "externalKmsSync.callbackUrl"},
		{"callback relative", `http://127.0.0.1:1/kms`, `/kms`, "externalKmsSync.callbackUrl"},
		{"sync mode", `"ASYNC"`, `"SYNC"`, "externalKmsSync.syncMode"},
		{"no attempts", `"maxAttempts":3`, `"maxAttempts":0`, "externalKmsSync.retryPolicy.maxAttempts"},
		{"many attempts", `"maxAttempts":3`, `"maxAttempts":11`, "externalKmsSync.retryPolicy.maxAttempts"},
		{"no backoff", `"backoffMs":2000`, `"backoffMs":0`, "externalKmsSync.retryPolicy.backoffMs"},
		{"unknown retry key", `"backoffMs":2000`, `"backoffMs":2000,"jitter":1`, "externalKmsSync.retryPolicy.jitter"},
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			body := strings.Replace(good, c.old, c.new, 1)
			if body == good {
				t.Fatal("the case changes nothing")
			}
			contains(t, tn.patch(fmt.Sprint("k", i), body), 400, c.field)
		})
	}
	twice := asking(unheard, "ssn", "ssn")
	contains(t, tn.patch("twice", encode(t, twice)), 400, "columnTargetMatrix[1].name", "twice")
	none := asking(unheard)
	none.ColumnTargetMatrix = []cxone.ColumnTarget{}
	contains(t, tn.patch("none", encode(t, none)), 400, "columnTargetMatrix")

	long := tn.patch("long", strings.Replace(good, `"ssn"`, `"`+strings.Repeat("é", 200_000)+`"`, 1))
	contains(t, long, 400, "columnTargetMatrix[0].name")
	if len(long.body) > 2000 {
		t.Fatalf("an error repeats %d bytes of what was sent", len(long.body))
	}

	after, _, _ := tn.Table("ds-customers", "tbl-contacts")
	if diff := cmp.Diff(before, after); diff != "" || tn.commits() != 0 {
		t.Fatalf("a refused request changed the table: %s", diff)
	}
}

func TestTheEnvelopeOfAPatchIsChecked(t *testing.T) {
	tn := start(t, sandbox.Config{Inline: true})
	body := encode(t, asking(unheard, "ssn"))
	req := tn.patchRequest(contacts, "", body)
	req.Header.Del("X-Idempotency-Key")
	contains(t, tn.do(req), 400, "X-Idempotency-Key")
	contains(t, tn.patch(strings.Repeat("k", 256), body), 400, "X-Idempotency-Key")
	req = tn.patchRequest(contacts, "k", body)
	req.Header.Set("Content-Type", "text/plain")
	contains(t, tn.do(req), 415, "Content-Type")
	contains(t, tn.patch("k", strings.Repeat(" ", 1<<20+1)), 413)
	contains(t, tn.do(tn.patchRequest("/api/v2/datastores/ds-customers/tables/tbl-none", "k", body)), 404)
	if tn.commits() != 0 {
		t.Fatal("a refused request was committed")
	}
	// None of them used the key up.
	req = tn.patchRequest(contacts, "k", body)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	contains(t, tn.do(req), 200)
}

func TestAPatchHappensWholeOrNotAtAll(t *testing.T) {
	tn := start(t, sandbox.Config{Inline: true})
	contains(t, tn.patch("k1", encode(t, asking(unheard, "ssn", "credit_card", "no_such_column"))), 400, "[2].name")
	if tn.columnOf("ssn").Encrypted || tn.columnOf("credit_card").Encrypted {
		t.Fatal("half of a refused PATCH was made")
	}
}

func TestTheLimitCountsOnlyNewColumns(t *testing.T) {
	tn := start(t, sandbox.Config{Inline: true})
	if err := tn.Mutate("ds-customers", "tbl-contacts", sandbox.Mutation{Action: sandbox.SetLimit, Limit: 2}); err != nil {
		t.Fatal(err)
	}
	contains(t, tn.patch("k1", encode(t, asking(unheard, "ssn", "credit_card", "medical_record_number"))), 400, "maxEncryptedFields is 2")
	contains(t, tn.patch("k2", encode(t, asking(unheard, "ssn", "credit_card"))), 200)
	contains(t, tn.patch("k3", encode(t, asking(unheard, "ssn", "credit_card"))), 200)
	contains(t, tn.patch("k4", encode(t, asking(unheard, "ssn", "medical_record_number"))), 400, "maxEncryptedFields")
}

func TestAnEncryptedColumnSentAgainGetsANewKeyVersion(t *testing.T) {
	tn := start(t, sandbox.Config{Inline: true})
	contains(t, tn.patch("k1", encode(t, asking(unheard, "ssn"))), 200)
	contains(t, tn.patch("k2", encode(t, asking(unheard, "ssn"))), 200, `"keyVersion":2`)
	// Columns of different versions leave with the same one: the callback has
	// room for one only.
	g := tn.patch("k3", encode(t, asking(unheard, "ssn", "credit_card")))
	if v := g.json(t)["externalKmsPayload"].(map[string]any)["keyVersion"]; v != 3.0 {
		t.Fatalf("the payload says version %v", v)
	}
	if a, b := tn.columnOf("ssn").KeyVersion(), tn.columnOf("credit_card").KeyVersion(); a != 3 || b != 3 {
		t.Fatalf("versions %d and %d", a, b)
	}
	// A version never comes back, not even by way of decryption.
	if err := tn.Mutate("ds-customers", "tbl-contacts", sandbox.Mutation{Action: sandbox.Decrypt, Column: "ssn"}); err != nil {
		t.Fatal(err)
	}
	contains(t, tn.patch("k4", encode(t, asking(unheard, "ssn"))), 200)
	if v := tn.columnOf("ssn").KeyVersion(); v != 4 {
		t.Fatalf("version %d after decryption", v)
	}
}

func TestAnIndexStandsInTheWay(t *testing.T) {
	tn := start(t, sandbox.Config{Inline: true})
	name := asking(unheard, "last_name")
	name.ColumnTargetMatrix[0].EncryptionConfiguration.IndexMaskingTrigger = false
	contains(t, tn.patch("k1", encode(t, name)), 422, "idx_contacts_name", "indexMaskingTrigger")
	name.ColumnTargetMatrix[0].EncryptionConfiguration.IndexMaskingTrigger = true
	contains(t, tn.patch("k2", encode(t, name)), 200)

	g := tn.patch("k3", encode(t, asking(unheard, "ssn", "id")))
	contains(t, g, 500)
	if strings.Contains(g.body, "pk_contacts") {
		t.Fatal("a real tenant wouldn't explain its 500")
	}
	if tn.columnOf("ssn").Encrypted {
		t.Fatal("half of a refused PATCH was made")
	}
}
