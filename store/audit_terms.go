package store

import (
	"crypto/sha256"
	"database/sql/driver"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"cxseal/internal/audit"
)

// The index of terms (audit_terms) holds, for each block of 4,096 records, which
// of them have a term. A term is a letter for its kind and a value: that of a
// field, a word, two words that stand side by side, the first letter or two of a
// word. Whatever is searched for then is a few sets of bits a block to be
// combined, however common each of them is.
//
// The kinds whose values the log's page counts are the first four.
const (
	termOperation  = "a"
	termOutcome    = "b"
	termActor      = "c"
	termConnection = "d"
	termRole       = "e"
	termDatastore  = "f"
	termTable      = "g"
	termColumn     = "h" // one of the record's columns, exactly
	termHour       = "t" // of its time
	termPair       = "p" // two words side by side, with a space between
	termBeginning  = "v" // the first letter of a word, or the first two
	termWord       = "w"
)

// facetsFrom and facetsTo bound the kinds whose values are counted, in the order
// of facetFields.
const (
	facetsFrom = termOperation
	facetsTo   = termRole
)

// fieldTerms are the kinds of the fields that the search box knows. A run has few
// records, and an index of its own.
var fieldTerms = map[audit.Field]string{
	audit.FieldOperation: termOperation, audit.FieldOutcome: termOutcome, audit.FieldActor: termActor, audit.FieldConnection: termConnection,
	audit.FieldRole: termRole, audit.FieldDatastore: termDatastore, audit.FieldTable: termTable, audit.FieldColumn: termColumn,
}

// The bytes that terms have of a word and of a field's value: with more they end
// in a digest.
const (
	longestWord  = 64
	longestValue = 1000
)

// maxRune is in no word: it ends a range of terms that begin alike.
const maxRune = "\U0010ffff"

// shortened is a value or word as it stands in its term. A long one is cut, and
// its digest keeps it apart from others that begin alike.
func shortened(value string, most int) string {
	if len(value) <= most {
		return value
	}
	sum := sha256.Sum256([]byte(value))
	return cut(value, most) + hex.EncodeToString(sum[:])
}

// cut is the part of a long value that stands in its term.
func cut(value string, most int) string {
	at := min(len(value), most)
	for at > 0 && at < len(value) && !utf8.RuneStart(value[at]) {
		at--
	}
	return value[:at]
}

// termRow is what of a record has terms.
type termRow struct {
	seq                             int64
	timestamp                       string
	operation, outcome, actor, role string
	connection, datastore, table    string
	columns                         []string
	detail                          string
}

const termColumns = `seq, ifnull(timestamp, ''), ifnull(operation, ''), ifnull(outcome, ''), ifnull(actor, ''), ifnull(actor_role, ''),
	ifnull(connection, ''), ifnull(datastore_id, ''), ifnull(table_id, ''), columns, ifnull(detail, '')`

func scanTermRow(row scanner) (r termRow, err error) {
	var columns any
	err = row.Scan(&r.seq, &r.timestamp, &r.operation, &r.outcome, &r.actor, &r.role, &r.connection, &r.datastore, &r.table, &columns, &r.detail)
	r.columns = columnNames(columns)
	return r, err
}

// termBlock gathers the terms of records of one block.
type termBlock struct {
	places  map[string]*[]uint16 // of each term, rising
	scratch []byte
}

func newTermBlock() *termBlock { return &termBlock{places: map[string]*[]uint16{}} }

// add adds a record, whose place is behind those that are there.
func (b *termBlock) add(r *termRow) {
	place := uint16(placeIn(r.seq)) //nolint:gosec // G115: less than blockRecords
	for _, v := range [...]struct{ kind, value string }{
		{termOperation, r.operation}, {termOutcome, r.outcome}, {termActor, r.actor}, {termRole, r.role},
		{termConnection, r.connection}, {termDatastore, r.datastore}, {termTable, r.table},
		{termHour, r.timestamp[:min(len(r.timestamp), hourLength)]},
	} {
		if v.value != "" {
			b.put(place, v.kind, shortened(v.value, longestValue), "")
		}
	}
	for _, name := range r.columns {
		b.put(place, termColumn, shortened(name, longestValue), "")
	}
	before := ""
	for _, word := range tokens(searchedText(r.columns, r.detail)) {
		short := shortened(word, longestWord)
		b.put(place, termWord, short, "")
		_, first := utf8.DecodeRuneInString(word)
		b.put(place, termBeginning, word[:first], "")
		if first < len(word) {
			_, second := utf8.DecodeRuneInString(word[first:])
			b.put(place, termBeginning, word[:first+second], "")
		}
		if before != "" {
			b.put(place, termPair, before, short)
		}
		before = short
	}
}

func (b *termBlock) put(place uint16, kind, value, next string) {
	b.scratch = append(append(b.scratch[:0], kind...), value...)
	if next != "" {
		b.scratch = append(append(b.scratch, ' '), next...)
	}
	list := b.places[string(b.scratch)]
	if list == nil {
		list = &[]uint16{}
		b.places[string(b.scratch)] = list
	}
	if n := len(*list); n == 0 || (*list)[n-1] != place {
		*list = append(*list, place)
	}
}

// addTo adds the places of a term to a set.
func (b *termBlock) addTo(set *recordSet, term string) {
	if list := b.places[term]; list != nil {
		for _, place := range *list {
			set.add(int(place))
		}
	}
}

// searchedText is what of a record the search for words looks at.
func searchedText(columns []string, detail string) string {
	if len(columns) == 0 {
		return detail
	}
	return strings.Join(columns, " ") + " " + detail
}

// tokens are the words of a text without case and accents: letters, numbers and
// private use make words, and marks within them are dropped.
func tokens(text string) []string {
	if plain, ok := plainTokens(text); ok {
		return plain
	}
	text = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.M, r) {
			return -1
		}
		return r
	}, strings.ToLower(norm.NFD.String(text)))
	return strings.FieldsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.Is(unicode.Co, r)
	})
}

// plainTokens are the words of an ASCII text, which most are.
func plainTokens(text string) (words []string, ok bool) {
	lower := make([]byte, len(text))
	for i := range len(text) {
		c := text[i]
		switch {
		case c >= utf8.RuneSelf:
			return nil, false
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		default:
			c = ' '
		}
		lower[i] = c
	}
	return strings.Fields(string(lower)), true
}

// hasPhrase reports whether the words of the phrase stand together, in order;
// with beginning, its last one is the beginning of a word.
func hasPhrase(text, want []string, beginning bool) bool {
	last := len(want) - 1
	if last < 0 {
		return false
	}
	for at := 0; at+last < len(text); at++ {
		end := text[at+last]
		if slices.Equal(text[at:at+last], want[:last]) && (end == want[last] || beginning && strings.HasPrefix(end, want[last])) {
			return true
		}
	}
	return false
}

// columnNames reads a record's columns; what is no list of names has none.
func columnNames(v driver.Value) []string {
	text, _ := v.(string)
	var list []string
	if text == "" || json.Unmarshal([]byte(text), &list) != nil {
		return nil
	}
	return list
}
