package cxone

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// places collects the places of an answer that could not be read.
type places struct {
	column string // whose places are read now, "" for the table's
	found  []Unreadable
}

// read reads one key of an object, the zero value where it is absent or cannot
// be read; then its place is noted.
func read[T any](p *places, in fields, path, key string, reader func(json.RawMessage) (T, bool)) T {
	var none T
	raw, clear := in.get(key)
	if raw == nil && clear {
		return none
	}
	if clear {
		if value, ok := reader(raw); ok {
			return value
		}
	}
	p.note(join(path, key), raw, clear)
	return none
}

func (p *places) note(place string, raw json.RawMessage, clear bool) {
	what := found(raw)
	if !clear {
		what = "there twice, with different values"
	}
	p.found = append(p.found, Unreadable{Column: p.column, Place: place, Found: what})
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// decodeTable reads a table. What the contract makes optional may be absent. A
// value that cannot be read makes its own place unusable and is listed in
// Table.Unreadable. Only which columns there are must be clear: without that
// neither a plan nor a count would be true.
func decodeTable(body []byte, datastoreID, tableID string) (*Table, error) {
	raw, err := checkJSON(body)
	if err != nil {
		return nil, err
	}
	top, ok := readFields(raw)
	if !ok || raw[0] != '{' {
		return nil, errors.New("it is not a JSON object")
	}
	if !top.has("columns") {
		return nil, withReported(errors.New("it holds no columns"), raw)
	}
	p := &places{}
	t := &Table{
		ID: read(p, top, "", "id", readID), DatastoreID: read(p, top, "", "datastoreId", readID),
		Name: read(p, top, "", "name", readID), Columns: []Column{},
	}
	if t.ID == "" {
		t.ID = tableID
	}
	if t.ID != tableID {
		return nil, fmt.Errorf("it is of another table, %q", shorten(t.ID, 80))
	}
	if t.DatastoreID == "" {
		t.DatastoreID = datastoreID
	}
	t.Metadata = readMetadata(p, top)
	list, clear := top.get("columns")
	columns, ok := readList(list)
	if !ok || !clear {
		return nil, fmt.Errorf("columns is %s and not a list", found(list))
	}
	for i, one := range columns {
		column, err := readColumn(p, fmt.Sprintf("columns[%d]", i), one)
		if err != nil {
			return nil, err
		}
		t.Columns = append(t.Columns, column)
	}
	t.Unreadable = p.found
	return t, checkColumns(t.Columns)
}

func readMetadata(p *places, top fields) TableMetadata {
	m := TableMetadata{MaxEncryptedFields: DefaultMaxEncryptedFields}
	in := read(p, top, "", "metadata", readFields)
	const key = "maxEncryptedFields"
	limit, clear := in.get(key)
	if limit == nil && clear {
		return m
	}
	if n, ok := readWhole(limit); ok && clear && n >= 0 && n <= 1<<31-1 {
		m.MaxEncryptedFields = int(n)
	} else {
		p.note("metadata."+key, limit, clear)
	}
	return m
}

// readColumn reads one column. Without a name it cannot be spoken of, and the
// table cannot be told without it.
func readColumn(p *places, path string, raw json.RawMessage) (Column, error) {
	in, ok := readFields(raw)
	if !ok {
		return Column{}, fmt.Errorf("%s is %s and not an object", path, found(raw))
	}
	name, clear := in.get("name")
	c := Column{}
	if c.Name, ok = readID(name); !ok || !clear || c.Name == "" {
		return Column{}, fmt.Errorf("%s has no name that can be read", path)
	}
	p.column = c.Name
	defer func() { p.column = "" }()
	c.Type = read(p, in, path, "type", readString)
	before := len(p.found)
	c.Encrypted = read(p, in, path, "encrypted", readBool)
	c.Unclear = len(p.found) > before
	if raw, clear := in.get("encryptionConfiguration"); raw != nil || !clear {
		c.EncryptionConfiguration = readEncryption(p, in, path)
	}
	if said, clear := in.get("encrypted"); said == nil && clear && c.EncryptionConfiguration != nil {
		c.Unclear = true // left out, which says no, beside what only an encrypted column has
		p.found = append(p.found, Unreadable{Column: p.column, Place: join(path, "encrypted"),
			Found: "left out, beside an encryptionConfiguration"})
	}
	return c, nil
}

// readEncryption reads what the tenant shows of an encrypted column; nil where
// that is an empty object, or none.
func readEncryption(p *places, column fields, path string) *ColumnEncryption {
	in := read(p, column, path, "encryptionConfiguration", readFields)
	if len(in.values) == 0 {
		return nil
	}
	path = join(path, "encryptionConfiguration")
	e := &ColumnEncryption{Algorithm: read(p, in, path, "algorithm", readString)}
	if raw, clear := in.get("keyVersion"); raw != nil || !clear {
		text, number, ok := readKeyVersion(raw)
		if ok && clear {
			e.KeyVersionText, e.KeyVersion = text, number
		} else {
			p.note(join(path, "keyVersion"), raw, clear)
		}
	}
	if directive := read(p, in, path, "keyRotationDirective", readFields); len(directive.values) > 0 {
		path = join(path, "keyRotationDirective")
		e.KeyRotationDirective = &KeyRotationDirective{
			Strategy:          read(p, directive, path, "strategy", readString),
			IntervalDays:      int(read(p, directive, path, "intervalDays", readWhole)),
			NextRotationEpoch: read(p, directive, path, "nextRotationEpoch", readWhole),
		}
	}
	return e
}

// checkColumns refuses columns that could not be told apart.
func checkColumns(columns []Column) error {
	names := make(map[string]bool, len(columns))
	for _, column := range columns {
		if names[column.Name] {
			return fmt.Errorf("the column %q is there twice", shorten(column.Name, 80))
		}
		names[column.Name] = true
	}
	return nil
}

// decodeIndexes reads the bare array of indexes; an object that holds it as
// "indexes" will do, and so will nothing at all. An index whose columns cannot
// be read is kept and marked: it may stand over any column.
func decodeIndexes(body []byte) ([]Index, error) {
	if len(withoutMark(body)) == 0 {
		return []Index{}, nil
	}
	raw, err := checkJSON(body)
	if err != nil {
		return nil, err
	}
	if raw[0] == '{' && !emptyObject(raw) {
		top, ok := readFields(raw)
		list, clear := top.get("indexes")
		if !ok || !clear || !top.has("indexes") {
			return nil, withReported(errors.New("it is neither a list of indexes nor holds one"), raw)
		}
		raw = list
	}
	list, ok := readList(raw)
	if !ok {
		return nil, fmt.Errorf("the indexes are %s and not a list", found(raw))
	}
	indexes := make([]Index, len(list))
	for i, one := range list {
		indexes[i] = readIndex(fmt.Sprintf("indexes[%d]", i), one)
	}
	return indexes, nil
}

func readIndex(path string, raw json.RawMessage) Index {
	in, ok := readFields(raw)
	if !ok {
		return Index{Name: path, Columns: []string{}, Unreadable: path + " is " + found(raw)}
	}
	p := &places{}
	index := Index{Name: read(p, in, path, "name", readID), Columns: []string{}}
	if index.Name == "" {
		index.Name = path
	}
	readOnly, clear := in.get("readOnly")
	if index.ReadOnly, ok = readBool(readOnly); readOnly != nil && (!ok || !clear) {
		index.ReadOnly = true // in doubt it cannot be masked
	}
	columns, clear := in.get("columns")
	names, ok := readNames(columns)
	if !ok || !clear || len(names) == 0 {
		index.Unreadable = join(path, "columns") + " is " + found(columns)
		if columns == nil {
			index.Unreadable = join(path, "columns") + " is missing"
		}
		return index
	}
	index.Columns = names
	return index
}

// readNames reads the columns of an index: names, objects that hold one, or a
// single one of them.
func readNames(raw json.RawMessage) ([]string, bool) {
	list, ok := readList(raw)
	if !ok {
		list = []json.RawMessage{raw}
	}
	names := make([]string, len(list))
	for i, one := range list {
		name, ok := readID(one)
		if !ok && len(one) > 0 && one[0] == '{' {
			in, _ := readFields(one)
			for _, key := range []string{"name", "column", "columnName", "field"} {
				if value, clear := in.get(key); clear && value != nil {
					name, ok = readID(value)
					break
				}
			}
		}
		if !ok || name == "" {
			return nil, false
		}
		names[i] = name
	}
	return names, true
}

// looksLikeHTML reports whether a body is a web page, or XML.
func looksLikeHTML(body []byte) bool {
	return bytes.HasPrefix(withoutMark(body), []byte("<"))
}
