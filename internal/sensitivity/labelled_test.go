package sensitivity

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// labelled is a column of a labelled set; testdata/README.md says by what
// guideline the labels were given.
type labelled struct {
	Header
	schema, language, table string
	label                   State
	category                string
}

// labelledTable is a table of a labelled set, with all its columns that are in
// the set.
type labelledTable struct {
	name    string
	columns []labelled
}

// propose takes the table as the product does: as a whole.
func (t labelledTable) propose(r *Rules) []Proposal { return r.Propose(t.shape()) }

// shape is the table without its labels.
func (t labelledTable) shape() Table {
	shape := Table{Name: t.name}
	for _, c := range t.columns {
		shape.Columns = append(shape.Columns, c.Header)
	}
	return shape
}

// readLabelled reads a labelled set in CSV, tables in the order of the file.
func readLabelled(file io.Reader) ([]labelledTable, error) {
	in := csv.NewReader(file)
	head, err := in.Read()
	if err != nil {
		return nil, err
	}
	if want := "schema,source,language,table,column,type,label,category"; strings.Join(head, ",") != want {
		return nil, fmt.Errorf("the first line is %q, want %q", strings.Join(head, ","), want)
	}
	var tables []labelledTable
	place := map[string]int{}
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return tables, nil
		}
		if err != nil {
			return nil, err
		}
		c := labelled{schema: row[0], language: row[2], table: row[3], Header: Header{row[4], row[5]}, label: State(row[6]), category: row[7]}
		if c.label != Sensitive && c.label != NotSensitive && c.label != Undecided || (c.label == Sensitive) != (c.category != "") {
			return nil, fmt.Errorf("%s.%s.%s is labelled %q, %q", c.schema, c.table, c.Name, c.label, c.category)
		}
		key := c.schema + "\x00" + c.table
		at, known := place[key]
		if !known {
			at = len(tables)
			place[key], tables = at, append(tables, labelledTable{name: c.table})
		}
		tables[at].columns = append(tables[at].columns, c)
	}
}

// readLoose reads columns.txt, whose names have no tables: each is proposed for
// alone.
func readLoose(file io.Reader) ([]labelledTable, error) {
	var tables []labelledTable
	schema := ""
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "" || line[0] == '#':
			continue
		case line[0] == '[':
			schema = strings.Trim(line, "[]")
			continue
		}
		head, names, ok := strings.Cut(line, ":")
		columnType, category, ok2 := strings.Cut(head, " ")
		if !ok || !ok2 || schema == "" {
			return nil, fmt.Errorf("the set has the line %q", line)
		}
		for _, name := range strings.Fields(names) {
			c := labelled{schema: schema, language: "any", Header: Header{name, columnType}, label: Sensitive, category: category}
			if category == "-" {
				c.label, c.category = NotSensitive, ""
			}
			tables = append(tables, labelledTable{columns: []labelled{c}})
		}
	}
	return tables, lines.Err()
}

func readSet(path string) ([]labelledTable, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if strings.HasSuffix(path, ".txt") {
		return readLoose(f)
	}
	return readLabelled(f)
}
