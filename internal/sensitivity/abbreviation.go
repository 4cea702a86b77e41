package sensitivity

import (
	"slices"
	"strings"
)

// An abbreviation that is not in the rules is expanded from these lengths on:
// shorter ones may be short for anything.
const (
	shortestSkeleton = 4
	shortestCut      = 6
)

// abbreviations finds the words that the rules know by how databases shorten
// them: cut off (pacient, complem) or without vowels (gndr, cstmr).
type abbreviations struct {
	sorted    []string
	skeletons map[string]string // empty for those that two words share
}

// abbreviate prepares for the words that are known now.
func (l *lexicon) abbreviate() {
	a := abbreviations{skeletons: map[string]string{}}
	for word := range l.vocabulary {
		if len(word) <= shortestSkeleton || !isASCII(word) || !l.whole[word] {
			continue
		}
		a.sorted = append(a.sorted, word)
		bone := skeleton(word)
		if other, ok := a.skeletons[bone]; ok && stem(other) != stem(word) {
			word = ""
		}
		a.skeletons[bone] = word
	}
	slices.Sort(a.sorted)
	l.shortened = a
}

// expand returns the word that an unknown one is short for, or the word itself.
func (l *lexicon) expand(word string) string {
	if len(word) < shortestSkeleton || l.known(word) {
		return word
	}
	if skeleton(word) == word {
		if full := l.shortened.skeletons[word]; full != "" {
			return full
		}
		return word
	}
	if len(word) < shortestCut {
		return word
	}
	// Cut off: of all words that begin so, the shortest.
	at, _ := slices.BinarySearch(l.shortened.sorted, word)
	best := ""
	for ; at < len(l.shortened.sorted) && strings.HasPrefix(l.shortened.sorted[at], word); at++ {
		if w := l.shortened.sorted[at]; best == "" || len(w) < len(best) {
			best = w
		}
	}
	if best == "" || len(word)*5 < len(best)*3 {
		return word
	}
	return best
}

// skeleton is a word without the vowels after its first letter.
func skeleton(word string) string {
	return word[:1] + strings.Map(func(r rune) rune {
		if strings.ContainsRune("aeiou", r) {
			return -1
		}
		return r
	}, word[1:])
}
