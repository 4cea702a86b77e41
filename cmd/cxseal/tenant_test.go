package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// otherTenant is a tenant written from the contract's §1 alone, by other habits
// than the sandbox's wherever the contract leaves a choice: no listings, no
// encryptionConfiguration, no maxEncryptedFields, no scope in the token's
// answer, a bare answer to the PATCH, keys that are not replayed, columns as
// {name} objects in the callback, errors in a shape of its own, and fields that
// nobody has heard of.
type otherTenant struct {
	t      *testing.T
	inline bool

	mu        sync.Mutex
	encrypted map[string]bool
	patches   []map[string]any
	keys      []string
	verdicts  []map[string]any // what the KMS said
	delivered sync.WaitGroup
}

var otherColumns = []string{"id", "ssn", "credit_card", "medical_record_number", "city"}

func newOtherTenant(t *testing.T, inline bool) (o *otherTenant, base string) {
	t.Helper()
	o = &otherTenant{t: t, inline: inline, encrypted: map[string]bool{"city": true}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oauth/token", o.token)
	mux.HandleFunc("GET /api/v2/datastores/{ds}/tables/{table}", o.table)
	mux.HandleFunc("GET /api/v2/datastores/{ds}/tables/{table}/indexes", o.indexes)
	mux.HandleFunc("PATCH /api/v2/datastores/{ds}/tables/{table}/columns", o.patch)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, "<html><body>no such page</body></html>")
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	t.Cleanup(o.delivered.Wait)
	return o, srv.URL
}

func (o *otherTenant) token(w http.ResponseWriter, r *http.Request) {
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("other-id:other:secret"))
	body, _ := io.ReadAll(r.Body)
	form, err := url.ParseQuery(string(body))
	if r.Header.Get("Authorization") != basic || r.Header.Get("Realm") != "other-realm" {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"errorDescription":"who are you?"}`)
		return
	}
	if err != nil || form.Get("grant_type") != "client_credentials" ||
		form.Get("scope") != "data_management:read data_management:write data_management:encrypt" {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error_description":"odd form %q"}`, body)
		return
	}
	fmt.Fprint(w, `{"token_type":"bearer","expires_in":300,"access_token":"tok-1","region":"eu"}`)
}

// allowed answers 401 to a call without the token.
func (o *otherTenant) allowed(w http.ResponseWriter, r *http.Request) bool {
	if r.Header.Get("Authorization") == "Bearer tok-1" {
		return true
	}
	w.WriteHeader(http.StatusUnauthorized)
	fmt.Fprintf(w, `{"errors":[{"message":"authorization is %q"}]}`, r.Header.Get("Authorization"))
	return false
}

func (o *otherTenant) table(w http.ResponseWriter, r *http.Request) {
	if !o.allowed(w, r) {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	var columns []map[string]any
	for _, name := range otherColumns {
		kind := "string"
		if name == "id" {
			kind = "uuid"
		}
		columns = append(columns, map[string]any{"name": name, "type": kind, "encrypted": o.encrypted[name], "nullable": true, "comment": nil})
	}
	answer(w, map[string]any{"id": r.PathValue("table"), "datastoreId": r.PathValue("ds"), "name": "Patients", "owner": "someone",
		"columns": columns, "metadata": map[string]any{"rows": 12345}})
}

func (o *otherTenant) indexes(w http.ResponseWriter, r *http.Request) {
	if o.allowed(w, r) {
		answer(w, []map[string]any{{"name": "pk", "columns": []string{"id"}, "unique": true}})
	}
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	_ = json.NewEncoder(w).Encode(v)
}

// patch reads the body with nothing but the contract's words.
func (o *otherTenant) patch(w http.ResponseWriter, r *http.Request) {
	if !o.allowed(w, r) {
		return
	}
	body, _ := io.ReadAll(r.Body)
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil {
		o.t.Errorf("the PATCH is no JSON: %v", err)
	}
	names, wrong := o.judge(r, got)
	if wrong != "" {
		o.t.Errorf("the PATCH breaks the contract: %s\n%s", wrong, body)
		w.WriteHeader(http.StatusUnprocessableEntity)
		answer(w, map[string]any{"details": wrong})
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.patches, o.keys = append(o.patches, got), append(o.keys, r.Header.Get("X-Idempotency-Key"))
	objects := []map[string]string{}
	for _, name := range names {
		o.encrypted[name] = true
		objects = append(objects, map[string]string{"name": name})
	}
	payload := map[string]any{"tableId": r.PathValue("table"), "columns": objects, "keyVersion": 7, "issuedBy": "kms-3",
		"complianceCheck": map[string]any{"algorithm": "AES-256-GCM", "mode": "GDPR"}}
	if o.inline {
		answer(w, map[string]any{"status": "ok", "externalKmsPayload": payload})
		return
	}
	callback := got["externalKmsSync"].(map[string]any)["callbackUrl"].(string)
	o.delivered.Go(func() { o.call(callback, payload) })
	answer(w, map[string]any{"status": "ok"})
}

// judge compares the PATCH with the contract, key by key.
func (o *otherTenant) judge(r *http.Request, got map[string]any) (names []string, wrong string) {
	object := func(v any, keys ...string) map[string]any {
		m, _ := v.(map[string]any)
		if have := slices.Sorted(mapKeys(m)); !slices.Equal(have, slices.Sorted(slices.Values(keys))) && wrong == "" {
			wrong = fmt.Sprintf("keys %v, want %v", have, keys)
		}
		return m
	}
	expect := func(what string, got, want any) {
		if got != want && wrong == "" {
			wrong = fmt.Sprintf("%s is %v, want %v", what, got, want)
		}
	}
	if key := r.Header.Get("X-Idempotency-Key"); len(key) < 16 {
		return nil, "X-Idempotency-Key is " + key
	}
	root := object(got, "tableId", "columnTargetMatrix", "externalKmsSync")
	expect("tableId", root["tableId"], r.PathValue("table"))
	columns, _ := root["columnTargetMatrix"].([]any)
	for _, c := range columns {
		column := object(c, "name", "type", "encryptionConfiguration")
		expect("type", column["type"], "string")
		name, _ := column["name"].(string)
		names = append(names, name)
		config := object(column["encryptionConfiguration"], "enabled", "algorithm", "complianceMode", "keyRotationDirective",
			"indexMaskingTrigger", "decryptionPermissionVerification")
		expect("enabled", config["enabled"], true)
		expect("algorithm", config["algorithm"], "AES-256-GCM")
		expect("complianceMode", config["complianceMode"], "GDPR")
		expect("decryptionPermissionVerification", config["decryptionPermissionVerification"], true)
		rotation := object(config["keyRotationDirective"], "strategy", "intervalDays", "nextRotationEpoch")
		expect("strategy", rotation["strategy"], "AUTOMATIC")
		expect("intervalDays", rotation["intervalDays"], 90.0)
		next, _ := rotation["nextRotationEpoch"].(float64)
		if away := time.Until(time.Unix(int64(next), 0)); away < 89*24*time.Hour || away > 91*24*time.Hour {
			expect("nextRotationEpoch", next, "in 90 days, in seconds")
		}
	}
	sync := object(root["externalKmsSync"], "callbackUrl", "syncMode", "retryPolicy")
	expect("syncMode", sync["syncMode"], "ASYNC")
	object(sync["retryPolicy"], "maxAttempts", "backoffMs")
	return names, wrong
}

func mapKeys(m map[string]any) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// call is the KMS callback: once, unsigned.
func (o *otherTenant) call(to string, payload any) {
	body, err := json.Marshal(payload)
	if err != nil {
		o.t.Error(err)
		return
	}
	resp, err := http.Post(to, "application/json", bytes.NewReader(body)) //nolint:gosec // G107: the address under test
	if err != nil {
		o.t.Errorf("callback: %v", err)
		return
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	var verdict map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&verdict); err != nil || resp.StatusCode != http.StatusOK {
		o.t.Errorf("the callback was answered %d: %v %v", resp.StatusCode, verdict, err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.verdicts = append(o.verdicts, verdict)
}

// TestEncryptWorksWithATenantThatIsNotTheSandbox encrypts on a tenant that keeps to
// the contract's letter and to nothing else.
func TestEncryptWorksWithATenantThatIsNotTheSandbox(t *testing.T) {
	for _, inline := range []bool{false, true} {
		t.Run(kindOf(inline), func(t *testing.T) {
			t.Parallel()
			tenant, base := newOtherTenant(t, inline)
			env := []string{"CXONE_CLIENT_ID=other-id", "CXONE_CLIENT_SECRET=other:secret", "CXONE_REALM=other-realm",
				"CXONE_BASE_URL=" + base, "CXONE_RATE=0"}
			out := command(t, env, "encrypt", "--addr", "127.0.0.1:0", "--db", filepath.Join(t.TempDir(), "cxseal.db"),
				"--datastore", "ds 1/eu", "--table", "tbl-patients", "--columns", "ssn,credit_card")
			if out.code != 0 {
				t.Fatalf("exit %d\n%s\n%s", out.code, out.stdout, out.stderr)
			}
			if strings.Count(out.stdout, "\n") != 1 {
				t.Errorf("stdout must be one JSON document on one line: %q", out.stdout)
			}
			if len(tenant.patches) != 1 || tenant.encrypted["medical_record_number"] || !tenant.encrypted["ssn"] || !tenant.encrypted["credit_card"] {
				t.Errorf("after %d changes the tenant has %v encrypted", len(tenant.patches), tenant.encrypted)
			}
			checkPrinted(t, []byte(out.stdout))
			if !inline {
				tenant.delivered.Wait()
				checkVerdict(t, tenant.verdicts)
			}
		})
	}
}

// checkPrinted holds what encrypt prints against contract §2 and §4, letter by
// letter.
func checkPrinted(t *testing.T, printed []byte) {
	t.Helper()
	var got struct {
		Success bool
		RunID   string         `json:"runId"`
		Log     map[string]any `json:"auditLog"`
		KMS     map[string]any `json:"kmsVerification"`
	}
	if err := json.Unmarshal(printed, &got); err != nil {
		t.Fatalf("%v: %s", err, printed)
	}
	if !got.Success || got.RunID == "" {
		t.Errorf("success %v, runId %q", got.Success, got.RunID)
	}
	shape := map[string][]string{
		"":           {"actor", "auditId", "columns", "compliance", "connection", "datastoreId", "detail", "kms", "metrics", "operation", "outcome", "runId", "tableId", "timestamp"},
		"actor":      {"ip", "name", "role"},
		"metrics":    {"coverageRate", "fieldsEncrypted", "latencyMs", "queryDegradationRisk", "totalFields"},
		"compliance": {"algorithm", "gdprAligned", "keyRotationEnabled"},
		"kms":        {"keyVersion", "permissionHash", "status"},
	}
	for part, want := range shape {
		m := got.Log
		if part != "" {
			m, _ = got.Log[part].(map[string]any)
		}
		have := slices.Sorted(mapKeys(m))
		if !slices.Equal(have, want) {
			t.Errorf("auditLog.%s has %v, the contract %v", part, have, want)
		}
	}
	sum := sha256.Sum256([]byte("tbl-patients:7:2"))
	for at, want := range map[string]any{
		"operation": "COLUMN_ENCRYPTION", "outcome": "SUCCESS", "connection": "default", "datastoreId": "ds 1/eu", "tableId": "tbl-patients", "runId": got.RunID,
		// Three of five columns: the one encrypted before counts too.
		"metrics.coverageRate": 60.0, "metrics.fieldsEncrypted": 3.0, "metrics.totalFields": 5.0, "metrics.queryDegradationRisk": "LOW",
		"compliance.gdprAligned": true, "compliance.algorithm": "AES-256-GCM", "compliance.keyRotationEnabled": true,
		"kms.keyVersion": 7.0, "kms.status": "VERIFIED", "kms.permissionHash": hex.EncodeToString(sum[:]),
	} {
		var value any = got.Log
		for key := range strings.SplitSeq(at, ".") {
			m, _ := value.(map[string]any)
			value = m[key]
		}
		if value != want {
			t.Errorf("auditLog.%s is %v, want %v", at, value, want)
		}
	}
	if at, _ := got.Log["timestamp"].(string); len(at) != len("2026-11-23T04:00:00.123Z") || !strings.HasSuffix(at, "Z") {
		t.Errorf("timestamp %q", at)
	}
	checkVerdict(t, []map[string]any{got.KMS})
}

// checkVerdict holds the answer to the KMS callback against contract §1.
func checkVerdict(t *testing.T, verdicts []map[string]any) {
	t.Helper()
	if len(verdicts) != 1 {
		t.Fatalf("%d verdicts: %v", len(verdicts), verdicts)
	}
	v := verdicts[0]
	if have := slices.Sorted(mapKeys(v)); !slices.Equal(have, []string{"auditTrail", "permissionHash", "status", "timestamp"}) || v["status"] != "VERIFIED" {
		t.Errorf("verdict: %v", v)
	}
	trail, _ := v["auditTrail"].(map[string]any)
	if have := slices.Sorted(mapKeys(trail)); !slices.Equal(have, []string{"decryptionPipelineReady", "gdprCompliant", "verifiedBy"}) ||
		trail["verifiedBy"] != "EXTERNAL_KMS" || trail["gdprCompliant"] != true || trail["decryptionPipelineReady"] != true {
		t.Errorf("auditTrail: %v", trail)
	}
}
