package cxone

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// maxMessage is how many characters of a tenant's message are kept.
const maxMessage = 500

// maxRequestID is how many characters of a tenant's request id or code are kept.
const maxRequestID = 128

var (
	scopeName   = regexp.MustCompile(`[a-z][a-z0-9_.]*:[a-z0-9_:.]+`)
	knownScope  = regexp.MustCompile(`data_management:[a-z_]+`)
	authScope   = regexp.MustCompile(`(?i)scope="([^"]{1,200})"`)
	kmsWord     = regexp.MustCompile(`(?i)(?:^|[^a-z])kms(?:[^a-z]|$)|key ?management|external_?kms`)
	htmlElement = regexp.MustCompile(`(?s)<(?:script|style)\b.*?</(?:script|style)>|<[^>]*>`)
)

// readMessage finds the sentence and the code in the body of an error, in any
// of the places the contract names (§1, Errors). It returns raw text: callers
// clean, redact and bound it.
func readMessage(body []byte) (message, code string) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		var text string
		if json.Unmarshal(body, &text) == nil {
			return text, ""
		}
		var list []json.RawMessage
		if json.Unmarshal(body, &list) == nil {
			return strings.Join(texts(body, 0), "; "), ""
		}
		return plainText(body), ""
	}
	code = firstText(fields, "code", "errorCode", "error_code")
	var parts []string
	for _, key := range []string{"message", "error_description", "errorDescription"} {
		parts = addTexts(parts, fields[key])
	}
	switch found := texts(fields["error"], 0); {
	case len(found) == 0:
	case len(parts) == 0:
		parts = addTexts(parts, fields["error"])
	case code == "":
		// Beside a sentence, "error" is OAuth's error code (RFC 6749 §5.2).
		code = found[0]
	}
	if len(parts) > 1 {
		parts = parts[:1] // the three say the same in tenants that send several
	}
	parts = addTexts(parts, fields["errors"])
	parts = addTexts(parts, fields["details"])
	return strings.Join(parts, ": "), code
}

func firstText(fields map[string]json.RawMessage, keys ...string) string {
	for _, key := range keys {
		if found := texts(fields[key], 0); len(found) > 0 {
			return found[0]
		}
	}
	return ""
}

func addTexts(parts []string, raw json.RawMessage) []string {
	found := strings.Join(texts(raw, 0), "; ")
	if found == "" || slices.Contains(parts, found) {
		return parts
	}
	return append(parts, found)
}

// texts collects what reads like a message in a value of unknown shape: a
// string, an object with a message, or a list of either. Depth and number are
// bounded, for the value comes from outside.
func texts(raw json.RawMessage, depth int) []string {
	if len(raw) == 0 || depth > 4 {
		return nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if text = strings.TrimSpace(text); text != "" {
			return []string{text}
		}
		return nil
	}
	var number json.Number
	if json.Unmarshal(raw, &number) == nil && number != "" {
		return []string{number.String()}
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		var out []string
		for _, item := range list[:min(len(list), 10)] {
			out = append(out, texts(item, depth+1)...)
		}
		return out[:min(len(out), 10)]
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return nil
	}
	for _, key := range []string{"message", "error_description", "errorDescription", "description", "detail", "details", "error", "reason", "errors"} {
		if found := texts(fields[key], depth+1); len(found) > 0 {
			return found
		}
	}
	// An object by field, such as {"nextRotationEpoch": "is in the past"}.
	var out []string
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		for _, found := range texts(fields[key], depth+1) {
			out = append(out, key+": "+found)
		}
	}
	return out[:min(len(out), 10)]
}

// plainText is a body that is not JSON: text as it is, a proxy's HTML page
// without its elements.
func plainText(body []byte) string {
	text := string(body)
	head := strings.ToLower(text[:min(len(text), 200)])
	if strings.HasPrefix(head, "<!doctype") || strings.HasPrefix(head, "<html") {
		text = htmlElement.ReplaceAllString(text, " ")
	}
	return text
}

// newAPIError reads an answer that is not a success.
func newAPIError(method, path string, a *answer, redact func(string) string) *APIError {
	message, code := readMessage(a.body)
	safe := func(s string, n int) string { return shorten(redact(clean(s)), n) }
	e := &APIError{
		Status: a.status, Method: method, Path: redact(path),
		Message: safe(message, maxMessage), Code: safe(code, maxRequestID),
		RetryAfter: a.retryAfter,
	}
	for _, key := range []string{"X-Request-Id", "Request-Id", "X-Correlation-Id", "X-Amzn-Requestid"} {
		if id := a.header.Get(key); id != "" {
			e.RequestID = safe(id, maxRequestID)
			break
		}
	}
	if e.Status == http.StatusForbidden {
		e.Scope = namedScope(e.Message, a.header.Get("WWW-Authenticate"))
		e.KMS = e.Scope == "" && kmsWord.MatchString(e.Message+" "+e.Code)
	}
	return e
}

// namedScope finds the scope that a 403 says is missing: in the message, or in
// the challenge (RFC 6750 §3.1).
func namedScope(message, challenge string) string {
	if s := knownScope.FindString(message); s != "" {
		return s
	}
	if m := authScope.FindStringSubmatch(challenge); m != nil {
		return clean(m[1])
	}
	if strings.Contains(strings.ToLower(message), "scope") {
		return scopeName.FindString(message)
	}
	return ""
}
