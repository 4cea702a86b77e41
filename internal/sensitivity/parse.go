package sensitivity

import (
	"bufio"
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cxseal/internal/fault"
)

// roles are the words that begin a line of words with a role.
var roles = map[string]role{"aspect": aspect, "leads": leads, "flag": yesNo, "dated": dated, "filler": filler, "coded": coded, "key": key, "dull": dull}

// parse adds the lines of a file of rules; rules/common.txt says how they
// are written.
func (r *Rules) parse(file []byte, speaks language, own bool) error {
	lines := bufio.NewScanner(bytes.NewReader(file))
	lines.Buffer(nil, maxRulesBytes)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := r.parseLine(line, speaks, own); err != nil {
			return fault.Wrap(err, fault.Invalid, "Line %d of the sensitivity rules cannot be understood: %v.", n, err)
		}
	}
	return lines.Err()
}

func (r *Rules) parseLine(line string, speaks language, own bool) error {
	begin, rest, _ := strings.Cut(line, " ")
	if does, ok := roles[begin]; ok {
		return r.parseWords(rest, speaks, meaning{role: does})
	}
	second, list, _ := strings.Cut(strings.TrimSpace(rest), " ")
	model := phrase{category: Category(begin), own: own}
	switch {
	case begin == "short" || begin == "alone":
		set := map[string]map[string]bool{"short": r.short, "alone": r.alone}[begin]
		for word := range strings.FieldsSeq(strings.ReplaceAll(rest, "|", " ")) {
			set[word] = true
		}
		return nil
	case begin == "subject" || begin == "tells":
		about, err := r.subject(second)
		if err != nil {
			return err
		}
		if begin == "subject" {
			return r.parseWords(list, speaks, meaning{subject: about})
		}
		model.tells = about
	case model.category != Not && !slices.Contains(Categories(), model.category):
		return fmt.Errorf("%q is not a category", begin)
	default:
		var err error
		if model.confidence, err = strconv.Atoi(second); err != nil || model.confidence < 1 || model.confidence > 100 {
			return fmt.Errorf("%q is not a confidence from 1 to 100", second)
		}
	}
	for written := range strings.SplitSeq(list, "|") {
		if err := r.parsePhrase(strings.TrimSpace(written), speaks, model); err != nil {
			return err
		}
	}
	return nil
}

// parseWords takes words with a role or a subject, one between two bars.
func (r *Rules) parseWords(list string, speaks language, m meaning) error {
	for written := range strings.SplitSeq(list, "|") {
		fields := strings.Fields(written)
		if len(fields) == 0 || strings.Contains(fields[0], "*") {
			return fmt.Errorf("%q is not a word", strings.TrimSpace(written))
		}
		w := m
		for _, f := range fields[1:] {
			only, ok := r.languages[strings.TrimPrefix(f, "@")]
			if !ok {
				return fmt.Errorf("%q is not one word", strings.TrimSpace(written))
			}
			w.languages |= only
		}
		word := plain(strings.ToLower(fields[0]))
		if m.role != dull {
			r.learn(word, speaks) // others must not make a compound or an abbreviation
		}
		r.meanings[stem(word)] = append(r.meanings[stem(word)], w)
	}
	return nil
}

// parsePhrase takes what stands between two bars: words, perhaps "if" with
// types, and perhaps conditions that begin with an at sign.
func (r *Rules) parsePhrase(written string, speaks language, p phrase) error {
	said, types, limited := strings.Cut(written, " if ")
	fields := strings.Fields(said)
	if limited {
		tail := strings.FieldsFunc(types, func(c rune) bool { return c == ',' || c == ' ' })
		for _, f := range tail {
			if strings.HasPrefix(f, "@") {
				fields = append(fields, f)
			} else {
				p.types = append(p.types, f)
			}
		}
	}
	for _, f := range fields {
		if name, ok := strings.CutPrefix(f, "@"); ok {
			if only, ok := r.languages[name]; ok {
				p.languages |= only
				continue
			}
			about, err := r.subject(name)
			if err != nil {
				return err
			}
			p.about |= about
			continue
		}
		if len(p.words) == 0 && !p.whole {
			f, p.whole = strings.CutPrefix(f, "=")
		}
		p.words = append(p.words, patternWords(f)...)
	}
	p.words = withoutParticles(p.words)
	if len(p.words) == 0 || limited && len(p.types) == 0 {
		return fmt.Errorf("the phrase %q has no words", written)
	}
	for _, w := range p.words {
		if p.languages != 0 && len(p.words) == 1 {
			r.gated[stem(w)] = true // a word that needs the language is no evidence of it
		}
		r.learn(w, speaks)
	}
	r.index(&p)
	return nil
}

// subject finds the bit of a subject, and makes one for a new name.
func (r *Rules) subject(name string) (subject, error) {
	at := slices.Index(r.subjects, name)
	if at < 0 {
		if at = len(r.subjects); at == 64 || name == "" {
			return 0, fmt.Errorf("%q is one subject too many, or none", name)
		}
		r.subjects = append(r.subjects, name)
	}
	return 1 << at, nil
}

// patternWords cuts a word of a phrase as a name is cut, so that icd10 finds
// icd_10 too. One with a star is taken as it is.
func patternWords(w string) []string {
	if strings.Contains(w, "*") {
		return []string{strings.ToLower(plain(w))}
	}
	return words(w)
}
