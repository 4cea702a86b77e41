package audit

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cxseal/internal/fault"
)

var noon = time.Date(2026, 11, 23, 4, 0, 0, 123_000_000, time.UTC)

// fullRecord is the contract's example with every field present.
func fullRecord() Record {
	return Record{
		AuditID: "01931b5e-7c00-7000-8000-0123456789ab", Timestamp: "2026-11-23T04:00:00.123Z",
		Operation: ColumnEncryption, Outcome: Success,
		Actor:      Actor{Name: "admin", Role: "admin", IP: "127.0.0.1"},
		Connection: "default", DatastoreID: "ds-customers", TableID: "tbl-contacts",
		Columns: []string{"ssn", "dob"}, RunID: "run-1",
		Metrics:    &Metrics{LatencyMs: 412, CoverageRate: 37.5, FieldsEncrypted: 3, TotalFields: 8, QueryDegradationRisk: "LOW"},
		Compliance: &Compliance{GDPRAligned: true, Algorithm: "AES-256-GCM", KeyRotationEnabled: true},
		KMS:        &KMS{KeyVersion: 1, PermissionHash: "ab12", Status: "VERIFIED"},
		Detail:     "Encrypted <2> columns & verified",
	}
}

func TestARecordsBytesAreTheContracts(t *testing.T) {
	got, err := Canonical(fullRecord())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"auditId":"01931b5e-7c00-7000-8000-0123456789ab","timestamp":"2026-11-23T04:00:00.123Z","operation":"COLUMN_ENCRYPTION","outcome":"SUCCESS",` +
		`"actor":{"name":"admin","role":"admin","ip":"127.0.0.1"},"connection":"default","datastoreId":"ds-customers","tableId":"tbl-contacts","columns":["ssn","dob"],"runId":"run-1",` +
		`"metrics":{"latencyMs":412,"coverageRate":37.5,"fieldsEncrypted":3,"totalFields":8,"queryDegradationRisk":"LOW"},` +
		`"compliance":{"gdprAligned":true,"algorithm":"AES-256-GCM","keyRotationEnabled":true},` +
		`"kms":{"keyVersion":1,"permissionHash":"ab12","status":"VERIFIED"},"detail":"Encrypted <2> columns & verified"}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	back, err := Parse(got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fullRecord(), back); diff != "" {
		t.Error(diff)
	}
}

func TestNewRecordTakesItsTimeFromTheCaller(t *testing.T) {
	a := NewRecord(noon, Login, Denied, Actor{Name: "eve"})
	b := NewRecord(noon.Add(time.Millisecond), Login, Denied, Actor{Name: "eve"})
	if a.Timestamp != "2026-11-23T04:00:00.123Z" || !a.Time().Equal(noon) {
		t.Errorf("timestamp %s, time %v", a.Timestamp, a.Time())
	}
	if a.AuditID >= b.AuditID {
		t.Errorf("ids do not sort as time does: %s, %s", a.AuditID, b.AuditID)
	}
	if a.AuditID[14] != '7' || !strings.ContainsRune("89ab", rune(a.AuditID[19])) {
		t.Errorf("%s is not a version 7 UUID", a.AuditID)
	}
	if _, err := Canonical(a); err != nil {
		t.Error(err)
	}
}

func TestABadRecordIsRefusedBeforeItIsForever(t *testing.T) {
	for name, spoil := range map[string]func(*Record){
		"no id":            func(r *Record) { r.AuditID = "" },
		"id in capitals":   func(r *Record) { r.AuditID = strings.ToUpper(r.AuditID) },
		"local time":       func(r *Record) { r.Timestamp = "2026-11-23T04:00:00.123+01:00" },
		"seconds only":     func(r *Record) { r.Timestamp = "2026-11-23T04:00:00Z" },
		"no such day":      func(r *Record) { r.Timestamp = "2026-02-30T04:00:00.123Z" },
		"no operation":     func(r *Record) { r.Operation = "" },
		"operation a text": func(r *Record) { r.Operation = "drop table" },
		"unknown outcome":  func(r *Record) { r.Outcome = "MAYBE" },
		"nobody did it":    func(r *Record) { r.Actor.Name = "" },
		"coverage NaN":     func(r *Record) { r.Metrics.CoverageRate = math.NaN() },
		"coverage 101":     func(r *Record) { r.Metrics.CoverageRate = 101 },
	} {
		r := fullRecord()
		spoil(&r)
		if _, err := Canonical(r); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: got %v", name, err)
		}
	}
	r := fullRecord()
	r.TableID = strings.Repeat("x", MaxRecordBytes)
	if _, err := Canonical(r); fault.CodeOf(err) != fault.TooLarge {
		t.Errorf("an over-long table id: %v", err)
	}
}

func TestAHostileTextNeverKeepsARecordOut(t *testing.T) {
	r := fullRecord()
	r.Actor.Name = strings.Repeat("é", 4000)
	r.Detail = strings.Repeat("\x01\x00\xff\"", 40_000) + "\r\n\u2028"
	raw, err := Canonical(r)
	if err != nil {
		t.Fatal(err)
	}
	if len(raw) > MaxRecordBytes || bytes.ContainsAny(raw, "\r\n\x00") || !utf8.Valid(raw) {
		t.Errorf("%d bytes, or a byte that breaks the line", len(raw))
	}
	back, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(back.Detail, cutMark) || !strings.HasSuffix(back.Actor.Name, cutMark) {
		t.Error("a cut text does not say that it was cut")
	}
}

func TestARecordHasOneReadingOnly(t *testing.T) {
	raw, _ := Canonical(fullRecord())
	for name, other := range map[string]string{
		"space":         strings.Replace(string(raw), `":"`, `": "`, 1),
		"duplicate key": strings.Replace(string(raw), `"outcome":"SUCCESS"`, `"outcome":"FAILURE","outcome":"SUCCESS"`, 1),
		"case":          strings.Replace(string(raw), `"outcome"`, `"Outcome"`, 1),
		"unknown field": strings.Replace(string(raw), `{`, `{"x":1,`, 1),
		"order":         strings.Replace(string(raw), `"columns":["ssn","dob"],"runId":"run-1"`, `"runId":"run-1","columns":["ssn","dob"]`, 1),
		"escape":        strings.Replace(string(raw), `admin`, `\u0061dmin`, 1),
		"trailing":      string(raw) + " ",
	} {
		if other == string(raw) {
			t.Fatalf("%s: the case changes nothing", name)
		}
		if _, err := Parse([]byte(other)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestCanonicalIsStableForAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
		r := fullRecord()
		r.Detail = text.Draw(t, "detail")
		r.Connection = text.Draw(t, "connection")
		r.Columns = rapid.SliceOf(text).Draw(t, "columns")
		r.Metrics.CoverageRate = rapid.Float64Range(-0.001, 100).Draw(t, "coverage")
		raw, err := Canonical(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(raw); err != nil {
			t.Fatalf("%v in %s", err, raw)
		}
	})
}
