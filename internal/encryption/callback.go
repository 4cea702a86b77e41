package encryption

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"cxseal/cxone"
	"cxseal/internal/fault"
)

// MaxCallbackBody bounds a KMS callback. A real one is under 1 KiB for each
// dozen columns.
const MaxCallbackBody = 64 << 10

// Callback is the KMS callback's body (contract §1), or the inline payload.
type Callback struct {
	TableID    string
	Columns    []string
	KeyVersion int64  // 0 where the version is no number
	KeyID      string // the key version where it is no number: it can be told apart, not ordered
	Algorithm  string // empty when complianceCheck or its algorithm is missing
}

// ParseCallback reads a callback's body strictly where it matters and
// leniently where tenants differ: columns may be names or {name} objects, the
// key version a number, a text or the id of a key, a byte-order mark may stand before it, and
// unknown fields are ignored. A field that stands there twice, or in another
// case, is refused: two readers could take it for two things. A missing
// complianceCheck is not an error here: it is a verdict (see Judge).
func ParseCallback(body []byte) (Callback, error) {
	if len(body) > MaxCallbackBody {
		return Callback{}, fault.New(fault.TooLarge, "The callback is larger than %d KiB.", MaxCallbackBody>>10)
	}
	if !utf8.Valid(body) {
		return Callback{}, fault.New(fault.Invalid, "The callback is not UTF-8 text.")
	}
	fields, err := openObject("The callback", bytes.TrimPrefix(body, []byte("\ufeff")), "tableId", "columns", "keyVersion", "complianceCheck")
	if err != nil {
		return Callback{}, err
	}
	var cb Callback
	var named bool // some tenants number their tables
	if cb.TableID, named = cxone.ReadID(fields["tableId"]); !named || cb.TableID == "" {
		return Callback{}, fault.New(fault.Invalid, "The callback names no tableId.")
	}
	if cb.KeyVersion, cb.KeyID, err = parseKeyVersion(fields["keyVersion"]); err != nil {
		return Callback{}, err
	}
	if raw := fields["complianceCheck"]; !absent(raw) {
		check, err := openObject("The callback's complianceCheck", raw, "algorithm")
		if err != nil {
			return Callback{}, err
		}
		if raw := check["algorithm"]; !absent(raw) && json.Unmarshal(raw, &cb.Algorithm) != nil {
			return Callback{}, fault.New(fault.Invalid, "The callback's complianceCheck.algorithm is not a text.")
		}
	}
	var columns []json.RawMessage
	if raw := fields["columns"]; !absent(raw) && json.Unmarshal(raw, &columns) != nil {
		return Callback{}, fault.New(fault.Invalid, "The callback's columns are not a list.")
	}
	for _, item := range columns {
		name, err := columnName(item)
		if err != nil {
			return Callback{}, err
		}
		cb.Columns = append(cb.Columns, name)
	}
	return cb, nil
}

// openObject reads one JSON object, and nothing after it. The known fields must
// stand there as they are written, and no field twice.
func openObject(what string, raw []byte, known ...string) (map[string]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if first, err := decoder.Token(); err != nil || first != json.Delim('{') {
		return nil, fault.New(fault.Invalid, "%s is not a JSON object.", what)
	}
	fields := map[string]json.RawMessage{}
	for decoder.More() {
		token, err := decoder.Token()
		name, ok := token.(string)
		var value json.RawMessage
		if err != nil || !ok || decoder.Decode(&value) != nil {
			return nil, fault.New(fault.Invalid, "%s is not a JSON object of the expected shape.", what)
		}
		if _, twice := fields[name]; twice {
			return nil, fault.New(fault.Invalid, "%s has the field %q twice.", what, clip(name))
		}
		for _, k := range known {
			if name != k && strings.EqualFold(name, k) {
				return nil, fault.New(fault.Invalid, "%s has the field %q, which is written %q.", what, clip(name), k)
			}
		}
		fields[name] = value
	}
	if _, err := decoder.Token(); err != nil { // its end
		return nil, fault.New(fault.Invalid, "%s is not a whole JSON object.", what)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fault.New(fault.Invalid, "Something stands after the JSON object of the callback.")
	}
	return fields, nil
}

func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// textOrNumber reads a text, or a number as it is written.
func textOrNumber(raw json.RawMessage) (string, error) {
	var text string
	if !absent(raw) && raw[0] == '"' {
		return text, json.Unmarshal(raw, &text)
	}
	var number json.Number
	err := json.Unmarshal(raw, &number)
	return number.String(), err
}

// parseKeyVersion reads a whole number, as a number or a text (3, 3.0, "3"), or
// a text that names a key, as the client reads it from a table.
func parseKeyVersion(raw json.RawMessage) (number int64, id string, err error) {
	text, number, ok := cxone.ReadKeyVersion(raw)
	isText := len(raw) > 0 && raw[0] == '"'
	switch {
	case ok && number > 0:
		return number, "", nil
	case ok && text != "" && isText:
		return 0, text, nil
	}
	if text, err = textOrNumber(raw); err == nil { // 0 and below: a verdict, not a shape
		if number, err = strconv.ParseInt(text, 10, 64); err == nil && number <= 0 {
			return number, "", nil
		}
	}
	return 0, "", fault.New(fault.Invalid, "The callback's keyVersion is missing, or neither a whole number nor the id of a key.")
}

func columnName(raw json.RawMessage) (string, error) {
	var name string
	if absent(raw) {
		return "", fault.New(fault.Invalid, "The callback's columns must be names or objects with a name.")
	}
	if json.Unmarshal(raw, &name) == nil {
		return name, nil
	}
	fields, err := openObject("A column of the callback", raw, "name")
	if err != nil {
		return "", err
	}
	if absent(fields["name"]) || json.Unmarshal(fields["name"], &name) != nil {
		return "", fault.New(fault.Invalid, "The callback's columns must be names or objects with a name.")
	}
	return name, nil
}

// Expectation is what a run's callback must agree with.
type Expectation struct {
	TableID string
	Columns []string
	Table   []ColumnState // every column of the table, as it was when the plan was made
	Before  []ColumnState // the columns asked for, as they were when the plan was made
	After   []ColumnState // the table as the tenant tells it since; nil when not known yet
}

// Expect collects what a run's callback must agree with.
func Expect(run Run) Expectation {
	e := Expectation{TableID: run.TableID, Columns: run.Columns, After: run.After}
	if run.Plan != nil {
		e.Table, e.Before = run.Plan.Columns, run.Plan.Targets
	}
	return e
}

// Judge compares a callback with what was asked for and returns every
// comparison. The callback is accepted when all passed.
func Judge(e Expectation, cb Callback) []Check {
	return []Check{
		{Name: "table", Passed: cb.TableID == e.TableID,
			Detail: fmt.Sprintf("asked for %q, the callback names %q", e.TableID, clip(cb.TableID))},
		checkColumns(e, cb.Columns),
		checkAlgorithm(cb.Algorithm),
		checkKeyVersion(e, cb),
	}
}

// FirstFailure returns the first check that did not pass, nil when all did.
func FirstFailure(checks []Check) *Check {
	for i := range checks {
		if !checks[i].Passed {
			return &checks[i]
		}
	}
	return nil
}

// checkColumns compares the two sets of names. They are the same column when
// they are equal, or canonically equivalent (Unicode, NFC) and the table has no
// other column that is: "é" may come as one code point or as two. Case counts.
func checkColumns(e Expectation, got []string) Check {
	want := slices.Sorted(slices.Values(e.Columns))
	got = slices.Sorted(slices.Values(got))
	missing, more := difference(want, got), difference(got, want)
	missing, more = pairNormal(e.Table, missing, more)
	c := Check{Name: "columns", Passed: len(missing) == 0 && len(more) == 0,
		Detail: fmt.Sprintf("asked for %s, the callback names %s", quoted(want), quoted(got))}
	if odd := spelled(slices.Concat(missing, more)); odd != "" {
		c.Detail += "; in code points: " + odd
	}
	return c
}

// difference is what of a is left when every name of b has taken one away.
func difference(a, b []string) []string {
	left := slices.Clone(b)
	var out []string
	for _, name := range a {
		if i := slices.Index(left, name); i >= 0 {
			left = slices.Delete(left, i, i+1)
			continue
		}
		out = append(out, name)
	}
	return out
}

// pairNormal takes away the pairs that differ in their normal form only.
func pairNormal(table []ColumnState, missing, more []string) (left, over []string) {
	over = slices.Clone(more)
	for _, name := range missing {
		normal, alike := norm.NFC.String(name), 0
		for _, c := range table {
			if norm.NFC.String(c.Name) == normal {
				alike++
			}
		}
		i := slices.IndexFunc(over, func(o string) bool { return norm.NFC.String(o) == normal })
		if i < 0 || alike > 1 {
			left = append(left, name)
			continue
		}
		over = slices.Delete(over, i, i+1)
	}
	return left, over
}

func checkAlgorithm(got string) Check {
	c := Check{Name: "algorithm", Passed: got == cxone.Algorithm,
		Detail: fmt.Sprintf("asked for %s, the callback reports %q", cxone.Algorithm, clip(got))}
	if got == "" {
		c.Detail = "the callback carries no complianceCheck.algorithm, so what was used is not known"
	}
	return c
}

// checkKeyVersion checks that the key version is a positive number or the id of a key,
// another one than before where a key was rotated, not below one seen before where
// both are numbers, and the one that the tenant shows of the
// column, where it shows one: as text, which is how it is given.
func checkKeyVersion(e Expectation, got Callback) Check {
	c := Check{Name: "key_version"}
	text := KeyVersionText(got.KeyVersion, got.KeyID)
	if got.KeyID == "" && got.KeyVersion < 1 {
		c.Detail = fmt.Sprintf("the callback reports key version %d; versions count from 1", got.KeyVersion)
		return c
	}
	for _, column := range e.Before {
		if !column.Encrypted {
			continue // its first key, whatever became of an earlier one
		}
		switch {
		case got.KeyID != "" && got.KeyID == column.KeyID:
			c.Detail = fmt.Sprintf("column %q had key version %s before; it is no other one", column.Name, text)
			return c
		case got.KeyID == "" && column.KeyVersion > 0 && got.KeyVersion <= column.KeyVersion:
			c.Detail = fmt.Sprintf("column %q had key version %d; %d does not move forward", column.Name, column.KeyVersion, got.KeyVersion)
			return c
		}
	}
	shown := false
	for _, column := range e.After {
		is := KeyVersionText(column.KeyVersion, column.KeyID)
		if is == "" || !slices.Contains(e.Columns, column.Name) {
			continue
		}
		if shown = true; is != text {
			c.Detail = fmt.Sprintf("the tenant shows key version %s for column %q, the callback reports %s", is, column.Name, text)
			return c
		}
	}
	switch {
	case got.KeyID == "":
		c.Detail = fmt.Sprintf("key version %d moves forward", got.KeyVersion)
	case shown:
		c.Detail = fmt.Sprintf("key version %s is the one that the tenant shows; it is no number, so it has no order", text)
	case !strings.ContainsAny(text, "0123456789"):
		c.Detail = fmt.Sprintf("the callback reports key version %q, which is no number, no id with a digit, and not shown by the tenant", text)
		return c
	default:
		c.Detail = fmt.Sprintf("key version %s is no number, so it has no order, and the tenant shows none to compare it with", text)
	}
	c.Passed = true
	return c
}

// KeyVersionText is a key version as it is given, a number or the id of a key;
// "" where there is none.
func KeyVersionText(number int64, id string) string {
	if id != "" || number == 0 {
		return id
	}
	return strconv.FormatInt(number, 10)
}

// PermissionHash is the guide's digest of a verification. It is computed from
// public values, so it proves nothing and nothing here relies on it.
func PermissionHash(tableID, keyVersion string, columns int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s:%s:%d", tableID, keyVersion, columns))
	return hex.EncodeToString(sum[:])
}

// clip bounds what an outsider wrote before it is quoted in a sentence.
func clip(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

func quoted(names []string) string {
	const most = 20
	parts := make([]string, 0, most)
	for i, n := range names {
		if i == most {
			return strings.Join(parts, ", ") + fmt.Sprintf(" and %d more", len(names)-most)
		}
		parts = append(parts, strconv.Quote(clip(n)))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// spelled writes the names that are not plain ASCII by their code points: two of
// them may look alike and differ. Empty when there are none.
func spelled(names []string) string {
	const most = 4
	var parts []string
	for _, name := range names {
		if len(parts) < most && strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' }) {
			parts = append(parts, fmt.Sprintf("%q is %s", clip(name), CodePoints(clip(name))))
		}
	}
	return strings.Join(parts, ", ")
}

// CodePoints writes a text as U+0065 U+0301.
func CodePoints(text string) string {
	parts := make([]string, 0, len(text))
	for _, r := range text {
		parts = append(parts, fmt.Sprintf("%U", r))
	}
	return strings.Join(parts, " ")
}
