package audit

import (
	"encoding/hex"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// challengeTitle is the first line of an answered challenge. No checkpoint
// begins with it: a checkpoint begins with its log's name, which has no space.
const challengeTitle = "cxseal installation challenge"

// challengeBytes is the length of a challenge, which is written in lower-case hex.
const challengeBytes = 32

// AnswerChallenge proves that the log's signing key is here: it returns a
// signed note over the challenge, "" for a text that is no challenge. Anyone
// may ask for it, so what is signed can be taken for nothing else.
func (k *Key) AnswerChallenge(challenge string) string {
	if raw, err := hex.DecodeString(challenge); err != nil || len(raw) != challengeBytes || challenge != strings.ToLower(challenge) {
		return ""
	}
	signed, err := k.sign(challengeTitle + "\n" + challenge + "\n")
	if err != nil {
		return ""
	}
	return string(signed)
}

// AnswerChallenge proves that the log's signing key is here, as Key's does.
func (l *Log) AnswerChallenge(challenge string) string { return l.key.AnswerChallenge(challenge) }

// CheckAnswer reports whether answer is what the holder of this key answers to
// the challenge.
func (k *Key) CheckAnswer(challenge, answer string) bool {
	return checkAnswer(k.verifier, challenge, answer)
}

// CheckAnswer reports whether answer is what the holder of this log's key
// answers to the challenge.
func (l *Log) CheckAnswer(challenge, answer string) bool {
	return checkAnswer(l.VerifierKey(), challenge, answer)
}

func checkAnswer(verifierKey, challenge, answer string) bool {
	verifier, err := note.NewVerifier(verifierKey)
	if err != nil {
		return false
	}
	opened, err := note.Open([]byte(answer), note.VerifierList(verifier))
	return err == nil && opened.Text == challengeTitle+"\n"+challenge+"\n"
}
