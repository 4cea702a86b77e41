package sensitivity

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	_ "embed" // rules.txt
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"cxseal/internal/fault"
)

//go:embed rules.txt
var builtIn []byte

// maxRulesBytes bounds an organisation's own file.
const maxRulesBytes = 1 << 20

// Category says what kind of thing a column seems to hold.
type Category string

// Every category. Not is what rules say of a column that only sounds sensitive.
const (
	NationalID  Category = "national_id"
	Card        Category = "card"
	BankAccount Category = "bank_account"
	Health      Category = "health"
	Secret      Category = "secret"
	BirthDate   Category = "birth_date"
	Contact     Category = "contact"
	Personal    Category = "personal"
	Not         Category = "not"
)

// Categories lists what a sensitive column can be, most serious first.
var Categories = []Category{NationalID, Card, BankAccount, Health, Secret, BirthDate, Contact, Personal}

// Rules decide what is proposed for a column.
type Rules struct {
	phrases []phrase
	version string
}

// phrase is words that must stand side by side in a name.
type phrase struct {
	category   Category
	confidence int
	text       string // as written, for an error about it
	words      []string
	whole      bool     // the name is nothing but these words
	types      []string // empty: any
}

// Version names the content of the rules: it changes when they do.
func (r *Rules) Version() string { return r.version }

// Load reads the built-in rules, then an organisation's own from more (nil for
// none), whose phrases win over equal ones. A line that cannot be understood is
// fault.Invalid and is named.
func Load(more io.Reader) (*Rules, error) {
	own := []byte(nil)
	if more != nil {
		var err error
		if own, err = io.ReadAll(io.LimitReader(more, maxRulesBytes+1)); err != nil {
			return nil, fmt.Errorf("read the sensitivity rules: %w", err)
		}
		if len(own) > maxRulesBytes {
			return nil, fault.New(fault.TooLarge, "The sensitivity rules are larger than 1 MiB.")
		}
	}
	r := &Rules{}
	if err := r.parse(builtIn); err != nil {
		return nil, err
	}
	base := len(r.phrases)
	if err := r.parse(own); err != nil {
		return nil, err
	}
	for _, p := range r.phrases[base:] {
		same := func(q phrase) bool {
			return q.whole == p.whole && slices.Equal(q.words, p.words) && slices.Equal(q.types, p.types)
		}
		if i := slices.IndexFunc(r.phrases[:base], same); i >= 0 {
			r.phrases = slices.Delete(r.phrases, i, i+1)
			base--
		}
	}
	// The surest first, so that the first that matches decides; of equals,
	// what says "sensitive": a needless look costs less than a missed column.
	slices.SortStableFunc(r.phrases, func(a, b phrase) int {
		if a.confidence != b.confidence {
			return b.confidence - a.confidence
		}
		return weight(a) - weight(b)
	})
	sum := sha256.Sum256(slices.Concat(builtIn, []byte{0}, own))
	r.version = hex.EncodeToString(sum[:8])
	return r, nil
}

func weight(p phrase) int {
	if p.category == Not {
		return 1
	}
	return 0
}

func (r *Rules) parse(file []byte) error {
	lines := bufio.NewScanner(bytes.NewReader(file))
	lines.Buffer(nil, maxRulesBytes)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := r.parseLine(line); err != nil {
			return fault.Wrap(err, fault.Invalid, "Line %d of the sensitivity rules cannot be understood: %v.", n, err)
		}
	}
	return lines.Err()
}

func (r *Rules) parseLine(line string) error {
	category, rest, _ := strings.Cut(line, " ")
	sure, list, _ := strings.Cut(strings.TrimSpace(rest), " ")
	if Category(category) != Not && !slices.Contains(Categories, Category(category)) {
		return fmt.Errorf("%q is not a category", category)
	}
	confidence, err := strconv.Atoi(sure)
	if err != nil || confidence < 1 || confidence > 100 {
		return fmt.Errorf("%q is not a confidence from 1 to 100", sure)
	}
	for text := range strings.SplitSeq(list, "|") {
		p := phrase{category: Category(category), confidence: confidence, text: strings.TrimSpace(text)}
		words, types, limited := strings.Cut(p.text, " if ")
		if limited {
			p.types = strings.FieldsFunc(types, func(r rune) bool { return r == ',' || r == ' ' })
		}
		words, p.whole = strings.CutPrefix(strings.TrimSpace(words), "=")
		for _, w := range strings.Fields(words) {
			p.words = append(p.words, patternWords(w)...)
		}
		if len(p.words) == 0 || limited && len(p.types) == 0 {
			return fmt.Errorf("the phrase %q has no words", p.text)
		}
		r.phrases = append(r.phrases, p)
	}
	return nil
}

// patternWords cuts a word of a phrase as a name is cut, so that icd10 finds
// icd_10 too. One with a star is taken as it is.
func patternWords(w string) []string {
	if strings.Contains(w, "*") {
		return []string{strings.ToLower(plain(w))}
	}
	return words(w)
}

// matches reports whether the phrase stands in the name.
func (p *phrase) matches(name []string, kind, columnType string) bool {
	if len(p.types) > 0 && !slices.Contains(p.types, kind) && !slices.Contains(p.types, columnType) {
		return false
	}
	if p.whole && len(name) != len(p.words) {
		return false
	}
	for at := 0; at+len(p.words) <= len(name); at++ {
		if p.matchesAt(name[at:]) {
			return true
		}
	}
	return false
}

func (p *phrase) matchesAt(name []string) bool {
	for i, pattern := range p.words {
		if !matchWord(pattern, name[i]) {
			return false
		}
	}
	return true
}

func matchWord(pattern, word string) bool {
	inner, opens := strings.CutPrefix(pattern, "*")
	inner, closes := strings.CutSuffix(inner, "*")
	switch {
	case opens && closes:
		return strings.Contains(word, inner)
	case opens:
		return strings.HasSuffix(word, inner)
	case closes:
		return strings.HasPrefix(word, inner)
	}
	return pattern == word
}
