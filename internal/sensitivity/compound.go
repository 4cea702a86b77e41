package sensitivity

import "slices"

// shortest is how long a part of a compound is at least. Shorter ones must be
// in the rules as "short" words.
const shortest = 4

// shortestCompound is how long a compound is at least: toip.
const shortestCompound = 4

// A word that begins with letters that no rule knows is cut behind them where
// two known words or more follow, of this many letters together, none of them a
// short one. One alone would make a phone of headphone.
const (
	shortestStranger = 3
	shortestKnownEnd = 8
)

// parts cuts a word that is written together into words that the rules know:
// phonenumber is phone and number, kontoinhaber is konto and inhaber. A word
// that is not made of known words stays whole, so that headphone is no phone,
// unless two or more of them follow a stranger: notifierfirstname is notifier,
// first and name.
func (l *lexicon) parts(word string) []string {
	if len(word) < shortestCompound || l.known(word) || !isASCII(word) {
		return []string{word}
	}
	if cut := l.cut(word); cut != nil {
		return cut
	}
	for from := shortestStranger; len(word)-from >= shortestKnownEnd; from++ {
		cut := l.cut(word[from:])
		if len(cut) == 1 && l.isCompound(cut[0]) || len(cut) > 1 && !slices.ContainsFunc(cut, tooShort) {
			return append([]string{word[:from]}, cut...)
		}
	}
	return []string{word}
}

// isCompound reports whether a known word is made of two: firstname.
func (l *lexicon) isCompound(word string) bool {
	for at := shortest; at <= len(word)-shortest; at++ {
		if l.known(word[:at]) && l.known(word[at:]) {
			return true
		}
	}
	return false
}

func tooShort(part string) bool { return len(part) < shortest }

// cut is the way of fewest parts in which a word is made of known words alone,
// nil where there is none. The German s between two parts belongs to none.
func (l *lexicon) cut(word string) []string {
	type step struct{ parts, from int } // the best way to get here
	best := make([]step, len(word)+1)
	for end := 1; end <= len(word); end++ {
		best[end].parts = len(word) + 1
		for from := max(0, end-l.longest); from < end; from++ {
			if from > 0 && best[from].parts > len(word) {
				continue
			}
			if n := best[from].parts + 1; n < best[end].parts && l.part(word[from:end], from == 0) {
				best[end] = step{n, from}
			}
		}
	}
	if best[len(word)].parts > len(word) {
		return nil
	}
	cut := make([]string, best[len(word)].parts)
	for i, end := len(cut)-1, len(word); i >= 0; i-- {
		cut[i] = word[best[end].from:end]
		end = best[end].from
	}
	return cut
}

// part reports whether a word may be a part of a compound.
func (l *lexicon) part(word string, first bool) bool {
	if len(word) < shortest {
		return l.short[word]
	}
	if l.alone[word] {
		return false
	}
	if l.known(word) {
		return true
	}
	// mitgliedsnummer: the s stays with the part before it.
	return word[len(word)-1] == 's' && l.known(word[:len(word)-1])
}

func (l *lexicon) known(word string) bool {
	if _, ok := l.vocabulary[word]; ok {
		return true
	}
	_, ok := l.vocabulary[stem(word)]
	return ok
}
