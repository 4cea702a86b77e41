package audit

import (
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
)

// CSVColumns is the number of columns of the export.
const CSVColumns = 26

// csvHeader is the contract's header (§4), in its order.
var csvHeader = [CSVColumns]string{
	"seq", "audit_id", "timestamp", "operation", "outcome", "actor", "actor_role", "actor_ip",
	"connection", "datastore_id", "table_id", "columns", "run_id",
	"latency_ms", "coverage_rate", "fields_encrypted", "total_fields", "query_degradation_risk",
	"gdpr_aligned", "algorithm", "key_rotation_enabled",
	"key_version", "permission_hash", "kms_status", "detail", "leaf_hash",
}

// CSVHeader returns the names of the export's columns, in order.
func CSVHeader() []string { return append([]string(nil), csvHeader[:]...) }

// AppendCSVHeader appends the header line, CRLF included.
func AppendCSVHeader(dst []byte) []byte {
	return append(append(dst, strings.Join(csvHeader[:], ",")...), '\r', '\n')
}

type cellKind uint8

const (
	cellNull cellKind = iota
	cellText
	cellList
	cellInt
	cellFloat
	cellBool
	cellHash
)

// Cell is one value of a CSV row. Only text can be a formula to a spreadsheet, so only text cells are
// guarded. The zero Cell is an empty cell.
type Cell struct {
	kind cellKind
	text string
	int  int64
	num  float64
}

// TextCell holds a text, guarded and quoted as needed when written.
func TextCell(s string) Cell { return Cell{kind: cellText, text: s} }

// ListCell holds a JSON array of strings, written joined with ";". It is for
// the store, which has the columns as the JSON that SQLite extracted.
func ListCell(jsonArray string) Cell { return Cell{kind: cellList, text: jsonArray} }

// IntCell holds a whole number.
func IntCell(n int64) Cell { return Cell{kind: cellInt, int: n} }

// FloatCell holds a number, written in its shortest decimal form (37.5, as in
// the record's JSON), never with an exponent.
func FloatCell(f float64) Cell { return Cell{kind: cellFloat, num: f} }

// BoolCell is written true or false.
func BoolCell(b bool) Cell {
	if b {
		return Cell{kind: cellBool, int: 1}
	}
	return Cell{kind: cellBool}
}

// HashCell holds the raw bytes of a hash, written as lower-case hex.
func HashCell(sum string) Cell { return Cell{kind: cellHash, text: sum} }

// AppendCSVRow appends one row in the order of CSVHeader: RFC 4180, CRLF at
// the end. A text that begins with = + - @ tab CR or LF gets a leading ' so
// that no spreadsheet runs it (OWASP, contract §4). It allocates nothing but
// dst's growth (a list cell with escapes excepted).
func AppendCSVRow(dst []byte, cells *[CSVColumns]Cell) []byte {
	for i := range cells {
		if i > 0 {
			dst = append(dst, ',')
		}
		c := &cells[i]
		switch c.kind {
		case cellText:
			dst = appendCSVText(dst, c.text)
		case cellList:
			dst = appendCSVText(dst, joinList(c.text))
		case cellInt:
			dst = strconv.AppendInt(dst, c.int, 10)
		case cellFloat:
			dst = strconv.AppendFloat(dst, c.num, 'f', -1, 64)
		case cellBool:
			dst = strconv.AppendBool(dst, c.int != 0)
		case cellHash:
			dst = appendHex(dst, c.text)
		}
	}
	return append(dst, '\r', '\n')
}

// AppendCSV appends e's row. An absent group (metrics, compliance, kms) leaves
// its cells empty; so does a key version of 0, which the record omits too.
func AppendCSV(dst []byte, e *Entry) []byte {
	r := &e.Record
	cells := [CSVColumns]Cell{
		IntCell(e.Seq), TextCell(r.AuditID), TextCell(r.Timestamp),
		TextCell(string(r.Operation)), TextCell(string(r.Outcome)),
		TextCell(r.Actor.Name), TextCell(r.Actor.Role), TextCell(r.Actor.IP),
		TextCell(r.Connection), TextCell(r.DatastoreID), TextCell(r.TableID),
		TextCell(strings.Join(r.Columns, ";")), TextCell(r.RunID),
	}
	if m := r.Metrics; m != nil {
		cells[13] = IntCell(m.LatencyMs)
		cells[14] = FloatCell(m.CoverageRate)
		cells[15] = IntCell(int64(m.FieldsEncrypted))
		cells[16] = IntCell(int64(m.TotalFields))
		cells[17] = TextCell(m.QueryDegradationRisk)
	}
	if c := r.Compliance; c != nil {
		cells[18] = BoolCell(c.GDPRAligned)
		cells[19] = TextCell(c.Algorithm)
		cells[20] = BoolCell(c.KeyRotationEnabled)
	}
	if k := r.KMS; k != nil {
		if k.KeyVersion != 0 {
			cells[21] = IntCell(k.KeyVersion)
		}
		cells[22] = TextCell(k.PermissionHash)
		cells[23] = TextCell(k.Status)
	}
	cells[24] = TextCell(r.Detail)
	cells[25] = HashCell(string(e.LeafHash[:]))
	return AppendCSVRow(dst, &cells)
}

// AppendJSONL appends the record's exact bytes as one line.
func AppendJSONL(dst, raw []byte) []byte {
	return append(append(dst, raw...), '\n')
}

// needsQuotes marks the bytes that RFC 4180 allows only inside quotes.
var needsQuotes = [256]bool{'"': true, ',': true, '\r': true, '\n': true}

func appendCSVText(dst []byte, s string) []byte {
	if s == "" {
		return dst
	}
	quote := false
	for i := 0; i < len(s); i++ {
		if needsQuotes[s[i]] {
			quote = true
			break
		}
	}
	guard := false
	switch s[0] {
	case '=', '+', '-', '@', '\t', '\r', '\n':
		guard = true
	}
	if !quote {
		if guard {
			dst = append(dst, '\'')
		}
		return append(dst, s...)
	}
	dst = append(dst, '"')
	if guard {
		dst = append(dst, '\'')
	}
	for {
		i := strings.IndexByte(s, '"')
		if i < 0 {
			break
		}
		dst = append(dst, s[:i+1]...)
		dst = append(dst, '"')
		s = s[i+1:]
	}
	return append(append(dst, s...), '"')
}

// joinList turns ["a","b"] into a;b. In a text without a backslash every quote is JSON's own, so the common
// case needs no parser. A text that is not a JSON array of strings is returned unchanged.
func joinList(s string) string {
	if s == "" || s == "[]" || s == "null" {
		return ""
	}
	if len(s) >= 4 && s[:2] == `["` && s[len(s)-2:] == `"]` && strings.IndexByte(s, '\\') < 0 {
		return strings.ReplaceAll(s[2:len(s)-2], `","`, ";")
	}
	var list []string
	if err := json.Unmarshal([]byte(s), &list); err != nil {
		return s
	}
	return strings.Join(list, ";")
}

func appendHex(dst []byte, s string) []byte {
	const digits = "0123456789abcdef"
	for i := 0; i < len(s); i++ {
		dst = append(dst, digits[s[i]>>4], digits[s[i]&15])
	}
	return dst
}

// HexHash returns a leaf hash or root in lower-case hex, the form that exports and pages show.
func HexHash(h [32]byte) string { return hex.EncodeToString(h[:]) }
