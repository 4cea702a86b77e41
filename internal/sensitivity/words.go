package sensitivity

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// words cuts a name into lower-case words without accents: at whatever is
// neither letter nor digit, where camelCase begins a new word, and between
// letters and digits ("creditCardNo2" is credit, card, no, 2).
func words(name string) []string {
	var list []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			list = append(list, string(word))
			word = word[:0]
		}
	}
	letters := []rune(plain(name))
	for i, r := range letters {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
			continue
		case len(word) == 0:
		case unicode.IsDigit(r) != unicode.IsDigit(letters[i-1]):
			flush()
		case unicode.IsUpper(r) && !unicode.IsUpper(letters[i-1]):
			flush()
		case unicode.IsUpper(r) && i+1 < len(letters) && unicode.IsLower(letters[i+1]):
			flush() // the last capital of "IBANCode" begins a word
		}
		word = append(word, unicode.ToLower(r))
	}
	flush()
	return list
}

// particles stand between the words of a name and say nothing: date_of_birth
// and data_di_nascita are date birth and data nascita.
var particles = map[string]bool{"of": true, "the": true, "de": true, "di": true, "da": true, "do": true, "dos": true, "das": true,
	"del": true, "della": true, "dello": true, "dei": true, "delle": true, "du": true, "des": true, "der": true, "von": true}

// withoutParticles takes them out of a phrase, unless nothing would be left.
func withoutParticles(phrase []string) []string {
	kept := slices.DeleteFunc(slices.Clone(phrase), func(w string) bool { return particles[w] })
	if len(kept) == 0 {
		return phrase
	}
	return kept
}

// plain takes the accents off: é is e, ñ is n, ß is ss.
func plain(name string) string {
	if isASCII(name) {
		return name
	}
	var b strings.Builder
	for _, r := range norm.NFD.String(name) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case r == 'ß':
			b.WriteString("ss")
		case r == 'æ':
			b.WriteString("ae")
		case r == 'ø':
			b.WriteByte('o')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// stem makes the plural of a word equal to its singular, in the languages of
// the rules: addresses and address, allergies and allergy, apellidos and
// apellido. It need not be a word.
func stem(word string) string {
	switch {
	case len(word) < 5:
	case strings.HasSuffix(word, "sses"):
		return word[:len(word)-2]
	case strings.HasSuffix(word, "ies") && len(word) > 4:
		return word[:len(word)-3] + "y"
	case strings.HasSuffix(word, "s") && !strings.HasSuffix(word, "ss"):
		return word[:len(word)-1]
	}
	return word
}
