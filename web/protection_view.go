package web

import "github.com/a-h/templ"

// Protected counts columns by how far they are protected (contract §3). The rest
// of Total is not encrypted.
type Protected struct {
	Verified   int     // what a headline counts
	Observed   int     // of the verified ones, under a later key version than the one that was verified
	Unverified int     // encrypted, and not verified
	Refused    int     // encrypted, and refused by the KMS
	Total      int     // columns
	Rate       float64 // Verified of Total in percent, two decimals

	// Links to the list behind each number; empty: there is none.
	VerifiedHref, UnverifiedHref, RefusedHref, OpenHref string
}

// open is how many columns are not encrypted.
func (p Protected) open() int { return p.Total - p.Verified - p.Unverified - p.Refused }

// rest are the numbers beside the headline, the worst first; what is zero is left
// out.
func (p Protected) rest() []Link {
	var list []Link
	add := func(n int, text, href string) {
		if n > 0 {
			list = append(list, Link{FormatNumber(int64(n)) + " " + text, href})
		}
	}
	add(p.Refused, "refused by the KMS", p.RefusedHref)
	add(p.Unverified, "encrypted, not verified", p.UnverifiedHref)
	add(p.open(), "not encrypted", p.OpenHref)
	return list
}

// verifiedOf is the headline's number in words, with what it leaves out.
func verifiedOf(p Protected) templ.Component {
	said := FormatNumber(int64(p.Verified)) + " of " + Plural(p.Total, "sensitive column", "sensitive columns")
	if rest := p.rest(); len(rest) > 0 {
		return sentenceOf(said+"; ", linksOf(rest, ""))
	}
	return sentenceOf(said)
}
