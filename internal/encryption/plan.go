package encryption

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"

	"cxseal/cxone"
	"cxseal/internal/audit"
)

// Plan is what would be done to a table and what stands in the way. It is a
// pure function of the table, its indexes and the change.
type Plan struct {
	TableName   string        `json:"tableName"`
	Columns     []ColumnState `json:"columns"`  // every column of the table, in the tenant's order
	Indexes     []cxone.Index `json:"indexes"`  // every index of the table
	Targets     []ColumnState `json:"targets"`  // the columns asked for that the table has; a run's carry the highest key version known
	Blockers    []Blocker     `json:"blockers"` // all of them, not the first
	MaxFields   int           `json:"maxFields"`
	Before      Coverage      `json:"before"`
	After       Coverage      `json:"after"`  // if the run succeeds
	Masked      []string      `json:"masked"` // ordinary indexes that will be masked
	Fingerprint string        `json:"fingerprint"`
}

// Coverage counts a table's encrypted columns.
type Coverage struct {
	Encrypted int     `json:"encrypted"`
	Total     int     `json:"total"`
	Rate      float64 `json:"rate"` // Encrypted/Total × 100, two decimals; 0 for an empty table
}

// Blocker is one reason why a run cannot start. Column is empty when the whole
// table is meant.
type Blocker struct {
	Column  string      `json:"column,omitempty"`
	Code    BlockerCode `json:"code"`
	Message string      `json:"message"`
	Index   string      `json:"index,omitempty"` // the index that stands in the way
}

// BlockerCode names a kind of blocker.
type BlockerCode string

// Every kind of blocker.
const (
	UnknownColumn    BlockerCode = "unknown_column"
	DuplicateColumn  BlockerCode = "duplicate_column"
	AlreadyEncrypted BlockerCode = "already_encrypted"
	NotEncrypted     BlockerCode = "not_encrypted" // a rotation of a column that has no key
	OverLimit        BlockerCode = "over_limit"
	UnsupportedType  BlockerCode = "unsupported_type"
	Unreadable       BlockerCode = "unreadable" // the tenant's answer does not say clearly what the run rests on
	IndexStands      BlockerCode = "index"      // an ordinary index; may be masked by choice
	ReadOnlyIndex    BlockerCode = "read_only_index"
)

// Change is what a person or a policy asks of a table.
type Change struct {
	Operation   audit.Operation
	Columns     []string
	MaskIndexes bool
}

// unsupportedTypes are column types whose value is not a field of a row. The
// guide names no list; a tenant that knows better answers 400 and is quoted.
var unsupportedTypes = []string{
	"binary", "varbinary", "blob", "bytes", "file", "image", "attachment",
	"geometry", "vector", "computed", "formula",
}

// NewPlan compares the change with the table and reports every blocker at once.
func NewPlan(table *cxone.Table, indexes []cxone.Index, change Change) Plan {
	p := Plan{
		TableName: table.Name,
		Columns:   Snapshot(table.Columns),
		Indexes:   indexes,
		MaxFields: table.Metadata.MaxEncryptedFields,
	}
	p.Before = CoverageOf(p.Columns)
	p.Fingerprint = fingerprint(p)

	byName := make(map[string]ColumnState, len(p.Columns))
	for _, c := range p.Columns {
		byName[c.Name] = c
	}
	added := 0
	asked := map[string]bool{}
	for _, name := range change.Columns {
		column, known := byName[name]
		switch {
		case asked[name]:
			p.block(name, DuplicateColumn, "%q is asked for twice.", name)
			continue
		case !known:
			p.block(name, UnknownColumn, "The table has no column %q.%s", name, p.lookAlike(name))
			asked[name] = true
			continue
		}
		asked[name] = true
		p.Targets = append(p.Targets, column)
		if p.blockUnreadable(name, table.Doubts(name)) {
			continue
		}
		if change.Operation == audit.KeyRotation {
			if !column.Encrypted {
				p.block(name, NotEncrypted, "%q is not encrypted, so it has no key to rotate.", name)
			}
			continue
		}
		if column.Encrypted {
			p.block(name, AlreadyEncrypted, "%q is already encrypted.", name)
			continue
		}
		added++
		if slices.Contains(unsupportedTypes, strings.ToLower(column.Type)) {
			p.block(name, UnsupportedType, "%q has type %q, which cannot be encrypted as a column.", name, column.Type)
		}
		p.checkIndexes(name, change.MaskIndexes)
	}
	if len(change.Columns) == 0 {
		p.block("", UnknownColumn, "No column is chosen.")
	}
	p.After = NewCoverage(p.Before.Encrypted+added, p.Before.Total)
	if added > 0 && p.blockUnreadable("", table.Doubts("")) {
		return p
	}
	if p.After.Encrypted > p.MaxFields && added > 0 {
		p.block("", OverLimit, "The table may have %d encrypted columns; it has %d and this run would add %d. Choose %d fewer.",
			p.MaxFields, p.Before.Encrypted, added, p.After.Encrypted-p.MaxFields)
	}
	return p
}

// lookAlike names, by its code points, a column of the table that looks like the
// one asked for and is another.
func (p *Plan) lookAlike(name string) string {
	form := func(s string) string { return strings.ToLower(norm.NFKC.String(s)) }
	for _, c := range p.Columns {
		if form(c.Name) != form(name) {
			continue
		}
		if spelled([]string{c.Name, name}) == "" {
			return fmt.Sprintf(" It has %q: case counts.", c.Name)
		}
		return fmt.Sprintf(" It has %q, which is another name: %s, where %s was asked for.", clip(c.Name), CodePoints(clip(c.Name)), CodePoints(clip(name)))
	}
	return ""
}

func (p *Plan) block(column string, code BlockerCode, format string, args ...any) {
	p.Blockers = append(p.Blockers, Blocker{Column: column, Code: code, Message: fmt.Sprintf(format, args...)})
}

// restsOn are the keys of a table on which a run rests. Without a key version
// or a rotation date, which may be hidden anyway, a run can go on.
var restsOn = []string{"type", "encrypted", "metadata", "maxEncryptedFields"}

// blockUnreadable blocks where the tenant's answer does not say clearly what a
// run rests on, and reports whether it did.
func (p *Plan) blockUnreadable(column string, doubts []cxone.Unreadable) bool {
	blocked := false
	for _, u := range doubts {
		if !slices.Contains(restsOn, u.Place[strings.LastIndexByte(u.Place, '.')+1:]) {
			continue
		}
		blocked = true
		what := "the limit of encrypted columns"
		if column != "" {
			what = fmt.Sprintf("the column %q", column)
		}
		p.block(column, Unreadable, "CXone does not say clearly what is needed of %s: %s. Nothing is sent on a guess.", what, u)
	}
	return blocked
}

// checkIndexes notes the indexes over a column, which can't be searched through
// them once it is encrypted. A read-only index can't be masked, so it blocks; an
// ordinary one is masked when the admin said so. An index that may stand over the column, by a name
// that is written otherwise or cannot be read, counts as one that does.
func (p *Plan) checkIndexes(column string, mask bool) {
	names := make([]string, len(p.Columns))
	for i, c := range p.Columns {
		names[i] = c.Name
	}
	for _, index := range p.Indexes {
		if !slices.Contains(index.StandsOver(names), column) {
			continue
		}
		stands := fmt.Sprintf("%q stands in the", column)
		as := ""
		switch {
		case index.Unreadable != "":
			stands, as = fmt.Sprintf("%q may stand in the", column), fmt.Sprintf(", whose columns cannot be read (%s)", index.Unreadable)
		case !slices.Contains(index.Columns, column):
			as = fmt.Sprintf(", which is written %s", written(index.Columns))
		}
		switch {
		case index.ReadOnly:
			p.Blockers = append(p.Blockers, Blocker{Column: column, Code: ReadOnlyIndex, Index: index.Name,
				Message: fmt.Sprintf("%s read-only index %q%s. Drop the index in CXone first.", stands, index.Name, as)})
		case !mask:
			p.Blockers = append(p.Blockers, Blocker{Column: column, Code: IndexStands, Index: index.Name,
				Message: fmt.Sprintf("%s index %q%s. Allow the index to be masked, or drop it in CXone first.", stands, index.Name, as)})
		case !slices.Contains(p.Masked, index.Name):
			p.Masked = append(p.Masked, index.Name)
		}
	}
}

// written lists names as the tenant writes them. What is not plain ASCII is
// shown by code points, for two names may look alike and differ.
func written(names []string) string {
	quoted := make([]string, min(len(names), 5))
	for i := range quoted {
		quoted[i] = strconv.QuoteToASCII(clip(names[i]))
	}
	return strings.Join(quoted, ", ")
}

// BlockersOf returns the blockers of one column; "" asks for the table's.
func (p Plan) BlockersOf(column string) []Blocker {
	var out []Blocker
	for _, b := range p.Blockers {
		if b.Column == column {
			out = append(out, b)
		}
	}
	return out
}

// Summary is every blocker as one paragraph.
func (p Plan) Summary() string {
	messages := make([]string, len(p.Blockers))
	for i, b := range p.Blockers {
		messages[i] = b.Message
	}
	return strings.Join(messages, " ")
}

// Snapshot keeps of the tenant's columns what a run needs to know.
func Snapshot(columns []cxone.Column) []ColumnState {
	out := make([]ColumnState, len(columns))
	for i, c := range columns {
		out[i] = ColumnState{Name: c.Name, Type: c.Type, Encrypted: c.Encrypted, Unclear: c.Unclear, KeyVersion: c.KeyVersion()}
		if c.KeyVersion() == 0 {
			out[i].KeyID = c.KeyVersionText()
		}
	}
	return out
}

// CoverageOf counts the encrypted columns of a table.
func CoverageOf(columns []ColumnState) Coverage {
	encrypted := 0
	for _, c := range columns {
		if c.Encrypted {
			encrypted++
		}
	}
	return NewCoverage(encrypted, len(columns))
}

// NewCoverage computes the rate as contract §4 defines coverageRate.
func NewCoverage(encrypted, total int) Coverage {
	c := Coverage{Encrypted: encrypted, Total: total}
	if total > 0 {
		c.Rate = math.Round(float64(encrypted)/float64(total)*10000) / 100
	}
	return c
}

// shape is what a fingerprint is taken of: the columns with their types and
// whether they are encrypted, the limit, and the indexes. Not the key versions:
// the tenant may rotate a key between the page that shows the plan and the run. The order in
// which a tenant lists things means nothing.
func shape(p Plan) []string {
	lines := make([]string, 0, len(p.Columns)+len(p.Indexes)+1)
	for _, c := range p.Columns {
		lines = append(lines, mustJSON([]any{"column", c.Name, c.Type, c.Encrypted}))
	}
	for _, i := range p.Indexes {
		lines = append(lines, mustJSON([]any{"index", i.Name, i.Columns, i.ReadOnly}))
	}
	lines = append(lines, mustJSON([]any{"limit", p.MaxFields}))
	slices.Sort(lines)
	return lines
}

func fingerprint(p Plan) string {
	sum := sha256.Sum256([]byte(strings.Join(shape(p), "\n")))
	return hex.EncodeToString(sum[:])
}

// ChangesSince says in words how the table differs from the plan that was shown.
func (p Plan) ChangesSince(shown Plan) []string {
	var changes []string
	was := map[string]ColumnState{}
	for _, c := range shown.Columns {
		was[c.Name] = c
	}
	for _, c := range p.Columns {
		old, known := was[c.Name]
		delete(was, c.Name)
		switch {
		case !known:
			changes = append(changes, fmt.Sprintf("column %q is new", c.Name))
		case old.Type != c.Type:
			changes = append(changes, fmt.Sprintf("column %q was %s and is now %s", c.Name, old.Type, c.Type))
		case !old.Encrypted && c.Encrypted:
			changes = append(changes, fmt.Sprintf("column %q has been encrypted meanwhile", c.Name))
		case old.Encrypted && !c.Encrypted:
			changes = append(changes, fmt.Sprintf("column %q is no longer encrypted", c.Name))
		}
	}
	for _, c := range shown.Columns {
		if _, gone := was[c.Name]; gone {
			changes = append(changes, fmt.Sprintf("column %q is gone", c.Name))
		}
	}
	if p.MaxFields != shown.MaxFields {
		changes = append(changes, fmt.Sprintf("the limit of encrypted columns was %d and is now %d", shown.MaxFields, p.MaxFields))
	}
	return append(changes, indexChanges(shown.Indexes, p.Indexes)...)
}

func indexChanges(before, after []cxone.Index) []string {
	var changes []string
	was := map[string]string{}
	for _, i := range before {
		was[i.Name] = mustJSON(i)
	}
	for _, i := range after {
		old, known := was[i.Name]
		delete(was, i.Name)
		switch {
		case !known:
			changes = append(changes, fmt.Sprintf("index %q is new", i.Name))
		case old != mustJSON(i):
			changes = append(changes, fmt.Sprintf("index %q has changed", i.Name))
		}
	}
	for _, i := range before {
		if _, gone := was[i.Name]; gone {
			changes = append(changes, fmt.Sprintf("index %q is gone", i.Name))
		}
	}
	return changes
}

// mustJSON renders values that can always be rendered: strings, numbers,
// booleans and slices of them.
func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}
