package sensitivity

import (
	"slices"
	"strings"
)

// phrase is words that must stand side by side in a name, and what they say.
type phrase struct {
	category   Category
	confidence int
	tells      subject // not 0: a column so named makes the table one about this, and no more

	words     []string
	whole     bool     // the name is nothing but these words
	types     []string // empty: what carries the category
	about     subject  // the table, or a word of the name, must be about one of these; 0: any
	languages language // the table must speak one of these; 0: any
	own       bool     // of an organisation's own rules
}

// subject is a set of what a table can be about. Rules name more of them than
// these, which the grammar knows.
type subject uint64

// What makes a name or an address that of a natural person, or not.
const (
	person subject = 1 << iota
	thing
	institution
	health
	cases     // of persons: the table refers to a patient, a visit, an admission
	catalogue // a list of what there is: diseases, drugs
	apparatus // servers, roles, queues: their addresses are nobody's
	place     // towns, streets, postal codes: a list of them is nobody's
)

// language is a set of languages of the rules.
type language uint16

// role is a set of what a word does to the thing that a name speaks of.
type role uint8

// The roles of words.
const (
	aspect role = 1 << iota // after the thing: the column is a fact about it
	leads                   // before the thing: the same
	yesNo                   // the column says yes or no
	dated                   // the column says when
	filler                  // changes nothing
	coded                   // kept as a number, often that of a value: the number is the thing
	key                     // the number of a row
	dull                    // says what the column holds, and that it is nobody's
)

// harmless are the roles of words that make nothing else of a thing.
const harmless = filler | coded | key

// meaning is what a word does in a name, and in which languages it does.
type meaning struct {
	role      role
	subject   subject
	languages language // 0: any
}

// lexicon is what the rules say of words.
type lexicon struct {
	first  map[string][]*phrase // by the stem of their first word
	begins map[string][]*phrase // whose first word is "word*"
	ends   map[string][]*phrase // "*word"
	loose  []*phrase            // "*word*" or "*"

	starred []int // how long the words of begins and ends are

	meanings map[string][]meaning // by stem
	subjects []string             // their names, in the order of their bits

	vocabulary map[string]language // every word and its stem, with the files that know it
	gated      map[string]bool     // stems that mean something in tables of a language only: no evidence of it
	short      map[string]bool     // words under shortest that may be part of a compound
	whole      map[string]bool     // those that are no mere beginnings or ends, as of "diabet*"
	alone      map[string]bool     // words that are never part of one: legalidade is no idade
	longest    int
	shortened  abbreviations
}

func newLexicon() *lexicon {
	return &lexicon{first: map[string][]*phrase{}, begins: map[string][]*phrase{}, ends: map[string][]*phrase{}, meanings: map[string][]meaning{},
		subjects: []string{"person", "thing", "institution", "health", "case", "catalogue", "apparatus", "place"}, vocabulary: map[string]language{}, gated: map[string]bool{}, short: map[string]bool{}, whole: map[string]bool{}, alone: map[string]bool{}}
}

// learn makes a word part of the vocabulary.
func (l *lexicon) learn(word string, by language) {
	starred := strings.Contains(word, "*")
	if word = strings.Trim(word, "*"); word == "" {
		return
	}
	for _, w := range []string{word, stem(word)} {
		l.vocabulary[w] |= by
		l.whole[w] = l.whole[w] || !starred
	}
	l.longest = max(l.longest, len(word)+1)
}

func (l *lexicon) index(p *phrase) {
	w := p.words[0]
	switch opens, closes := strings.HasPrefix(w, "*"), strings.HasSuffix(w, "*"); {
	case opens && closes:
		l.loose = append(l.loose, p)
	case opens:
		l.ends[w[1:]] = append(l.ends[w[1:]], p)
		l.lengthen(len(w) - 1)
	case closes:
		l.begins[w[:len(w)-1]] = append(l.begins[w[:len(w)-1]], p)
		l.lengthen(len(w) - 1)
	default:
		l.first[stem(w)] = append(l.first[stem(w)], p)
	}
}

func (l *lexicon) lengthen(n int) {
	if !slices.Contains(l.starred, n) {
		l.starred = append(l.starred, n)
	}
}

// match is a phrase that was found in a name.
type match struct {
	*phrase
	from, to int // its words
}

// find returns every phrase that stands in the name, whatever its conditions.
func (l *lexicon) find(name []token) []match {
	var found []match
	try := func(list []*phrase, at int) {
		for _, p := range list {
			if p.standsAt(name, at) {
				found = append(found, match{p, at, at + len(p.words)})
			}
		}
	}
	for at, w := range name {
		try(l.first[w.stem], at)
		for _, n := range l.starred {
			if n <= len(w.text) {
				try(l.begins[w.text[:n]], at)
				try(l.ends[w.text[len(w.text)-n:]], at)
			}
		}
		try(l.loose, at)
	}
	return found
}

// ofType reports whether the phrase speaks of the column's type alone.
func (p *phrase) ofType() bool { return len(p.words) == 1 && p.words[0] == "*" }

// standsAt reports whether the phrase stands at this word of the name.
func (p *phrase) standsAt(name []token, at int) bool {
	if at+len(p.words) > len(name) {
		return false
	}
	for i, pattern := range p.words {
		if !matchWord(pattern, name[at+i]) {
			return false
		}
	}
	if !p.whole {
		return true
	}
	for i, w := range name {
		if (i < at || i >= at+len(p.words)) && !w.shared && !w.digits {
			return false
		}
	}
	return true
}

func matchWord(pattern string, w token) bool {
	inner, opens := strings.CutPrefix(pattern, "*")
	inner, closes := strings.CutSuffix(inner, "*")
	switch {
	case opens && closes:
		return strings.Contains(w.text, inner)
	case opens:
		return strings.HasSuffix(w.text, inner)
	case closes:
		return strings.HasPrefix(w.text, inner)
	}
	return pattern == w.text || stem(pattern) == w.stem
}
