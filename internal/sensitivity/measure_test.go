package sensitivity

import (
	"bufio"
	"hash/fnv"
	"os"
	"strings"
	"testing"
)

// labelled is one line's worth of the hand-labelled set.
type labelled struct {
	name, columnType, source string
	sensitive                bool
	label                    string
}

func readLabelled(t testing.TB) []labelled {
	t.Helper()
	f, err := os.Open("testdata/columns.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var list []labelled
	seen := map[string]bool{}
	source := ""
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "" || line[0] == '#':
			continue
		case line[0] == '[':
			source = strings.Trim(line, "[]")
			continue
		}
		head, names, ok := strings.Cut(line, ":")
		columnType, label, ok2 := strings.Cut(head, " ")
		if !ok || !ok2 || source == "" {
			t.Fatalf("the labelled set has the line %q", line)
		}
		for _, name := range strings.Fields(names) {
			if seen[name] {
				t.Fatalf("%q stands in the labelled set twice", name)
			}
			seen[name] = true
			list = append(list, labelled{name, columnType, source, label != "-", label})
		}
	}
	return list
}

// aside is the fixed third that the rules were not written with: whoever
// changes a rule looks at the misses of the other two thirds only.
func aside(name string) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(strings.ToLower(name)))
	return h.Sum32()%3 == 0
}

type score struct{ hit, falseAlarm, missed, clear int }

func (s score) precision() float64 { return float64(s.hit) / float64(s.hit+s.falseAlarm) }
func (s score) recall() float64    { return float64(s.hit) / float64(s.hit+s.missed) }

// An officer who trusts the proposals must not be shown rows of false alarms,
// nor a coverage that leaves out what the rules never noticed.
func TestProposalsHoldOnNamesTheRulesWereNotWrittenWith(t *testing.T) {
	rules, err := Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	set := readLabelled(t)
	if len(set) < 600 {
		t.Fatalf("the labelled set has %d names, fewer than 600", len(set))
	}
	var kept, written score
	for _, c := range set {
		s := &written
		if aside(c.name) {
			s = &kept
		}
		proposed := rules.Propose(c.name, c.columnType).State == Sensitive
		switch {
		case proposed && c.sensitive:
			s.hit++
		case proposed:
			s.falseAlarm++
		case c.sensitive:
			s.missed++
		default:
			s.clear++
		}
		if s == &written && proposed != c.sensitive && testing.Verbose() {
			t.Logf("%s (%s, %s): proposed %v: %s", c.name, c.columnType, c.label, proposed, rules.Propose(c.name, c.columnType).Reason)
		}
	}
	t.Logf("written with: precision %.3f, recall %.3f over %d names", written.precision(), written.recall(), len(set)-kept.hit-kept.falseAlarm-kept.missed-kept.clear)
	t.Logf("kept aside:   precision %.3f, recall %.3f over %d names, %d of them sensitive",
		kept.precision(), kept.recall(), kept.hit+kept.falseAlarm+kept.missed+kept.clear, kept.hit+kept.missed)
	if kept.precision() < 0.90 || kept.recall() < 0.90 {
		t.Errorf("precision %.3f and recall %.3f on the names kept aside; both must be at least 0.90", kept.precision(), kept.recall())
	}
}

func BenchmarkPropose(b *testing.B) {
	rules, err := Load(nil)
	if err != nil {
		b.Fatal(err)
	}
	set := readLabelled(b)
	for i := 0; b.Loop(); i++ {
		c := set[i%len(set)]
		rules.Propose(c.name, c.columnType)
	}
}
