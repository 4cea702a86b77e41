package encryption

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

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
	KeyVersion int64
	Algorithm  string // empty when complianceCheck or its algorithm is missing
}

// ParseCallback reads a callback's body strictly where it matters and
// leniently where tenants differ: columns may be names or {name} objects, and
// unknown fields are ignored. A missing complianceCheck is not an error here:
// it is a verdict (see Judge).
func ParseCallback(body []byte) (Callback, error) {
	var raw struct {
		TableID         *string           `json:"tableId"`
		Columns         []json.RawMessage `json:"columns"`
		KeyVersion      json.RawMessage   `json:"keyVersion"`
		ComplianceCheck *struct {
			Algorithm string `json:"algorithm"`
		} `json:"complianceCheck"`
	}
	if len(body) > MaxCallbackBody {
		return Callback{}, fault.New(fault.TooLarge, "The callback is larger than %d KiB.", MaxCallbackBody>>10)
	}
	if !utf8.Valid(body) {
		return Callback{}, fault.New(fault.Invalid, "The callback is not UTF-8 text.")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	if err := decoder.Decode(&raw); err != nil {
		return Callback{}, fault.Wrap(err, fault.Invalid, "The callback is not a JSON object of the expected shape.")
	}
	if decoder.More() {
		return Callback{}, fault.New(fault.Invalid, "The callback has more than one JSON value.")
	}
	if raw.TableID == nil || *raw.TableID == "" {
		return Callback{}, fault.New(fault.Invalid, "The callback names no tableId.")
	}
	version, err := parseKeyVersion(raw.KeyVersion)
	if err != nil {
		return Callback{}, err
	}
	cb := Callback{TableID: *raw.TableID, KeyVersion: version}
	if raw.ComplianceCheck != nil {
		cb.Algorithm = raw.ComplianceCheck.Algorithm
	}
	for _, item := range raw.Columns {
		name, err := columnName(item)
		if err != nil {
			return Callback{}, err
		}
		cb.Columns = append(cb.Columns, name)
	}
	return cb, nil
}

func parseKeyVersion(raw json.RawMessage) (int64, error) {
	text := strings.Trim(string(raw), `"`)
	version, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fault.New(fault.Invalid, "The callback's keyVersion is missing or not a whole number.")
	}
	return version, nil
}

func columnName(raw json.RawMessage) (string, error) {
	var name string
	if json.Unmarshal(raw, &name) == nil {
		return name, nil
	}
	var object struct {
		Name *string `json:"name"`
	}
	if json.Unmarshal(raw, &object) == nil && object.Name != nil {
		return *object.Name, nil
	}
	return "", fault.New(fault.Invalid, "The callback's columns must be names or objects with a name.")
}

// Expectation is what a run's callback must agree with.
type Expectation struct {
	TableID string
	Columns []string
	Before  []ColumnState // the columns asked for, as they were when the plan was made
	After   []ColumnState // the table as the tenant tells it since; nil when not known yet
}

// Expect collects what a run's callback must agree with.
func Expect(run Run) Expectation {
	e := Expectation{TableID: run.TableID, Columns: run.Columns, After: run.After}
	if run.Plan != nil {
		e.Before = run.Plan.Targets
	}
	return e
}

// Judge compares a callback with what was asked for and returns every
// comparison. The callback is accepted when all passed.
func Judge(e Expectation, cb Callback) []Check {
	return []Check{
		{Name: "table", Passed: cb.TableID == e.TableID,
			Detail: fmt.Sprintf("asked for %q, the callback names %q", e.TableID, clip(cb.TableID))},
		checkColumns(e.Columns, cb.Columns),
		checkAlgorithm(cb.Algorithm),
		checkKeyVersion(e, cb.KeyVersion),
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

func checkColumns(want, got []string) Check {
	w, g := slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got))
	return Check{Name: "columns", Passed: slices.Equal(w, g),
		Detail: fmt.Sprintf("asked for %s, the callback names %s", quoted(w), quoted(g))}
}

func checkAlgorithm(got string) Check {
	c := Check{Name: "algorithm", Passed: got == cxone.Algorithm,
		Detail: fmt.Sprintf("asked for %s, the callback reports %q", cxone.Algorithm, clip(got))}
	if got == "" {
		c.Detail = "the callback carries no complianceCheck.algorithm, so what was used is not known"
	}
	return c
}

// checkKeyVersion: a key version is a positive number, never falls below one
// seen before, moves forward where a key was rotated, and agrees with what the
// tenant shows of the column, where it shows it.
func checkKeyVersion(e Expectation, got int64) Check {
	c := Check{Name: "key_version"}
	if got < 1 {
		c.Detail = fmt.Sprintf("the callback reports key version %d; versions count from 1", got)
		return c
	}
	for _, column := range e.Before {
		if !column.Encrypted {
			continue // its first key, whatever became of an earlier one
		}
		if before := column.KeyVersion; before > 0 && got <= before {
			c.Detail = fmt.Sprintf("column %q had key version %d; %d does not move forward", column.Name, before, got)
			return c
		}
	}
	for _, column := range e.After {
		if column.KeyVersion != 0 && column.KeyVersion != got && slices.Contains(e.Columns, column.Name) {
			c.Detail = fmt.Sprintf("the tenant shows key version %d for column %q, the callback reports %d", column.KeyVersion, column.Name, got)
			return c
		}
	}
	c.Passed = true
	c.Detail = fmt.Sprintf("key version %d moves forward", got)
	return c
}

// PermissionHash is the guide's digest of a verification. It is computed from
// public values, so it proves nothing and nothing here relies on it.
func PermissionHash(tableID string, keyVersion int64, columns int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s:%d:%d", tableID, keyVersion, columns))
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
