package cxone

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestATableIsBelievedOnlyIfItsColumnsAreClear(t *testing.T) {
	for _, test := range []struct{ body, want string }{
		{`{"columns":[{"name":"a","type":"string","encrypted":false}]}`, ""},
		{`{"columns":null}`, ""},
		{"\xef\xbb\xbf" + `{"columns":[],"metadata":null,"unknown":{"x":1}}`, ""},
		{`{"columns":[{"name":"<script>"},{"name":"a,\"b\"\nc"},{"name":"'; DROP TABLE"},{"name":"=cmd()"}]}`, ""},
		{`{"columns":[{"name":"a","encrypted":true,"encryptionConfiguration":{"keyVersion":3,"new":"x"}}]}`, ""},
		{`{}`, "it holds no columns"},
		{`[]`, "it is not a JSON object"},
		{`null`, "it is not a JSON object"},
		{`<html>login</html>`, "it is not JSON"},
		{``, "it is not JSON"},
		{`{"columns":[]} {"columns":[]}`, "it is not JSON"},
		{"{\"columns\":[{\"name\":\"a\xff\"}]}", "it is not valid UTF-8"},
		{`{"columns":[{"type":"string"}]}`, "column 1 has no name"},
		{`{"columns":[{"name":"a"},{"name":"a"}]}`, `the column "a" is there twice`},
		{`{"columns":[{"name":7}]}`, "the table: columns.name is a number, which is not what the contract says"},
		{`{"columns":["a"]}`, "the table: columns is a string, which is not what the contract says"},
		{`{"columns":[{"name":"a","encrypted":"no"}]}`, "the table: columns.encrypted is a string, which is not what the contract says"},
		{`{"columns":[{"name":"a","encryptionConfiguration":{"keyVersion":-1}}]}`, `the column "a" has the key version -1`},
		{`{"columns":[],"metadata":{"maxEncryptedFields":-1}}`, "maxEncryptedFields is -1"},
		{`{"columns":[],"metadata":{"maxEncryptedFields":1.5}}`, "the table: metadata.maxEncryptedFields is a number 1.5, which is not what the contract says"},
		{`{"id":"other","columns":[]}`, `it is of another table, "other"`},
	} {
		table, err := decodeTable([]byte(test.body), "d", "t")
		if got := errText(err); got != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.body, got, test.want)
		}
		if err == nil && (table.ID != "t" || table.DatastoreID != "d" || table.Metadata.MaxEncryptedFields != 12 || table.Columns == nil) {
			t.Errorf("%s: %+v", test.body, table)
		}
	}
	table, err := decodeTable([]byte(`{"columns":[],"metadata":{"maxEncryptedFields":0}}`), "d", "t")
	if err != nil || table.Metadata.MaxEncryptedFields != 0 {
		t.Errorf("a limit of 0 became %+v, %v", table, err)
	}
}

func TestIndexesThatWouldNotBlockAreRefused(t *testing.T) {
	good := []Index{{Name: "i", Columns: []string{"a", "b"}, ReadOnly: true}}
	for _, test := range []struct {
		body, want string
		indexes    []Index
	}{
		{`[{"name":"i","columns":["a","b"],"readOnly":true,"unique":true}]`, "", good},
		{`{"indexes":[{"name":"i","columns":["a","b"],"readOnly":true}]}`, "", good},
		{`[]`, "", []Index{}},
		{`null`, "", nil},
		{`[{"name":"i"}]`, `the index "i" names no columns`, nil},
		{`[{"columns":["a"]}]`, "index 1 has no name", nil},
		{`{"x":[]}`, "it is neither a list of indexes nor holds one", nil},
		{`"none"`, "the indexes is a string, which is not what the contract says", nil},
	} {
		got, err := decodeIndexes([]byte(test.body))
		if errText(err) != test.want {
			t.Errorf("%s: %v, want %q", test.body, err, test.want)
		}
		if diff := cmp.Diff(test.indexes, got); err == nil && diff != "" {
			t.Errorf("%s: %s", test.body, diff)
		}
	}
}

func TestTheAnswerToAChangeTellsOnlyWhatItSays(t *testing.T) {
	ssn := []Column{{Name: "ssn", Type: "string", Encrypted: true, EncryptionConfiguration: &ColumnEncryption{KeyVersion: 2}}}
	column := `[{"name":"ssn","type":"string","encrypted":true,"encryptionConfiguration":{"keyVersion":2}}]`
	for _, test := range []struct {
		body    string
		columns []Column
		payload string
	}{
		{`{"columns":` + column + `,"externalKmsPayload":{"tableId":"t"}}`, ssn, `{"tableId":"t"}`},
		{`{"table":{"columns":` + column + `}}`, ssn, ""},
		{`{"data":{"columns":` + column + `,"externalKmsPayload":{}}}`, ssn, "{}"},
		{`{"columns":["ssn"],"table":{"columns":` + column + `}}`, ssn, ""},
		{`{"columns":["ssn"],"externalKmsPayload":"pending"}`, nil, ""},
		{`{"columns":[{"name":"ssn"}],"externalKmsPayload":null}`, nil, ""},
		{`{"columns":[]}`, nil, ""},
		{`{"columns":[{"name":"a","encrypted":true},{"name":"a","encrypted":false}]}`, nil, ""},
		{`{"status":"ok"}`, nil, ""}, {`[]`, nil, ""}, {``, nil, ""}, {`OK`, nil, ""},
	} {
		columns, payload := readAnswer([]byte(test.body))
		if diff := cmp.Diff(test.columns, columns); diff != "" || string(payload) != test.payload {
			t.Errorf("%s: %s, payload %s", test.body, diff, payload)
		}
	}
}

func FuzzReadAnswer(f *testing.F) {
	f.Add([]byte(`{"columns":[{"name":"a","encrypted":true}],"externalKmsPayload":{"x":1}}`))
	f.Add([]byte(`{"table":{"columns":[{"name":"a","encrypted":null}]},"data":[]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		columns, payload := readAnswer(body)
		if columns != nil && checkColumns(columns) != nil {
			t.Errorf("columns that cannot be told apart: %+v", columns)
		}
		if payload != nil && payload[0] != '{' {
			t.Errorf("payload is no object: %s", payload)
		}
	})
}

func FuzzDecodeTable(f *testing.F) {
	f.Add([]byte(goodTable))
	f.Add([]byte(`{"columns":[{"name":"a"},{"name":"A"}],"metadata":{}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		table, err := decodeTable(body, "d", "t")
		if err != nil {
			return
		}
		if table.ID != "t" || table.Columns == nil || table.Metadata.MaxEncryptedFields < 0 || checkColumns(table.Columns) != nil {
			t.Errorf("believed %q as %+v", body, table)
		}
		_, _ = decodeIndexes(body)
		_, _ = decodePage[TableRef](body, "columns")
	})
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return strings.TrimSpace(err.Error())
}
