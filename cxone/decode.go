package cxone

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// checkJSON returns the body's JSON value, trimmed and not empty.
func checkJSON(body []byte) ([]byte, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	switch {
	case !utf8.Valid(body):
		// The decoder would replace the bytes, and two names could become one.
		return nil, errors.New("it is not valid UTF-8")
	case !json.Valid(body):
		return nil, errors.New("it is not JSON")
	}
	return body, nil
}

// decodeValue is json.Unmarshal with an error that names the place and does
// not speak of Go's types.
func decodeValue(raw []byte, what string, into any) error {
	err := json.Unmarshal(raw, into)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		if wrong.Field != "" {
			what += ": " + strings.TrimPrefix(wrong.Field, "Table.") // the embedded struct of decodeTable
		}
		return fmt.Errorf("%s is a %s, which is not what the contract says", what, wrong.Value)
	}
	return err
}

// decodeTable reads a table. What the contract makes optional may be absent;
// what a plan rests on (the columns and their names) must be there and clear.
func decodeTable(body []byte, datastoreID, tableID string) (*Table, error) {
	raw, err := checkJSON(body)
	if err != nil {
		return nil, err
	}
	fields, err := object(raw)
	if err != nil {
		return nil, err
	}
	if _, ok := fields["columns"]; !ok {
		return nil, errors.New("it holds no columns")
	}
	var in struct {
		Table
		Metadata struct {
			MaxEncryptedFields *int `json:"maxEncryptedFields"`
		} `json:"metadata"`
	}
	if err := decodeValue(raw, "the table", &in); err != nil {
		return nil, err
	}
	t := in.Table
	t.Metadata.MaxEncryptedFields = DefaultMaxEncryptedFields
	if limit := in.Metadata.MaxEncryptedFields; limit != nil {
		if *limit < 0 {
			return nil, fmt.Errorf("maxEncryptedFields is %d", *limit)
		}
		t.Metadata.MaxEncryptedFields = *limit
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
	if t.Columns == nil {
		t.Columns = []Column{}
	}
	return &t, checkColumns(t.Columns)
}

// checkColumns refuses columns that could not be told apart.
func checkColumns(columns []Column) error {
	names := make(map[string]bool, len(columns))
	for i, column := range columns {
		if column.Name == "" {
			return fmt.Errorf("column %d has no name", i+1)
		}
		if names[column.Name] {
			return fmt.Errorf("the column %q is there twice", shorten(column.Name, 80))
		}
		names[column.Name] = true
		if column.KeyVersion() < 0 {
			return fmt.Errorf("the column %q has the key version %d", shorten(column.Name, 80), column.KeyVersion())
		}
	}
	return nil
}

// decodeIndexes reads the bare array of indexes; an object that holds it as
// "indexes" will do. An index without columns is refused: it would not block
// what it should.
func decodeIndexes(body []byte) ([]Index, error) {
	raw, err := checkJSON(body)
	if err != nil {
		return nil, err
	}
	if raw[0] == '{' {
		fields, err := object(raw)
		if err != nil {
			return nil, err
		}
		if fields["indexes"] == nil {
			return nil, errors.New("it is neither a list of indexes nor holds one")
		}
		raw = fields["indexes"]
	}
	indexes := []Index{}
	if err := decodeValue(raw, "the indexes", &indexes); err != nil {
		return nil, err
	}
	for i, index := range indexes {
		if index.Name == "" {
			return nil, fmt.Errorf("index %d has no name", i+1)
		}
		if index.Columns == nil {
			return nil, fmt.Errorf("the index %q names no columns", shorten(index.Name, 80))
		}
	}
	return indexes, nil
}
