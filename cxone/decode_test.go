package cxone

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestATableIsBelievedOnlyIfItsColumnsAreClear(t *testing.T) {
	for _, test := range []struct{ body, want string }{
		{`{"columns":[{"name":"a","type":"string","encrypted":false}]}`, ""},
		{`{"columns":null}`, ""},
		{"\xef\xbb\xbf" + `{"columns":[],"metadata":null,"unknown":{"x":1}}`, ""},
		{`{"columns":[{"name":"<script>"},{"name":"a,\"b\"\nc"},{"name":"'; DROP TABLE"},{"name":"=cmd()"}]}`, ""},
		{`{"columns":[{"name":"a","encrypted":true,"encryptionConfiguration":{"keyVersion":3,"new":"x"}}]}`, ""},
		{`{"id":"t","Columns":[{"Name":"a","ENCRYPTED":false}],"metadata":[]}`, ""},
		{`{}`, "it holds no columns"},
		{`{"error":{"code":"E1","message":"moved"}}`, "it holds no columns; it reports an error: moved"},
		{`[]`, "it is not a JSON object"},
		{`null`, "it is not a JSON object"},
		{`<html>login</html>`, "it is a web page and not JSON: check the base URL and the path prefix"},
		{``, "it is empty"},
		{`{"columns":[]} {"columns":[]}`, "it is not JSON"},
		{"{\"columns\":[{\"name\":\"a\xff\"}]}", "it is not valid UTF-8"},
		{`{"columns":[{"type":"string"}]}`, "columns[0] has no name that can be read"},
		{`{"columns":[{"name":["a"]}]}`, "columns[0] has no name that can be read"},
		{`{"columns":[{"name":"a"},{"name":"a"}]}`, `the column "a" is there twice`},
		{`{"columns":["a"]}`, `columns[0] is "a" and not an object`},
		{`{"columns":"a"}`, `columns is "a" and not a list`},
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
}

// What can be read without doubt is read; what cannot makes its own place
// unusable, and is named.
func TestATablesValuesAreReadLiberallyAndNamedWhereTheyCannotBe(t *testing.T) {
	for _, test := range []struct {
		body   string
		id     string
		limit  int
		column Column
		doubts string
	}{
		{`{"id":7,"datastoreId":12.0,"columns":{},"metadata":{"maxEncryptedFields":0}}`, "7", 0, Column{}, ""},
		{`{"columns":[],"metadata":{"maxEncryptedFields":"3"}}`, "t", 3, Column{}, ""},
		{`{"columns":[],"metadata":{"maxEncryptedFields":12.0}}`, "t", 12, Column{}, ""},
		{`{"columns":[],"metadata":{"maxEncryptedFields":null}}`, "t", 12, Column{}, ""},
		{`{"columns":[],"metadata":{"maxEncryptedFields":-1}}`, "t", 12, Column{}, "/metadata.maxEncryptedFields is -1"},
		{`{"columns":[],"metadata":{"maxEncryptedFields":1.5}}`, "t", 12, Column{}, "/metadata.maxEncryptedFields is 1.5"},
		{`{"columns":[],"metadata":{"maxEncryptedFields":"many"}}`, "t", 12, Column{}, `/metadata.maxEncryptedFields is "many"`},
		{`{"columns":[],"metadata":7}`, "t", 12, Column{}, `/metadata is 7`},
		{`{"columns":[{"name":7,"type":"string","encrypted":"false"}]}`, "t", 12, Column{Name: "7", Type: "string"}, ""},
		{`{"columns":[{"name":"a","encrypted":"True","encryptionConfiguration":[]}]}`, "t", 12, Column{Name: "a", Encrypted: true}, ""},
		{`{"columns":[{"name":"a","encrypted":1,"encryptionConfiguration":{"keyVersion":"2"}}]}`, "t", 12, key("a", 2, "2"), ""},
		{`{"columns":[{"name":"a","encrypted":"1","encryptionConfiguration":{"keyVersion":2.0}}]}`, "t", 12, key("a", 2, "2"), ""},
		{`{"columns":[{"name":"a","encrypted":true,"encryptionConfiguration":{"keyVersion":2.5}}]}`, "t", 12, key("a", 0, "2.5"), ""},
		{`{"columns":[{"name":"a","encrypted":true,"encryptionConfiguration":{"keyVersion":"9f3e"}}]}`, "t", 12, key("a", 0, "9f3e"), ""},
		{`{"columns":[{"name":"a","encrypted":true,"encryptionConfiguration":{"keyVersion":"1e2"}}]}`, "t", 12, key("a", 0, "1e2"), ""},
		{`{"columns":[{"name":"a","encrypted":true,"encryptionConfiguration":{"keyVersion":18446744073709551616}}]}`, "t", 12, key("a", 0, "18446744073709551616"), ""},
		{`{"columns":[{"name":"a","encrypted":true,"encryptionConfiguration":{"keyVersion":-1}}]}`, "t", 12, key("a", 0, ""), "a/columns[0].encryptionConfiguration.keyVersion is -1"},
		{`{"columns":[{"name":"a","encrypted":true,"encryptionConfiguration":{"keyVersion":[3],"keyRotationDirective":{"intervalDays":"90","nextRotationEpoch":1.79e9}}}]}`, "t", 12,
			Column{Name: "a", Encrypted: true, EncryptionConfiguration: &ColumnEncryption{KeyRotationDirective: &KeyRotationDirective{IntervalDays: 90, NextRotationEpoch: 1790000000}}},
			"a/columns[0].encryptionConfiguration.keyVersion is [3]"},
		{`{"columns":[{"name":"a","encryptionConfiguration":{"keyVersion":2}}]}`, "t", 12,
			Column{Name: "a", Unclear: true, EncryptionConfiguration: &ColumnEncryption{KeyVersion: 2, KeyVersionText: "2"}},
			`a/columns[0].encrypted is left out, beside an encryptionConfiguration`},
		{`{"columns":[{"name":"a","encrypted":"no"}]}`, "t", 12, Column{Name: "a", Unclear: true}, `a/columns[0].encrypted is "no"`},
		{`{"columns":[{"name":"a","encrypted":true,"encrypted":false}]}`, "t", 12, Column{Name: "a", Unclear: true}, `a/columns[0].encrypted is there twice, with different values`},
		{`{"columns":[{"name":"a","Encrypted":true,"ENCRYPTED":false}]}`, "t", 12, Column{Name: "a", Unclear: true}, `a/columns[0].encrypted is there twice, with different values`},
		{`{"columns":[{"name":"a","type":{"x":1},"encrypted":false}]}`, "t", 12, Column{Name: "a"}, `a/columns[0].type is {"x":1}`},
	} {
		table, err := decodeTable([]byte(test.body), "d", test.id)
		if err != nil {
			t.Errorf("%s: %v", test.body, err)
			continue
		}
		var doubts []string
		for _, u := range table.Unreadable {
			doubts = append(doubts, u.Column+"/"+u.String())
		}
		if got := strings.Join(doubts, ","); got != test.doubts || table.Metadata.MaxEncryptedFields != test.limit {
			t.Errorf("%s: limit %d, unreadable %s, want %s", test.body, table.Metadata.MaxEncryptedFields, got, test.doubts)
		}
		if want := []Column{test.column}; test.column.Name != "" {
			if diff := cmp.Diff(want, table.Columns); diff != "" {
				t.Errorf("%s: %s", test.body, diff)
			}
		}
	}
}

func key(name string, number int64, text string) Column {
	return Column{Name: name, Encrypted: true, EncryptionConfiguration: &ColumnEncryption{KeyVersion: number, KeyVersionText: text}}
}

func TestAnIndexThatCannotBeReadIsKeptAndMarked(t *testing.T) {
	good := []Index{{Name: "i", Columns: []string{"a", "b"}, ReadOnly: true}}
	for _, test := range []struct {
		body, want string
		indexes    []Index
	}{
		{`[{"name":"i","columns":["a","b"],"readOnly":true,"unique":true}]`, "", good},
		{`{"indexes":[{"name":"i","columns":["a","b"],"readOnly":true}]}`, "", good},
		{`[]`, "", []Index{}},
		{`{}`, "", []Index{}},
		{`null`, "", []Index{}},
		{"\xef\xbb\xbf", "", []Index{}},
		{`[{"name":7,"columns":"a","readOnly":"true"}]`, "", []Index{{Name: "7", Columns: []string{"a"}, ReadOnly: true}}},
		{`[{"name":"i","columns":[{"name":"a","order":"DESC"},7],"readOnly":0}]`, "", []Index{{Name: "i", Columns: []string{"a", "7"}}}},
		{`[{"name":"i","columns":["a"],"readOnly":"perhaps"}]`, "", []Index{{Name: "i", Columns: []string{"a"}, ReadOnly: true}}},
		{`[{"name":"i"}]`, "", []Index{{Name: "i", Columns: []string{}, Unreadable: "indexes[0].columns is missing"}}},
		{`[{"name":"i","columns":[[1]]}]`, "", []Index{{Name: "i", Columns: []string{}, Unreadable: "indexes[0].columns is [[1]]"}}},
		{`[{"columns":["a"]},7]`, "", []Index{{Name: "indexes[0]", Columns: []string{"a"}}, {Name: "indexes[1]", Columns: []string{}, Unreadable: "indexes[1] is 7"}}},
		{`{"x":[]}`, "it is neither a list of indexes nor holds one", nil},
		{`{"success":false,"message":"gone"}`, "it is neither a list of indexes nor holds one; it reports an error: gone", nil},
		{`"none"`, `the indexes are "none" and not a list`, nil},
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
	ssn := []Column{{Name: "ssn", Type: "string", Encrypted: true, EncryptionConfiguration: &ColumnEncryption{KeyVersion: 2, KeyVersionText: "2"}}}
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
		{"\xef\xbb\xbf" + `{"externalKmsPayload":"{\"tableId\":\"t\"}"}`, nil, `{"tableId":"t"}`},
		{`{"columns":[{"name":"ssn","encrypted":"maybe"}]}`, nil, ""},
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
		for _, u := range table.Unreadable {
			if u.Place == "" || utf8.RuneCountInString(u.Found) > maxFound+1 {
				t.Errorf("unreadable %+v", u)
			}
		}
	})
}

func FuzzDecodeIndexes(f *testing.F) {
	for _, s := range []string{`[{"name":"i","columns":["a"]}]`, `{"indexes":[{"name":1,"columns":{"name":"b"}}]}`, `[{"columns":[[]]}]`, `[7]`, ``} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		indexes, err := decodeIndexes(body)
		if err != nil {
			return
		}
		for _, index := range indexes {
			if index.Name == "" || (len(index.Columns) == 0) != (index.Unreadable != "") {
				t.Errorf("believed %q as %+v", body, index)
			}
			_ = index.StandsOver([]string{"a", "B", "a b", "\u00e9"})
		}
	})
}

// A listing ends, whatever its pages say, and says so where it may not hold
// everything.
func FuzzListing(f *testing.F) {
	for _, s := range []string{`{"totalRecords":3,"tables":[{"id":"a"},{"id":2}]}`, `[{"id":"a"}]`, `{"hasMore":true,"tables":{}}`, ``, `{"error":"x"}`} {
		f.Add([]byte(s), []byte(`{"totalRecords":"9","tables":[{"id":"b"}]}`), []byte(`[]`))
	}
	f.Fuzz(func(t *testing.T, first, second, third []byte) {
		so := progress{named: -1}
		seen := map[string]bool{}
		for i := 0; ; i++ {
			page, entries, err := decodePage([][]byte{first, second, third}[i%3], "tables", so.skip, tableReader("d"))
			if err != nil {
				return
			}
			fresh := 0
			for _, e := range entries {
				if e.id == "" || e.value.ID != e.id {
					t.Fatalf("entry %+v", e)
				}
				if !seen[e.id] {
					seen[e.id] = true
					fresh++
				}
			}
			if so.turn(page, fresh) {
				break
			}
			if i > 3 {
				t.Fatal("it does not end")
			}
		}
		if so.named > so.entries && len(so.doubts) == 0 {
			t.Errorf("named %d, gave %d, and no doubt", so.named, so.entries)
		}
	})
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return strings.TrimSpace(err.Error())
}
