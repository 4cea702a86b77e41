package sensitivity

import (
	"crypto/sha256"
	"flag"
	"strings"
	"testing"
)

var (
	labelledFile = flag.String("labelled", "testdata/labelled_dev.csv", "the labelled `set` that TestMeasure takes")
	onlySchemas  = flag.String("schemas", "", "measure these schemas only, with commas between them")
	showMisses   = flag.Bool("misses", false, "name every column that TestMeasure finds proposed wrongly")
)

// TestMeasure prints how good the proposals are on a labelled set:
//
//	go test ./internal/sensitivity -run Measure -v -labelled FILE
//
// It names no column of the set unless it is asked to by -misses, so that a set
// kept aside stays unseen. A relative FILE is looked for in this folder.
func TestMeasure(t *testing.T) {
	tables, err := readSet(*labelledFile)
	if err != nil {
		t.Fatal(err)
	}
	if *onlySchemas != "" {
		tables = ofSchemas(tables, strings.Split(*onlySchemas, ","))
	}
	m := measure(mustLoad(t, ""), tables)
	t.Logf("%s\n%s", *labelledFile, m)
	if *showMisses {
		t.Logf("missed:\n%s\n\nfalse alarms:\n%s\n\nundecided, proposed as sensitive:\n%s",
			strings.Join(m.missed, "\n"), strings.Join(m.alarms, "\n"), strings.Join(m.open, "\n"))
	}
}

func ofSchemas(tables []labelledTable, schemas []string) []labelledTable {
	var some []labelledTable
	for _, t := range tables {
		for _, s := range schemas {
			if t.columns[0].schema == s {
				some = append(some, t)
			}
		}
	}
	return some
}

// An officer who trusts the proposals must not be shown rows of false alarms,
// nor a coverage that leaves out what the rules never noticed. The rules were
// written with the first two sets; nobody who wrote rules looked at the third. The
// bounds keep what was reached, which falls short of the goal of 0.92 for recall
// on the third (docs/sensitivity.md). What nobody answers is bounded too: officers
// go through it. The second was labelled by an older
// guideline, to which a customer's number was nothing.
func TestProposalsStayAsGoodAsTheyWere(t *testing.T) {
	for _, set := range []struct {
		path                        string
		columns                     int
		precision, recall, answered float64 // at least
		undecided                   float64 // at most
	}{
		{"testdata/labelled_dev.csv", 3700, 0.97, 0.92, 0.95, 0.11},
		{"testdata/columns.txt", 1100, 0.93, 0.91, 0.91, 0.03},
		{"testdata/labelled_heldout.csv", 1500, 0.91, 0.83, 0.90, 0.13},
	} {
		tables, err := readSet(set.path)
		if err != nil {
			t.Fatal(err)
		}
		m := measure(mustLoad(t, ""), tables)
		if n := m.all.hit + m.all.missed + m.all.falseAlarm + m.all.clear; n < set.columns {
			t.Errorf("%s has %d columns that are labelled as sensitive or not, fewer than %d", set.path, n, set.columns)
		}
		if m.all.precision() < set.precision || m.all.recall() < set.recall {
			t.Errorf("%s: precision %.3f and recall %.3f, want %.2f and %.2f at least", set.path, m.all.precision(), m.all.recall(), set.precision, set.recall)
		}
		answered, undecided := share(m.all.hit, m.all.hit+m.all.silent()), share(m.all.undecided(), m.all.columns())
		if answered < set.answered || undecided > set.undecided {
			t.Errorf("%s: recall of what was answered %.3f and %.3f undecided, want %.2f at least and %.2f at most", set.path, answered, undecided, set.answered, set.undecided)
		}
	}
}

// Fails when a schema whose names the rules were written with is also one that
// they are measured on as unseen, or when one changes sides: testdata/README.md
// says by what bytes of its id a schema is held out.
func TestNoSchemaIsOnBothSides(t *testing.T) {
	sides := map[bool]map[string]bool{}
	for held, path := range map[bool]string{false: "testdata/labelled_dev.csv", true: "testdata/labelled_heldout.csv"} {
		tables, err := readSet(path)
		if err != nil {
			t.Fatal(err)
		}
		sides[held] = map[string]bool{}
		for _, table := range tables {
			sides[held][table.columns[0].schema] = true
		}
	}
	for schema := range sides[true] {
		if sides[false][schema] {
			t.Errorf("%s is a schema of the development set and held out", schema)
		}
		if sum := sha256.Sum256([]byte(schema)); sum[1]%2 == 0 {
			t.Errorf("%s is held out, but belongs to the development set", schema)
		}
	}
	if dev, held := len(sides[false]), len(sides[true]); held < 16 || dev+held < 40 {
		t.Errorf("%d schemas of development and %d held out are fewer than 40 and 16", dev, held)
	}
}

func TestWilsonsIntervalIsTheOneOfTheTextbook(t *testing.T) {
	// R: binom::binom.wilson(90, 100) and (0, 10).
	for _, c := range []struct {
		part, whole int
		want        string
	}{{90, 100, "0.900 (0.826 to 0.945)"}, {0, 10, "0.000 (0.000 to 0.278)"}, {0, 0, "-"}} {
		if got := interval(c.part, c.whole); got != c.want {
			t.Errorf("%d of %d: %s, want %s", c.part, c.whole, got, c.want)
		}
	}
}

// BenchmarkProposeWideTable proposes for a table of 2,000 columns.
func BenchmarkProposeWideTable(b *testing.B) {
	rules, err := Load(nil)
	if err != nil {
		b.Fatal(err)
	}
	set, err := readSet("testdata/labelled_dev.csv")
	if err != nil {
		b.Fatal(err)
	}
	wide := Table{Name: "customers"}
	for _, t := range set {
		for _, c := range t.columns {
			wide.Columns = append(wide.Columns, c.Header)
		}
	}
	wide.Columns = wide.Columns[:2000]
	for b.Loop() {
		rules.Propose(wide)
	}
}

// BenchmarkPropose10000Tables proposes for what a large tenant has, in one go:
// 10,000 tables of 20 columns.
func BenchmarkPropose10000Tables(b *testing.B) {
	rules, err := Load(nil)
	if err != nil {
		b.Fatal(err)
	}
	set, err := readSet("testdata/labelled_dev.csv")
	if err != nil {
		b.Fatal(err)
	}
	var all []Header
	for _, t := range set {
		for _, c := range t.columns {
			all = append(all, c.Header)
		}
	}
	for b.Loop() {
		for i := range 10_000 {
			at := i * 20 % (len(all) - 20)
			rules.Propose(Table{Name: set[i%len(set)].name, Columns: all[at : at+20]})
		}
	}
}
