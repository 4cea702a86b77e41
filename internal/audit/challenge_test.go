package audit

import (
	"strings"
	"testing"
)

// An answer holds for its own challenge and its own key, and for nothing else.
func TestAnAnswerProvesOneKeyForOneChallenge(t *testing.T) {
	ours, theirs := testKey(t), testKey(t)
	challenge := strings.Repeat("5a", challengeBytes)
	answer := ours.AnswerChallenge(challenge)
	if !ours.CheckAnswer(challenge, answer) {
		t.Fatalf("the right answer is not taken: %q", answer)
	}
	for name, wrong := range map[string]string{
		"another key's": theirs.AnswerChallenge(challenge), "another challenge's": ours.AnswerChallenge(strings.Repeat("5b", challengeBytes)),
		"the challenge back": challenge, "nothing": "",
	} {
		if ours.CheckAnswer(challenge, wrong) {
			t.Errorf("%s answer is taken: %q", name, wrong)
		}
	}
	for _, none := range []string{"", "00", strings.ToUpper(challenge[:62]) + "AB", challenge + "00", strings.Repeat("x", 64), "cxseal/1\n5\nAAAA"} {
		if got := ours.AnswerChallenge(none); got != "" {
			t.Errorf("%q is signed: %q", none, got)
		}
	}
}
