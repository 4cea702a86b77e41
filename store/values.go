package store

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// scanner is a row of *sql.Rows, or the only one.
type scanner interface{ Scan(dst ...any) error }

// micros is how a time is stored: UTC microseconds, null for the zero time.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// stamp scans what micros stored.
type stamp struct{ t *time.Time }

// Scan implements sql.Scanner.
func (s stamp) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*s.t = time.Time{}
	case int64:
		*s.t = time.UnixMicro(v).UTC()
	default:
		return fmt.Errorf("a time is stored as %T", src)
	}
	return nil
}

// jsonText stores a value as JSON text, null for a nil one, and scans it back
// into the pointer it was given.
type jsonText struct{ v any }

// Value implements driver.Valuer.
func (j jsonText) Value() (driver.Value, error) {
	b, err := json.Marshal(j.v)
	if err != nil || string(b) == "null" {
		return nil, err
	}
	return string(b), nil
}

// Scan implements sql.Scanner.
func (j jsonText) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		return nil
	case string:
		return json.Unmarshal([]byte(v), j.v)
	case []byte:
		return json.Unmarshal(v, j.v)
	}
	return fmt.Errorf("a list is stored as %T", src)
}

// names stores a list of names; an empty one is [], never null.
func names(list []string) jsonText {
	if list == nil {
		list = []string{}
	}
	return jsonText{list}
}

var (
	_ sql.Scanner   = stamp{}
	_ sql.Scanner   = jsonText{}
	_ driver.Valuer = jsonText{}
)

// where gathers the conditions of a filter.
type where struct {
	terms []string
	args  []any
}

// and adds a condition with its arguments.
func (w *where) and(term string, args ...any) {
	w.terms = append(w.terms, term)
	w.args = append(w.args, args...)
}

// equals adds column = value unless the value is empty.
func (w *where) equals(column, value string) {
	if value != "" {
		w.and(column+" = ?", value)
	}
}

// sql is the WHERE clause, empty without conditions.
func (w *where) sql() string {
	if len(w.terms) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.terms, " AND ")
}

// Page sizes: what a caller gets without asking, and at most.
const (
	defaultPage = 50
	maxPage     = 1000
)

func pageSize(limit int) int {
	if limit <= 0 {
		return defaultPage
	}
	return min(limit, maxPage)
}

// literals are words of a vocabulary as SQL literals with commas between. A
// partial index is used only where its condition's words stand in the statement
// as literals; everything else is passed as an argument.
func literals[T ~string](words ...T) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = "'" + strings.ReplaceAll(string(w), "'", "''") + "'"
	}
	return strings.Join(quoted, ", ")
}

// placeholders is n question marks, for VALUES or IN.
func placeholders(n int) string {
	return strings.TrimSuffix(strings.Repeat("?, ", n), ", ")
}
