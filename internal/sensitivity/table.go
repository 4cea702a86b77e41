package sensitivity

import (
	"slices"
	"strings"
)

// Table is a table as far as it is known without its rows.
type Table struct {
	Name    string
	Columns []Header
}

// Header is what is known of a column without its rows.
type Header struct{ Name, Type string }

// token is a word of a name.
type token struct {
	text, stem string
	written    string // with the particle before it, for a person
	role       role
	subject    subject
	shared     bool // most columns of the table have it in this place: it tells none apart
	digits     bool
	known      bool // a rule has it
}

// reading is what a table's name and columns say of the table.
type reading struct {
	title     []token
	about     subject
	named     string // the word of the table's name, or the column, that tells that it is about persons
	languages language
	refers    bool // a column speaks of a person
	lists     bool // it is about things or institutions, and no column speaks of a person
	places    bool // it is about towns or streets, and no column speaks of a person
	columns   [][]token
	found     [][]match // the phrases in every column's name, whatever their conditions
}

// read takes a table as a whole: in which languages it speaks, whom or what it
// is about, and which words its columns have in common.
func (r *Rules) read(t Table) reading {
	var table reading
	title := r.tokens(t.Name)
	table.columns = make([][]token, len(t.Columns))
	for i, c := range t.Columns {
		table.columns[i] = r.tokens(c.Name)
	}
	r.cutSharedPrefix(table.columns)
	table.languages = r.spoken(title, table.columns)
	r.give(title, table.languages)
	for _, name := range table.columns {
		r.give(name, table.languages)
	}
	table.title = title
	shared := markShared(title, table.columns)
	for _, w := range append(title, shared...) {
		table.about |= w.subject
		if w.subject&person != 0 && table.named == "" {
			table.named = "its name"
		}
	}
	table.found = make([][]match, len(table.columns))
	for i, name := range table.columns {
		table.found[i] = r.find(name)
	}
	r.weigh(&table, t)
	return table
}

// weigh settles what the table is about. A column that only persons have wins
// over the name; else a thing in the name wins over a person (user_roles), and
// a person over an institution (hospital_patients).
func (r *Rules) weigh(table *reading, t Table) {
	var fromColumns subject
	for i, name := range table.columns {
		for _, m := range table.found[i] {
			if m.tells == 0 || m.languages != 0 && m.languages&table.languages == 0 || m.leftOver(name, changes) {
				continue
			}
			if table.about&institution != 0 && m.leftOver(name, another) {
				continue // the contact person's first name in a table of hospitals
			}
			if m.tells&person != 0 && fromColumns&person == 0 {
				table.named = "the column “" + t.Columns[i].Name + "”"
			}
			fromColumns |= m.tells
		}
	}
	table.about |= fromColumns
	if table.about&cases != 0 || fromColumns&person != 0 || table.mentions(person|cases) {
		table.about &^= catalogue
	} else {
		table.about &^= health // a list of illnesses or drugs is nobody's
	}
	table.refers = table.mentions(person | cases)
	persons := table.refers || (fromColumns|table.about)&person != 0
	table.lists = table.about&(thing|institution) != 0 && !persons
	table.places = table.about&place != 0 && !persons
	switch {
	case fromColumns&person != 0:
		table.about &^= thing | institution
	case table.about&thing != 0:
		table.about &^= person
	case table.about&person != 0:
		table.about &^= institution
	}
}

// common reports whether the phrase is only what the columns of the table have
// in common, and the word that tells this one apart is not about it: ip in
// ip_range, beside ip_start and ip_rule.
func (m match) common(name []token) bool {
	for _, w := range name[m.from:m.to] {
		if !w.shared {
			return false
		}
	}
	return m.leftOver(name, changes)
}

// another reports whether a word beside a thing says that it is a person's of
// whom the table is not.
func another(w token) bool { return !w.shared && w.subject&person != 0 }

// changes reports whether a word beside a thing may make it another thing:
// gender_target is no person's gender.
func changes(w token) bool {
	return !w.shared && !w.digits && w.subject&person == 0 && w.role&^harmless != 0 || w.unknown()
}

// unknown reports whether the rules say nothing of what the word does.
func (w token) unknown() bool { return !w.shared && !w.digits && w.role == 0 && w.subject == 0 }

// mentions reports whether a column speaks of one of these subjects.
func (t *reading) mentions(about subject) bool {
	for _, name := range t.columns {
		for _, w := range name {
			if w.subject&about != 0 {
				return true
			}
		}
	}
	return false
}

// tokens cuts a name into words, and words written together into their parts.
func (r *Rules) tokens(name string) []token {
	var list []token
	before := ""
	for _, w := range words(name) {
		if particles[w] {
			before += w + " "
			continue
		}
		for _, part := range r.parts(w) {
			if particles[part] {
				continue // causeofdeath
			}
			full := r.expand(part)
			list = append(list, token{text: full, stem: stem(full), written: before + part, digits: part[0] >= '0' && part[0] <= '9', known: r.known(full)})
			before = ""
		}
	}
	return list
}

// give looks up what the words do in tables of these languages.
func (r *Rules) give(name []token, spoken language) {
	for i := range name {
		for _, m := range r.meanings[name[i].stem] {
			if m.languages == 0 || m.languages&spoken != 0 {
				name[i].role |= m.role
				name[i].subject |= m.subject
			}
		}
	}
}

// spoken are the languages of which the names have two words that no other
// language's rules know, or one in a small table.
func (r *Rules) spoken(title []token, columns [][]token) language {
	count := map[language]int{}
	seen := map[string]bool{}
	note := func(name []token) {
		for _, w := range name {
			by := r.vocabulary[w.stem]
			if by != 0 && by&(by-1) == 0 && len(w.stem) > 2 && !r.gated[w.stem] && !seen[w.stem] {
				seen[w.stem] = true
				count[by]++
			}
		}
	}
	note(title)
	for _, name := range columns {
		note(name)
	}
	var spoken language
	for by, n := range count {
		if n >= 2 || len(columns) <= 3 {
			spoken |= by
		}
	}
	return spoken
}

// manyColumns is from how many columns on a common beginning or end counts.
const manyColumns = 3

// markShared marks a first word and a last word that most columns have in
// common, like emp in emp_name, emp_street and emp_zip, and returns them.
func markShared(title []token, columns [][]token) []token {
	// A word that makes a fact of a thing still does, unless it is the table's
	// own: ip_log in the table of logs.
	free := func(w *token) bool {
		return w.role&^(harmless|dull) == 0 || slices.ContainsFunc(title, func(t token) bool { return t.stem == w.stem })
	}
	var common []token
	for _, last := range []bool{false, true} {
		for again := true; again; {
			again = false
			count := map[string]int{}
			for _, name := range columns {
				if w := outermost(name, last); w != nil && free(w) && !w.digits {
					count[w.stem]++
				}
			}
			for _, name := range columns {
				w := outermost(name, last)
				if w == nil || !free(w) {
					continue
				}
				if n := count[w.stem]; n < manyColumns || n*5 < len(columns)*3 {
					continue
				}
				if !again {
					common = append(common, *w)
				}
				w.shared, again = true, true
			}
		}
	}
	return common
}

// outermost is the first or last word of a name that is not shared, nil where
// only one is left.
func outermost(name []token, last bool) *token {
	var found *token
	left := 0
	for i := range name {
		if name[i].shared {
			continue
		}
		left++
		if found == nil || last {
			found = &name[i]
		}
	}
	if left < 2 {
		return nil
	}
	return found
}

// cutSharedPrefix cuts letters that no rule knows off words written together,
// where several columns begin with them and go on with words that are known:
// ktoi in ktoiname, ktoiplz, ktoistrasse.
func (r *Rules) cutSharedPrefix(columns [][]token) {
	const shortestPrefix, longestPrefix, enough = 2, 5, 4
	count := map[string]int{}
	each := func(visit func(name []token, prefix string, rest []string) bool) {
		for i := range columns {
			if len(columns[i]) == 0 {
				continue
			}
			w := columns[i][0]
			if w.digits || len(w.text) < shortestPrefix+shortest || r.known(w.text) {
				continue
			}
			for n := shortestPrefix; n <= longestPrefix && n+shortest <= len(w.text); n++ {
				if rest := r.parts(w.text[n:]); len(rest) > 1 || r.known(rest[0]) {
					if visit(columns[i], w.text[:n], rest) {
						var cut []token
						for _, part := range append([]string{w.text[:n]}, rest...) {
							cut = append(cut, token{text: part, stem: stem(part), written: part, shared: part == w.text[:n]})
						}
						columns[i] = append(cut, columns[i][1:]...)
						break
					}
				}
			}
		}
	}
	for _, name := range columns {
		// Behind a stranger, as in ktoivorname, it is cut already.
		if len(name) > 1 && len(name[0].text) >= shortestPrefix && len(name[0].text) <= longestPrefix && !r.known(name[0].text) {
			count[name[0].text]++
		}
	}
	each(func(_ []token, prefix string, _ []string) bool { count[prefix]++; return false })
	each(func(_ []token, prefix string, _ []string) bool { return count[prefix] >= enough })
}

// leftOver reports whether a word of the name outside of the match is such.
func (m match) leftOver(name []token, such func(token) bool) bool {
	for i, w := range name {
		if (i < m.from || i >= m.to) && such(w) {
			return true
		}
	}
	return false
}

func joined(name []token) string {
	list := make([]string, len(name))
	for i, w := range name {
		list[i] = w.written
	}
	return strings.Join(list, " ")
}
