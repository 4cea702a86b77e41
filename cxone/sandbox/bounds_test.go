package sandbox

import (
	"crypto/sha256"
	"strconv"
	"testing"
	"time"
)

// A sandbox that serves a demo for weeks must not grow without end.
func TestWhatIsRememberedIsBounded(t *testing.T) {
	var tokens tokenStore
	for i := range maxTokens + 5 {
		tokens.put(strconv.Itoa(i), token{})
	}
	if _, there := tokens.live["4"]; there || len(tokens.live) != maxTokens || len(tokens.order) != maxTokens {
		t.Fatalf("%d tokens", len(tokens.live))
	}

	var replays replayStore
	waiting := replays.take("in flight", sha256.Sum256(nil), time.Time{})
	for i := range maxReplays + 5 {
		replays.settle(replays.take(strconv.Itoa(i), sha256.Sum256(nil), time.Time{}), answer{body: make([]byte, 10)})
	}
	if len(replays.byKey) != maxReplays+1 || replays.bytes != 10*maxReplays || replays.byKey["in flight"] != waiting {
		t.Fatalf("%d keys, %d bytes", len(replays.byKey), replays.bytes)
	}
	for i := range 5 {
		replays.settle(replays.take("large"+strconv.Itoa(i), sha256.Sum256(nil), time.Time{}), answer{body: make([]byte, maxReplayBytes/2)})
	}
	if replays.bytes > maxReplayBytes*3/2 {
		t.Fatalf("%d bytes", replays.bytes)
	}

	var st Stats
	st.reset()
	for range maxAnswers + 5 {
		st.addAnswer(CallbackAnswer{}, true)
	}
	if len(st.Answers) != maxAnswers || st.Callbacks.Verified != maxAnswers+5 {
		t.Fatalf("%d answers", len(st.Answers))
	}
}

// The body of the PATCH is the sandbox's largest piece of outside bytes.
func FuzzParsePatch(f *testing.F) {
	f.Add([]byte(`{"tableId":"t","columnTargetMatrix":[{"name":"a","type":"string","encryptionConfiguration":{"enabled":true,"algorithm":"AES-256-GCM","complianceMode":"GDPR","keyRotationDirective":{"strategy":"MANUAL","intervalDays":1,"nextRotationEpoch":2000000000},"indexMaskingTrigger":false,"decryptionPermissionVerification":true}}],"externalKmsSync":{"callbackUrl":"http://h","syncMode":"ASYNC","retryPolicy":{"maxAttempts":1,"backoffMs":1}}}`))
	f.Add([]byte(`{"a":{"a":[1,[2,{"b":null}]]}}`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := parsePatch(body, time.Unix(1_800_000_000, 0))
		if err != nil {
			return
		}
		if len(p.columns) == 0 || p.attempts < 1 || p.backoff <= 0 || p.columns[0].directive.NextRotationEpoch <= 1_800_000_000 {
			t.Fatalf("took %+v from %q", p, body)
		}
	})
}
