package cxone

import (
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestTheTenantsSentenceIsFoundWhereverItStands(t *testing.T) {
	for _, test := range []struct{ body, message, code string }{
		{`{"message":"a"}`, "a", ""},
		{`{"error_description":"a","error":"invalid_grant"}`, "a", "invalid_grant"},
		{`{"errorDescription":"a","errorCode":"E7"}`, "a", "E7"},
		{`{"error":"a"}`, "a", ""},
		{`{"error":{"message":"a","code":1}}`, "a", ""},
		{`{"errors":[{"message":"a"},{"message":"b"}]}`, "a; b", ""},
		{`{"errors":["a","b"]}`, "a; b", ""},
		{`{"details":"a"}`, "a", ""},
		{`{"details":[{"reason":"a"},{"description":"b"}]}`, "a; b", ""},
		{`{"details":{"nextRotationEpoch":"is in the past"}}`, "nextRotationEpoch: is in the past", ""},
		{`{"message":"a","details":"b","errors":[{"message":"c"}]}`, "a: c: b", ""},
		{`{"message":"a","details":"a"}`, "a", ""},
		{`{"message":"","error":"b"}`, "b", ""},
		{`{"type":"about:blank","title":"Bad column","status":400,"detail":"ssn is locked","traceId":"x"}`, "Bad column: ssn is locked", ""},
		{`{"title":"One or more validation errors occurred.","errors":{"intervalDays":["too short","odd"]}}`, "One or more validation errors occurred.: intervalDays: too short; intervalDays: odd", ""},
		{`{"Message":"The request is invalid.","ModelState":{"model.Name":["is required"]}}`, "The request is invalid.: model.Name: is required", ""},
		{`{"Message":"An error has occurred.","ExceptionMessage":"no key","StackTrace":"at X"}`, "An error has occurred.: no key", ""},
		{`{"fault":{"faultstring":"Invalid access token","detail":{"errorcode":"oauth.v2"}}}`, "Invalid access token", ""},
		{`<?xml version="1.0"?><Error><Code>E1</Code><Message>denied</Message></Error>`, "E1 denied", ""},
		{`"a"`, "a", ""},
		{`[{"message":"a"}]`, "a", ""},
		{`column <script> is unknown`, "column <script> is unknown", ""},
		{"<!DOCTYPE html><html><head><title>502</title><style>x{}</style></head><body><h1>Bad  gateway</h1></body></html>", "502 Bad gateway", ""},
		{"\xef\xbb\xbf" + `{"message":"a"}`, "a", ""},
		{`{"message":`, `{"message":`, ""},
		{`{}`, "", ""}, {``, "", ""}, {`null`, "", ""}, {`{"message":null,"errors":[]}`, "", ""},
	} {
		message, code := readMessage([]byte(test.body))
		if got := clean(message); got != test.message || code != test.code {
			t.Errorf("%s: message %q code %q, want %q %q", test.body, got, code, test.message, test.code)
		}
	}
}

func TestARefusalNamesTheScopeOrTheKMS(t *testing.T) {
	for _, test := range []struct{ body, challenge, want string }{
		{`{"message":"Missing scope data_management:encrypt"}`, "", "CXone refused: the token lacks the scope data_management:encrypt (403): Missing scope data_management:encrypt"},
		{`{"message":"insufficient scope: needs dm.keys:rotate"}`, "", "CXone refused: the token lacks the scope dm.keys:rotate (403): insufficient scope: needs dm.keys:rotate"},
		{`{}`, `Bearer error="insufficient_scope", scope="data_management:write"`, "CXone refused: the token lacks the scope data_management:write (403)"},
		{`{"error":"KMS_DENIED","message":"key is disabled"}`, "", "CXone refused: the KMS did not permit it (403): key is disabled"},
		{`Forbidden`, "", "CXone refused: a scope or a KMS permission is missing (403): Forbidden"},
	} {
		e := newAPIError("PATCH", "/p", &answer{status: 403, body: []byte(test.body), header: http.Header{"Www-Authenticate": {test.challenge}}}, newRedactor().Redact)
		if e.Error() != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.body, e, test.want)
		}
	}
}

func TestErrorsAreSafeToShow(t *testing.T) {
	const secret = "s3cr3t/+value"
	r := newRedactor(secret, "")
	r.sawToken("token-number-1")
	body := `{"message":"line\r\nforged ` + "\u202e" + ` s3cr3t/+value s3cr3t%2F%2Bvalue token-number-1 Bearer abcdef.ghi-jk https://user:pass@host/x ` + strings.Repeat("y", 5000) + `"}`
	e := newAPIError("GET", "/p/s3cr3t%2F+value", &answer{status: 400, body: []byte(body),
		header: http.Header{"X-Request-Id": {"id\x1b[31m" + strings.Repeat("z", 500)}}}, r.Redact)
	for _, text := range []string{e.Error(), e.RequestID} {
		if strings.ContainsFunc(text, func(c rune) bool { return unicode.IsControl(c) || unicode.Is(unicode.Cf, c) }) ||
			utf8.RuneCountInString(text) > maxMessage+100 {
			t.Errorf("unsafe text %q", text)
		}
	}
	want := "line forged [redacted] [redacted] [redacted] Bearer [redacted] https://[redacted]@host/x yyy"
	if !strings.HasPrefix(e.Message, want) {
		t.Errorf("message %q", e.Message)
	}
	if len(e.RequestID) > maxRequestID+5 {
		t.Errorf("request id of %d bytes", len(e.RequestID))
	}
}

func TestClientRedactsWhatItKnowsAndWhatLooksSecret(t *testing.T) {
	tn := newTenant(t)
	c := tn.client(t)
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	in := `token-number-1 s3cr3t/+value Basic Y2xpZW50OnMzY3IzdC8rdmFsdWU= Y2xpZW50OnMzY3IzdC8rdmFsdWU= {"access_token":"abc"} ssn`
	want := `[redacted] [redacted] Basic [redacted] [redacted] {"access_token":"[redacted]"} ssn`
	if got := c.Redact(in); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func FuzzReadMessage(f *testing.F) {
	for _, s := range []string{`{"message":"a"}`, `{"errors":[{"message":{"details":["x"]}}]}`, `<html><p>x`, `[[[[[["a"]]]]]]`, "tok\x00en"} {
		f.Add([]byte(s))
	}
	r := newRedactor("hidden-secret")
	f.Fuzz(func(t *testing.T, body []byte) {
		e := newAPIError("GET", "/", &answer{status: 403, body: append(body, "hidden-secret"...), header: http.Header{}}, r.Redact)
		for _, text := range []string{e.Message, e.Code, e.Scope} {
			if !utf8.ValidString(text) || utf8.RuneCountInString(text) > maxMessage+1 || strings.ContainsFunc(text, unicode.IsControl) || strings.Contains(text, "hidden-secret") {
				t.Errorf("unsafe %q", text)
			}
		}
	})
}
