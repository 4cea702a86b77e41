package sensitivity

import (
	"flag"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var leaveOut = flag.Int("leave-out", 0, "the `percent` of what only one schema's names use that TestMeasureLeavingOut takes out of the rules")

// used are the phrases and words of the rules that the names of tables use.
type used struct {
	phrases map[*phrase]bool
	words   map[string]bool // stems
}

func usedBy(r *Rules, tables []labelledTable) used {
	u := used{map[*phrase]bool{}, map[string]bool{}}
	for _, t := range tables {
		table := r.read(t.shape())
		for i, name := range append(table.columns, table.title) {
			for _, w := range name {
				u.words[w.stem] = true
			}
			if i < len(table.found) {
				for _, m := range table.found[i] {
					u.phrases[m.phrase] = true
				}
			}
		}
	}
	return u
}

// sample keeps what others do not use, and of it a share that is the same in
// every run with the same seed.
func (u used) sample(others []used, percent, seed int) used {
	kept := used{maps.Clone(u.phrases), maps.Clone(u.words)}
	out := func(text string) bool {
		h := fnv.New32a()
		_, _ = h.Write([]byte(text + strconv.Itoa(seed)))
		return int(h.Sum32()/7%100) >= percent
	}
	maps.DeleteFunc(kept.phrases, func(p *phrase, _ bool) bool {
		return out(strings.Join(p.words, " ")) || slices.ContainsFunc(others, func(o used) bool { return o.phrases[p] })
	})
	maps.DeleteFunc(kept.words, func(w string, _ bool) bool {
		return out(w) || slices.ContainsFunc(others, func(o used) bool { return o.words[w] })
	})
	return kept
}

// without are the rules as if nobody had thought of these phrases and words.
func (r *Rules) without(lost used) *Rules {
	l := *r.lexicon
	keep := func(list []*phrase) []*phrase {
		return slices.DeleteFunc(slices.Clone(list), func(p *phrase) bool { return lost.phrases[p] })
	}
	for _, index := range []*map[string][]*phrase{&l.first, &l.begins, &l.ends} {
		kept := map[string][]*phrase{}
		for word, list := range *index {
			kept[word] = keep(list)
		}
		*index = kept
	}
	l.loose = keep(l.loose)
	l.meanings, l.vocabulary = maps.Clone(l.meanings), maps.Clone(l.vocabulary)
	maps.DeleteFunc(l.meanings, func(w string, _ []meaning) bool { return lost.words[w] })
	maps.DeleteFunc(l.vocabulary, func(w string, _ language) bool { return lost.words[stem(w)] })
	l.abbreviate()
	return &Rules{lexicon: &l, languages: r.languages}
}

// TestMeasureLeavingOut prints how good the proposals for each schema of the
// development set are with rules that lack a share of what no other schema of
// it uses, drawn three times:
//
//	go test ./internal/sensitivity -run LeavingOut -v -leave-out 33
//
// Rules fit the schemas that they were written with. This shows what they do
// with names that they miss, without the schemas that are held out.
func TestMeasureLeavingOut(t *testing.T) {
	if *leaveOut == 0 {
		t.Skip("asked for by -leave-out")
	}
	r := mustLoad(t, "")
	tables, err := readSet("testdata/labelled_dev.csv")
	if err != nil {
		t.Fatal(err)
	}
	schemas := map[string][]labelledTable{}
	for _, table := range tables {
		schemas[table.columns[0].schema] = append(schemas[table.columns[0].schema], table)
	}
	uses := map[string]used{}
	for schema, list := range schemas {
		uses[schema] = usedBy(r, list)
	}
	m := newMeasured()
	for seed := range 3 {
		for schema, list := range schemas {
			others := maps.Clone(uses)
			delete(others, schema)
			m.addAll(r.without(uses[schema].sample(slices.Collect(maps.Values(others)), *leaveOut, seed)), list)
		}
	}
	t.Logf("with %d %% of what only one schema uses left out\n%s", *leaveOut, m)
}
