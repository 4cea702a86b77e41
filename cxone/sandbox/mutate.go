package sandbox

import (
	"errors"
	"slices"
	"strings"
	"time"

	"cxseal/cxone"
)

// Action is a change made to a table behind the console's back.
type Action string

// The actions, and the fields of Mutation that each takes.
const (
	AddColumn  Action = "add_column"  // Column, Type
	DropColumn Action = "drop_column" // Column; indexes lose it too
	SetType    Action = "set_type"    // Column, Type
	Encrypt    Action = "encrypt"     // Column: encrypted by someone else, with no rotation directive
	Decrypt    Action = "decrypt"     // Column
	Rotate     Action = "rotate"      // Column: the key version goes up by one
	AddIndex   Action = "add_index"   // Index, Columns, ReadOnly
	DropIndex  Action = "drop_index"  // Index
	SetLimit   Action = "set_limit"   // Limit, 0: the metadata names none
)

var actions = []Action{AddColumn, DropColumn, SetType, Encrypt, Decrypt, Rotate, AddIndex, DropIndex, SetLimit}

// Mutation is one such change.
type Mutation struct {
	Action   Action   `json:"-"`
	Column   string   `json:"column"`
	Type     string   `json:"type"`
	Index    string   `json:"index"`
	Columns  []string `json:"columns"`
	ReadOnly bool     `json:"readOnly"`
	Limit    int      `json:"limit"`
}

// ErrNoTable is the error for a data store or table that doesn't exist.
var ErrNoTable = errors.New("data store or table not found")

// maxColumns bounds a table's columns and indexes.
const maxColumns = 2000

// Mutate changes a table. The error names what doesn't fit; then nothing has
// changed.
func (s *Sandbox) Mutate(datastore, id string, m Mutation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.find(datastore, id)
	if t == nil {
		return ErrNoTable
	}
	switch m.Action {
	case AddColumn:
		return t.addColumn(m)
	case AddIndex:
		return t.addIndex(m)
	case DropIndex:
		return t.dropIndex(m.Index)
	case SetLimit:
		if m.Limit < 0 {
			return wrong("limit", "must be 0 or more")
		}
		t.maxEncrypted = m.Limit
		return nil
	case DropColumn, SetType, Encrypt, Decrypt, Rotate:
		c := t.column(m.Column)
		if c == nil {
			return wrong("column", "the table has no column %q", m.Column)
		}
		return t.changeColumn(c, m, s.nowLocked())
	}
	return wrong("action", "is not one of %s", joined(actions))
}

func (t *table) addColumn(m Mutation) error {
	switch {
	case m.Column == "":
		return wrong("column", "is missing")
	case m.Type == "":
		return wrong("type", "is missing")
	case t.column(m.Column) != nil:
		return wrong("column", "the table already has a column %q", m.Column)
	case len(t.columns) >= maxColumns:
		return wrong("column", "the table is full")
	}
	t.columns = append(t.columns, column{name: m.Column, kind: m.Type})
	return nil
}

func (t *table) changeColumn(c *column, m Mutation, now time.Time) error {
	switch m.Action {
	case DropColumn:
		name := c.name
		t.columns = slices.DeleteFunc(t.columns, func(c column) bool { return c.name == name })
		t.dropFromIndexes(name)
	case SetType:
		if m.Type == "" {
			return wrong("type", "is missing")
		}
		c.kind = m.Type
	case Encrypt:
		if c.encrypted {
			return wrong("column", "%q is already encrypted", c.name)
		}
		c.encrypted, c.directive = true, nil
		c.keyVersion++
	case Decrypt:
		if !c.encrypted {
			return wrong("column", "%q is not encrypted", c.name)
		}
		c.encrypted, c.directive = false, nil
	case Rotate:
		if !c.encrypted {
			return wrong("column", "%q is not encrypted", c.name)
		}
		c.keyVersion++
		if c.directive != nil {
			next := *c.directive // answers already made may hold the old one
			next.NextRotationEpoch = now.AddDate(0, 0, next.IntervalDays).Unix()
			c.directive = &next
		}
	}
	return nil
}

// dropFromIndexes takes a column out of every index, and drops the indexes
// that are left with none.
func (t *table) dropFromIndexes(name string) {
	var left []cxone.Index
	for _, ix := range t.copyIndexes() {
		ix.Columns = slices.DeleteFunc(ix.Columns, func(c string) bool { return c == name })
		if len(ix.Columns) > 0 {
			left = append(left, ix)
		}
	}
	t.indexes = left
}

func (t *table) addIndex(m Mutation) error {
	switch {
	case strings.TrimSpace(m.Index) == "":
		return wrong("index", "is missing")
	case len(m.Columns) == 0:
		return wrong("columns", "is missing")
	case slices.ContainsFunc(t.indexes, func(ix cxone.Index) bool { return ix.Name == m.Index }):
		return wrong("index", "the table already has an index %q", m.Index)
	case len(t.indexes) >= maxColumns:
		return wrong("index", "the table is full")
	}
	for _, name := range m.Columns {
		if t.column(name) == nil {
			return wrong("columns", "the table has no column %q", name)
		}
	}
	t.indexes = append(t.indexes, cxone.Index{Name: m.Index, Columns: slices.Clone(m.Columns), ReadOnly: m.ReadOnly})
	return nil
}

func (t *table) dropIndex(name string) error {
	before := len(t.indexes)
	t.indexes = slices.DeleteFunc(t.indexes, func(ix cxone.Index) bool { return ix.Name == name })
	if len(t.indexes) == before {
		return wrong("index", "the table has no index %q", name)
	}
	return nil
}
