package sandbox

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// The shapes: the answer is the same and right, and written as some real
// service writes it. A request takes one of every shape that is on.
const (
	FaultPagesCapped FaultKind = "pages_capped"  // a page of a listing holds Size entries at most, whatever top says
	FaultSamePage    FaultKind = "same_page"     // a listing ignores skip
	FaultNoTotal     FaultKind = "no_total"      // a listing without totalRecords
	FaultTotalZero   FaultKind = "total_zero"    // totalRecords is 0
	FaultTotalOfPage FaultKind = "total_of_page" // totalRecords counts the page's own entries
	FaultBareList    FaultKind = "bare_list"     // a listing as a bare array

	FaultIndexUpper FaultKind = "index_upper" // an index names its columns in capitals
	FaultIndexDesc  FaultKind = "index_desc"  // an index names its columns with a direction
	FaultNamesNFC   FaultKind = "names_nfc"   // every text in Unicode form NFC

	FaultReplace        FaultKind = "replace"          // every value under the key Field is Value, which is JSON; "" leaves it out
	FaultNumericIDs     FaultKind = "numeric_ids"      // tbl-0007 is told as the number 7, and known by it
	FaultKeyIDs         FaultKind = "key_ids"          // keyVersion is a hex id
	FaultNumbersAsText  FaultKind = "numbers_as_text"  // "12"
	FaultFloats         FaultKind = "floats"           // 12.0
	FaultBoolsAsText    FaultKind = "bools_as_text"    // "true"
	FaultBoolsAsNumbers FaultKind = "bools_as_numbers" // 1
	FaultEmptyArrays    FaultKind = "empty_arrays"     // [] for {}, as PHP writes it

	FaultProblemJSON FaultKind = "problem_json" // refusals as RFC 9457 has them
	FaultASPNet      FaultKind = "aspnet"       // refusals as ASP.NET writes them

	FaultKeyTwice FaultKind = "key_twice" // before the key Field stands the same key with Value, which is JSON

	FaultNoContent   FaultKind = "no_content"   // 204 for a success
	FaultEmptyBody   FaultKind = "empty_body"   // a success without a body
	FaultBOM         FaultKind = "bom"          // a byte-order mark before the body
	FaultGzipUnsaid  FaultKind = "gzip_unsaid"  // a body that is packed, without Content-Encoding
	FaultGzipFalsely FaultKind = "gzip_falsely" // Content-Encoding: gzip before a body that is not packed
	FaultBrokenOff   FaultKind = "broken_off"   // half the body, then the connection ends
)

// shapeKinds are in the order in which they are applied.
var shapeKinds = []FaultKind{
	FaultPagesCapped, FaultSamePage, FaultNoTotal, FaultTotalZero, FaultTotalOfPage,
	FaultIndexUpper, FaultIndexDesc, FaultNamesNFC, FaultReplace, FaultNumericIDs, FaultKeyIDs, FaultNumbersAsText, FaultFloats,
	FaultBoolsAsText, FaultBoolsAsNumbers, FaultEmptyArrays, FaultProblemJSON, FaultASPNet, FaultBareList,
	FaultKeyTwice, FaultNoContent, FaultEmptyBody, FaultBOM, FaultGzipUnsaid, FaultGzipFalsely, FaultBrokenOff,
}

// callbackShapes are those that a callback takes too, at its own endpoint.
var callbackShapes = []FaultKind{FaultNamesNFC, FaultReplace, FaultNumericIDs, FaultKeyIDs, FaultNumbersAsText, FaultFloats,
	FaultKeyTwice, FaultBOM}

// checkShape says what of a shape's own fields makes no sense.
func (f Fault) checkShape() error {
	withField := f.Kind == FaultReplace || f.Kind == FaultKeyTwice
	switch {
	case f.Kind == FaultPagesCapped && (f.Size < 1 || f.Size > maxPage):
		return wrong("size", "must be 1 to %d for kind pages_capped", maxPage)
	case f.Kind != FaultPagesCapped && f.Size != 0:
		return wrong("size", "goes with kind pages_capped only")
	case withField && f.Field == "":
		return wrong("field", "must name a key for kind %s", f.Kind)
	case f.Kind == FaultReplace && f.Value != "" && !json.Valid([]byte(f.Value)):
		return wrong("value", "must be JSON, or empty to leave the key out")
	case f.Kind == FaultKeyTwice && !json.Valid([]byte(f.Value)):
		return wrong("value", "must be JSON")
	case !withField && (f.Field != "" || f.Value != ""):
		return wrong("field", "field and value go with the kinds replace and key_twice only")
	}
	return nil
}

// takeShapes takes what shapes one request's answer: of replace and key_twice one
// for each field, of every other kind one.
func (s *Sandbox) takeShapes(ep Endpoint) []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	var taken []Fault
	for _, kind := range shapeKinds {
		fields := map[string]bool{}
		for {
			f, on := s.takeFault(func(f Fault) bool {
				return f.Kind == kind && !fields[f.Field] && (f.Endpoint == ep || f.Endpoint == "" || f.Endpoint == EndpointAny)
			})
			if !on {
				break
			}
			fields[f.Field] = true
			taken = append(taken, f)
		}
	}
	return taken
}

// shapeRequest changes the paging that a listing is asked for.
func shapeRequest(r *http.Request, shapes []Fault) *http.Request {
	query := r.URL.Query()
	for _, f := range shapes {
		switch f.Kind {
		case FaultPagesCapped:
			if top, err := strconv.Atoi(query.Get("top")); err != nil || top > f.Size {
				query.Set("top", strconv.Itoa(f.Size))
			}
		case FaultSamePage:
			query.Del("skip")
		default:
			continue
		}
		r = r.Clone(r.Context())
		r.URL = &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: query.Encode()}
	}
	return r
}

// shape writes an answer as the shapes have it.
func (a answer) shape(shapes []Fault) answer {
	for _, f := range shapes {
		good := a.status >= 200 && a.status <= 299
		switch f.Kind {
		case FaultPagesCapped, FaultSamePage:
		case FaultNoContent:
			if good {
				a.status, a.body = http.StatusNoContent, nil
			}
		case FaultEmptyBody:
			if good {
				a.body = nil
			}
		case FaultBOM:
			a.body = append([]byte("\xef\xbb\xbf"), a.body...)
		case FaultGzipUnsaid:
			a.body = packed(a.body)
		case FaultGzipFalsely:
			a.header = a.header.Clone()
			a.header.Set("Content-Encoding", "gzip")
		case FaultBrokenOff:
			a.half = good
		case FaultKeyTwice:
			if key := strconv.Quote(f.Field) + ":"; good {
				a.body = bytes.ReplaceAll(a.body, []byte(key), []byte(key+f.Value+","+key))
			}
		case FaultProblemJSON, FaultASPNet:
			if !good {
				a = a.dressed(f.Kind)
			}
		default:
			if good {
				a.body = reshaped(a.body, f)
			}
		}
	}
	return a
}

func packed(body []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(body)
	if err = errors.Join(err, w.Close()); err != nil {
		panic(err) // into memory
	}
	return out.Bytes()
}

// dressed writes a refusal in another style.
func (a answer) dressed(kind FaultKind) answer {
	var p problem
	if json.Unmarshal(a.body, &p) != nil {
		return a
	}
	a.header = a.header.Clone()
	if kind == FaultASPNet {
		body := map[string]any{"Message": "The request is invalid.", "ModelState": map[string][]string{"request." + p.Code: {p.Message}}}
		return answer{status: a.status, header: a.header, body: reply(a.status, body).body}
	}
	a.header.Set("Content-Type", "application/problem+json")
	body := map[string]any{"type": "about:blank", "title": http.StatusText(a.status), "status": a.status, "detail": p.Message}
	return answer{status: a.status, header: a.header, body: reply(a.status, body).body}
}

func reshaped(body []byte, f Fault) []byte {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return body
	}
	switch f.Kind {
	case FaultNoTotal, FaultTotalZero, FaultTotalOfPage, FaultBareList:
		v = listingAs(v, f.Kind)
	default:
		v = walk(v, "", f)
	}
	out, err := json.Marshal(v)
	if err != nil {
		return body
	}
	return out
}

// listingAs changes what a page of a listing says beside its entries.
func listingAs(v any, kind FaultKind) any {
	page, ok := v.(map[string]any)
	if !ok {
		return v
	}
	for _, key := range []string{"datastores", "tables"} {
		entries, ok := page[key].([]any)
		if !ok {
			continue
		}
		switch kind {
		case FaultNoTotal:
			delete(page, "totalRecords")
		case FaultTotalZero:
			page["totalRecords"] = 0
		case FaultTotalOfPage:
			page["totalRecords"] = len(entries)
		case FaultBareList:
			return entries
		}
	}
	return page
}

var tableNumber = regexp.MustCompile(`^tbl-0*([1-9][0-9]*)$`)

// walk changes every value of a kind. key is the one under which v stands; the
// entries of a list stand under the list's.
func walk(v any, key string, f Fault) any {
	switch v := v.(type) {
	case map[string]any:
		if f.Kind == FaultEmptyArrays && len(v) == 0 {
			return []any{}
		}
		if _, column := v["encrypted"]; column && f.Kind == FaultEmptyArrays && v["encryptionConfiguration"] == nil {
			v["encryptionConfiguration"] = []any{} // an empty one where others leave it out
		}
		for k, inner := range v {
			if f.Kind == FaultReplace && k == f.Field {
				if v[k] = json.RawMessage(f.Value); f.Value == "" {
					delete(v, k)
				}
				continue
			}
			v[k] = walk(inner, k, f)
		}
		return v
	case []any:
		for i, inner := range v {
			v[i] = walk(inner, key, f)
		}
		return v
	case json.Number:
		return numberAs(v, key, f.Kind)
	case bool:
		switch {
		case f.Kind == FaultBoolsAsText:
			return strconv.FormatBool(v)
		case f.Kind == FaultBoolsAsNumbers && v:
			return 1
		case f.Kind == FaultBoolsAsNumbers:
			return 0
		}
	case string:
		return textAs(v, key, f.Kind)
	}
	return v
}

func numberAs(n json.Number, key string, kind FaultKind) any {
	switch {
	case kind == FaultKeyIDs && key == "keyVersion":
		sum := sha256.Sum256([]byte("key " + n))
		return "f" + hex.EncodeToString(sum[:6])
	case kind == FaultNumbersAsText:
		return n.String()
	case kind == FaultFloats && !strings.ContainsAny(n.String(), ".eE"):
		return json.RawMessage(n.String() + ".0")
	}
	return n
}

func textAs(text, key string, kind FaultKind) any {
	switch kind {
	case FaultNamesNFC:
		return norm.NFC.String(text)
	case FaultIndexUpper, FaultIndexDesc:
		if key != "columns" {
			return text
		}
		if kind == FaultIndexUpper {
			return strings.ToUpper(text)
		}
		return text + " DESC"
	case FaultNumericIDs:
		if m := tableNumber.FindStringSubmatch(text); m != nil && slices.Contains([]string{"id", "tableId"}, key) {
			return json.Number(m[1])
		}
	}
	return text
}

// plainID is a table's own id where it is asked for by its number
// (FaultNumericIDs).
func plainID(id string) string {
	if n, err := strconv.Atoi(id); err == nil && n > 0 && strconv.Itoa(n) == id {
		return tableID(n)
	}
	return id
}
