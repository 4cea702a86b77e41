package encryption

import (
	"encoding/json"
	"net/http"
)

// ChallengeToken stands in the place of a run's token where doctor asks a
// callback URL which installation answers there. No run has it: a run's token
// is random and longer.
const ChallengeToken = "doctor"

// maxChallengeBody bounds a question that is answered without a record.
const maxChallengeBody = 1 << 10

// Challenge is what doctor posts to a callback URL.
type Challenge struct {
	Challenge string `json:"challenge"`
}

// ProveBy sets what proves to doctor that this installation answers at a
// callback URL: a function that answers a challenge, with "" for a text that is
// none. It is called before anything runs.
func (s *Service) ProveBy(prove func(challenge string) string) { s.prove = prove }

// answerChallenge answers doctor's question. It confirms nothing and reads
// nothing that is stored, so that no record is made of it. ok is false for
// anything that is no challenge.
func (s *Service) answerChallenge(request CallbackRequest) (answer CallbackAnswer, ok bool) {
	var asked Challenge
	if s.prove == nil || len(request.Body) > maxChallengeBody || json.Unmarshal(request.Body, &asked) != nil {
		return CallbackAnswer{}, false
	}
	proof := s.prove(asked.Challenge)
	if proof == "" {
		return CallbackAnswer{}, false
	}
	return CallbackAnswer{Status: http.StatusNotFound, Body: []byte(mustJSON(map[string]string{
		"status": string(kmsRejected), "code": UnknownRun, "message": unknownRunMessage, "proof": proof,
	}))}, true
}
