package cxone

import (
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
// of the places the contract names (§1, Errors), in problem details (RFC 9457)
// and as ASP.NET and gateways write it. It returns raw text: callers clean,
// redact and bound it.
func readMessage(body []byte) (message, code string) {
	body = withoutMark(body)
	in, ok := readFields(body)
	if !ok || len(body) == 0 || body[0] != '{' {
		if text, ok := readString(body); ok {
			return text, ""
		}
		var list []json.RawMessage
		if json.Unmarshal(body, &list) == nil {
			return strings.Join(texts(body, 0), "; "), ""
		}
		return plainText(body), ""
	}
	value := func(key string) json.RawMessage { raw, _ := in.get(key); return raw }
	for _, key := range []string{"code", "errorCode", "error_code"} {
		if found := texts(value(key), 0); len(found) > 0 {
			code = found[0]
			break
		}
	}
	var parts []string
	for _, key := range []string{"message", "error_description", "errorDescription", "title", "faultstring"} {
		if parts = addTexts(parts, value(key)); len(parts) > 0 {
			break // they say the same in tenants that send several
		}
	}
	switch found := texts(value("error"), 0); {
	case len(found) == 0:
	case len(parts) == 0:
		parts = addTexts(parts, value("error"))
	case code == "":
		// Beside a sentence, "error" is OAuth's error code (RFC 6749 §5.2).
		code = found[0]
	}
	for _, key := range []string{"detail", "messageDetail", "exceptionMessage", "modelState", "errors", "details", "fault"} {
		parts = addTexts(parts, value(key))
	}
	return strings.Join(parts, ": "), code
}

// failed are the states in which an answer's own status reports an error.
var failed = []string{"ERROR", "FAILED", "FAILURE", "REJECTED", "FAULT"}

// reported returns what a success says if it is an error all the same: some
// services answer 200 to everything. It is "" where the body reports none, and
// raw text otherwise.
func reported(body []byte) string {
	body = withoutMark(body)
	if len(body) == 0 || body[0] != '{' {
		return ""
	}
	in, ok := readFields(body)
	if !ok {
		return ""
	}
	bad := false
	for _, key := range []string{"error", "errors", "fault"} {
		raw, _ := in.get(key)
		no, isBool := readBool(raw)
		bad = bad || (len(texts(raw, 0)) > 0 && (!isBool || no)) || string(raw) == "true"
	}
	for _, key := range []string{"success", "ok"} {
		raw, _ := in.get(key)
		yes, isBool := readBool(raw)
		bad = bad || (isBool && !yes)
	}
	raw, _ := in.get("status")
	state, _ := readString(raw)
	if n, isNumber := readWhole(raw); isNumber {
		bad = bad || n >= 400 && n <= 599
	}
	if bad = bad || slices.Contains(failed, strings.ToUpper(strings.TrimSpace(state))); !bad {
		return ""
	}
	message, code := readMessage(body)
	switch {
	case message == "" && code == "":
		return "no reason is named"
	case message == "":
		return code
	case code != "" && !strings.Contains(message, code):
		return code + ": " + message
	}
	return message
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
	in, ok := readFields(raw)
	if !ok {
		return nil
	}
	for _, key := range []string{"message", "error_description", "errorDescription", "faultstring", "description",
		"detail", "details", "title", "error", "reason", "errors"} {
		value, _ := in.get(key)
		if found := texts(value, depth+1); len(found) > 0 {
			return found
		}
	}
	// An object by field, such as {"nextRotationEpoch": "is in the past"}.
	var out []string
	for _, key := range slices.Sorted(maps.Keys(in.values)) {
		for _, found := range texts(in.values[key], depth+1) {
			out = append(out, key+": "+found)
		}
	}
	return out[:min(len(out), 10)]
}

// plainText is a body that is not JSON: text as it is, a proxy's web page or
// XML without its elements.
func plainText(body []byte) string {
	text := string(body)
	if looksLikeHTML(body) {
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
		RetryAfter: a.pause.wait,
	}
	e.RequestID = safe(requestID(a.header), maxRequestID)
	if e.Status == http.StatusForbidden {
		e.Scope = namedScope(e.Message, a.header.Get("WWW-Authenticate"))
		e.KMS = e.Scope == "" && kmsWord.MatchString(e.Message+" "+e.Code)
	}
	return e
}

// requestID is how an answer names the request; the tenant's support asks for
// it. CorrelationId is CXone's own name for it.
func requestID(h http.Header) string {
	for _, key := range []string{"CorrelationId", "X-Correlation-Id", "X-Request-Id", "Request-Id", "X-Amzn-Requestid"} {
		if id := strings.TrimSpace(h.Get(key)); id != "" {
			return id
		}
	}
	return ""
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
