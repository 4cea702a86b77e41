package store

import (
	"database/sql/driver"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"cxseal/internal/audit"
)

// readingColumns are the columns generated from a record, in the order that
// the record has them.
var readingColumns = [...]string{
	"audit_id", "timestamp", "operation", "outcome", "actor", "actor_role", "actor_ip",
	"connection", "datastore_id", "table_id", "columns", "run_id",
	"latency_ms", "coverage_rate", "fields_encrypted", "total_fields", "query_degradation_risk",
	"gdpr_aligned", "algorithm", "key_rotation_enabled", "key_version", "permission_hash", "kms_status", "detail",
}

// appendReadings writes the record that the columns describe, as
// audit.Canonical would. It knows the plain case only and says when it is not:
// the same bytes then mean that each column is right, and a million records
// are compared without reading any JSON.
func appendReadings(dst []byte, cells []driver.Value) ([]byte, bool) {
	plain := true
	text := func(before string, v driver.Value, after string) {
		s, ok := v.(string)
		plain = plain && ok && isPlainJSON(s)
		dst = append(append(append(dst, before...), s...), after...)
	}
	optional := func(before string, v driver.Value) {
		if v != nil {
			text(before, v, `"`)
		}
	}
	number := func(before string, v driver.Value) {
		n, ok := v.(int64)
		plain = plain && ok
		dst = strconv.AppendInt(append(dst, before...), n, 10)
	}
	truth := func(before string, v driver.Value) {
		n, ok := v.(int64)
		plain = plain && ok && (n == 0 || n == 1)
		dst = strconv.AppendBool(append(dst, before...), n == 1)
	}
	text(`{"auditId":"`, cells[0], `","timestamp":"`)
	text(``, cells[1], `","operation":"`)
	text(``, cells[2], `","outcome":"`)
	text(``, cells[3], `","actor":{"name":"`)
	text(``, cells[4], `","role":"`)
	text(``, cells[5], `"`)
	optional(`,"ip":"`, cells[6])
	dst = append(dst, '}')
	optional(`,"connection":"`, cells[7])
	optional(`,"datastoreId":"`, cells[8])
	optional(`,"tableId":"`, cells[9])
	if list, ok := cells[10].(string); ok {
		dst = append(append(dst, `,"columns":`...), list...)
	} else {
		plain = plain && cells[10] == nil
	}
	optional(`,"runId":"`, cells[11])
	if slices.ContainsFunc(cells[12:17], func(v driver.Value) bool { return v != nil }) {
		number(`,"metrics":{"latencyMs":`, cells[12])
		rate, ok := cells[13].(float64)
		plain = plain && ok
		dst = strconv.AppendFloat(append(dst, `,"coverageRate":`...), rate, 'f', -1, 64)
		number(`,"fieldsEncrypted":`, cells[14])
		number(`,"totalFields":`, cells[15])
		text(`,"queryDegradationRisk":"`, cells[16], `"}`)
	}
	if slices.ContainsFunc(cells[17:20], func(v driver.Value) bool { return v != nil }) {
		truth(`,"compliance":{"gdprAligned":`, cells[17])
		text(`,"algorithm":"`, cells[18], `"`)
		truth(`,"keyRotationEnabled":`, cells[19])
		dst = append(dst, '}')
	}
	if slices.ContainsFunc(cells[20:23], func(v driver.Value) bool { return v != nil }) {
		dst = append(dst, `,"kms":{`...)
		if cells[20] != nil {
			number(`"keyVersion":`, cells[20])
			dst = append(dst, ',')
		}
		if cells[21] != nil {
			text(`"permissionHash":"`, cells[21], `",`)
		}
		text(`"status":"`, cells[22], `"}`)
	}
	optional(`,"detail":"`, cells[23])
	return append(dst, '}'), plain
}

// isPlainJSON tells whether a text stands in JSON as it is. U+2028 and U+2029,
// which encoding/json escapes, begin with 0xe2.
func isPlainJSON(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c == 0xe2 {
			return false
		}
	}
	return true
}

// compare names each column that is not what the record says. A record that
// cannot be read is not as it was logged, which VerifyLog says.
func (c *readingsCheck) compare(seq int64, raw string, cells []driver.Value) {
	var r audit.Record
	if json.Unmarshal([]byte(raw), &r) != nil {
		return
	}
	for i, want := range readings(&r) {
		if got := cells[i]; !sameReading(i, got, want) {
			c.add(changed(seq, seq, "The column %s beside record %d was changed: it holds %s, and the record says %s",
				readingColumns[i], seq, quoted(got), quoted(want)))
		}
	}
}

const columnsReading = 10

// readings are a record's values in the order of readingColumns, nil for what
// it leaves out.
func readings(r *audit.Record) [len(readingColumns)]driver.Value {
	given := func(s string) driver.Value {
		if s == "" {
			return nil
		}
		return s
	}
	v := [len(readingColumns)]driver.Value{
		r.AuditID, r.Timestamp, string(r.Operation), string(r.Outcome), r.Actor.Name, r.Actor.Role, given(r.Actor.IP),
		given(r.Connection), given(r.DatastoreID), given(r.TableID), nil, given(r.RunID),
	}
	if len(r.Columns) > 0 {
		v[columnsReading] = r.Columns
	}
	truth := map[bool]int64{true: 1}
	if m := r.Metrics; m != nil {
		v[12], v[13], v[14], v[15], v[16] = m.LatencyMs, m.CoverageRate, int64(m.FieldsEncrypted), int64(m.TotalFields), m.QueryDegradationRisk
	}
	if k := r.Compliance; k != nil {
		v[17], v[18], v[19] = truth[k.GDPRAligned], k.Algorithm, truth[k.KeyRotationEnabled]
	}
	if k := r.KMS; k != nil {
		if k.KeyVersion != 0 {
			v[20] = k.KeyVersion
		}
		v[21], v[22] = given(k.PermissionHash), k.Status
	}
	v[23] = given(r.Detail)
	return v
}

func sameReading(i int, got, want driver.Value) bool {
	names, isList := want.([]string)
	if !isList {
		return got == want || i == columnsReading && got == "[]"
	}
	text, _ := got.(string)
	var list []string
	return json.Unmarshal([]byte(text), &list) == nil && slices.Equal(list, names)
}

func quoted(v driver.Value) string {
	if v == nil {
		return "nothing"
	}
	return strconv.Quote(brief(strings.ToValidUTF8(string(bytesOf(nil, v)), "\uFFFD")))
}
