package cxone

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// This file reads single JSON values liberally (contract §1): a number may
// stand as text, a truth value as text or as 0 and 1, an empty object as []. A
// value that could mean two things is not read; its place is named instead.

// Unreadable is one place of an answer whose value could not be read without
// doubt. Only that place is unusable.
type Unreadable struct {
	Column string `json:"column,omitempty"` // the column concerned, "" where the table is
	Place  string `json:"place"`            // such as columns[3].encrypted
	Found  string `json:"found"`            // what stands there, shortened and redacted
}

// String says what stands where.
func (u Unreadable) String() string { return u.Place + " is " + u.Found }

// maxFound is how many characters of an unreadable value are repeated.
const maxFound = 40

func found(raw json.RawMessage) string {
	return shorten(clean(string(raw)), maxFound)
}

// fields is one JSON object. A key is looked up as it is, and where it is not
// there in any case that is unique (some servers write Name for name).
type fields struct {
	values map[string]json.RawMessage
	twice  map[string]bool // keys that stand there more than once with different values
}

// readFields reads an object; [] counts as an empty one, as PHP writes it.
func readFields(raw json.RawMessage) (fields, bool) {
	out := fields{values: map[string]json.RawMessage{}}
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || absent(raw) || emptyList(raw) {
		return out, true
	}
	if raw[0] != '{' {
		return out, false
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.Token(); err != nil {
		return out, false
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return out, false
		}
		name, ok := key.(string)
		var value json.RawMessage
		if !ok || dec.Decode(&value) != nil {
			return out, false
		}
		if before, known := out.values[name]; known && !bytes.Equal(before, value) {
			if out.twice == nil {
				out.twice = map[string]bool{}
			}
			out.twice[name] = true
		}
		out.values[name] = value
	}
	return out, true
}

// get returns the value of a key, nil where it is absent or null. It is not ok
// where two different values stand under the key.
func (f fields) get(key string) (value json.RawMessage, ok bool) {
	if value, known := f.values[key]; known {
		return nothing(value), !f.twice[key]
	}
	name := ""
	for k := range f.values {
		if !strings.EqualFold(k, key) {
			continue
		}
		if name != "" || f.twice[k] {
			return nothing(f.values[k]), false
		}
		name = k
	}
	return nothing(f.values[name]), true
}

func (f fields) has(key string) bool {
	if _, known := f.values[key]; known {
		return true
	}
	for k := range f.values {
		if strings.EqualFold(k, key) {
			return true
		}
	}
	return false
}

func nothing(value json.RawMessage) json.RawMessage {
	if value = bytes.TrimSpace(value); absent(value) {
		return nil
	}
	return value
}

func absent(raw []byte) bool { return string(raw) == "null" }

func emptyList(raw []byte) bool {
	return len(raw) > 1 && raw[0] == '[' && len(bytes.TrimSpace(raw[1:len(raw)-1])) == 0
}

func emptyObject(raw []byte) bool {
	return len(raw) > 1 && raw[0] == '{' && len(bytes.TrimSpace(raw[1:len(raw)-1])) == 0
}

// readList reads a list; {} and null count as an empty one.
func readList(raw json.RawMessage) ([]json.RawMessage, bool) {
	raw = nothing(raw)
	if raw == nil || emptyObject(raw) {
		return []json.RawMessage{}, true
	}
	list := []json.RawMessage{}
	return list, json.Unmarshal(raw, &list) == nil
}

// readString reads a string, and nothing else.
func readString(raw json.RawMessage) (string, bool) {
	var s string
	return s, json.Unmarshal(raw, &s) == nil
}

// ReadID reads a name or an id as tables and callbacks carry it: a text, or a
// whole number as it is written (7 and 7.0 are "7"). It is not ok for anything
// else.
func ReadID(raw json.RawMessage) (string, bool) { return readID(bytes.TrimSpace(raw)) }

// readID reads a name or an id, which some servers write as a number. A number
// is taken as it is written; one with a fraction or an exponent has lost digits
// or may have, and is not read.
func readID(raw json.RawMessage) (string, bool) {
	if s, ok := readString(raw); ok {
		return s, true
	}
	s := wholeDigits(string(raw))
	return s, s != ""
}

var digits = regexp.MustCompile(`^-?(?:0|[1-9][0-9]*)(?:\.0+)?$`)

// wholeDigits returns a whole number's digits without a fraction of zeros; ""
// where s is none.
func wholeDigits(s string) string {
	if !digits.MatchString(s) {
		return ""
	}
	s, _, _ = strings.Cut(s, ".")
	return s
}

// readWhole reads a whole number: 12, 12.0, 1.2e1, or one of them as text.
func readWhole(raw json.RawMessage) (int64, bool) {
	text := string(raw)
	if s, ok := readString(raw); ok {
		text = strings.TrimSpace(s)
	}
	if n, err := strconv.ParseInt(wholeDigits(text), 10, 64); err == nil {
		return n, true
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n != math.Trunc(n) || math.Abs(n) > 1<<53 || strings.ContainsAny(text, "xX_") {
		return 0, false
	}
	return int64(n), true
}

// readBool reads true and false, as text in any case, and 1 and 0.
func readBool(raw json.RawMessage) (value, ok bool) {
	text := string(raw)
	if s, ok := readString(raw); ok {
		text = strings.TrimSpace(s)
	}
	switch strings.ToLower(text) {
	case "true", "1", "1.0":
		return true, true
	case "false", "0", "0.0":
		return false, true
	}
	return false, false
}

// ReadKeyVersion reads a key version as tables and callbacks carry it: a number,
// a number as text, or the name of a key. text is the version as it is given,
// by which two are the same or not (3, 3.0 and "3" are "3"); number is 0 where
// it is none that can be ordered. It is not ok for anything else; an empty text
// that is ok means that none is shown.
func ReadKeyVersion(raw json.RawMessage) (text string, number int64, ok bool) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || absent(raw) {
		return "", 0, false
	}
	return readKeyVersion(raw)
}

// readKeyVersion reads a key version as it is given: a number, a number as
// text, or the name of a key. Number is 0 where it is none that can be ordered;
// 3, 3.0 and "3" are the same.
func readKeyVersion(raw json.RawMessage) (text string, number int64, ok bool) {
	text, isText := readString(raw)
	if isText {
		text = strings.TrimSpace(text)
	} else {
		var n json.Number
		if json.Unmarshal(raw, &n) != nil {
			return "", 0, false
		}
		text = n.String()
	}
	if len(text) > maxID || clean(text) != text {
		return "", 0, false
	}
	whole := wholeDigits(text)
	if !isText && whole == "" {
		if n, ok := readWhole(raw); ok { // 1e2; as text it may be the name of a key
			whole = strconv.FormatInt(n, 10)
		}
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	switch {
	case strings.HasPrefix(whole, "-"):
		return "", 0, false
	case err == nil && n == 0:
		return "", 0, true // none is shown
	case err == nil:
		return whole, n, true
	}
	return text, 0, true
}

// withoutMark returns the body without a byte-order mark and white space.
func withoutMark(body []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\xef\xbb\xbf")))
}

// checkJSON returns the body's JSON value, trimmed and not empty.
func checkJSON(body []byte) ([]byte, error) {
	body = withoutMark(body)
	switch {
	case len(body) == 0:
		return nil, errors.New("it is empty")
	case !utf8.Valid(body):
		// The decoder would replace the bytes, and two names could become one.
		return nil, errors.New("it is not valid UTF-8")
	case looksLikeHTML(body):
		return nil, errors.New("it is a web page and not JSON: check the base URL and the path prefix")
	}
	if err := validJSON(body); err != nil {
		return nil, err
	}
	return body, nil
}

// validJSON tells JSON that ends early, as a connection of HTTP/1.0 does that
// broke off, from what is no JSON.
func validJSON(body []byte) error {
	if json.Valid(body) {
		return nil
	}
	var raw json.RawMessage
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&raw); errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it is JSON that ends early")
	}
	return errors.New("it is not JSON")
}

// withReported adds to an error what the answer says of itself: a tenant may put an
// error into a success.
func withReported(err error, body []byte) error {
	if message := reported(body); message != "" {
		return fmt.Errorf("%w; it reports an error: %s", err, message)
	}
	return err
}
