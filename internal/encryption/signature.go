package encryption

import (
	"net/http"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"cxseal/internal/seal"
)

// signatureTolerance is how far a signed callback's timestamp may be from now
// (Standard Webhooks asks for a tolerance, five minutes is its own).
const signatureTolerance = 5 * time.Minute

// checkSignature verifies a callback by the Standard Webhooks scheme against
// any of the connection's live secrets. required is false when it has none.
func (s *Service) checkSignature(run Run, request CallbackRequest) (check Check, required bool) {
	check = Check{Name: "signature"}
	connection, err := s.connections.Connection(run.Connection)
	if err != nil {
		check.Detail = "The run's connection is not configured, so its callback secret is not known"
		return check, true
	}
	if len(connection.KMSSecrets) == 0 {
		return check, false
	}
	if request.ID == "" || request.Timestamp == "" || request.Signature == "" {
		check.Detail = "The callback is not signed: webhook-id, webhook-timestamp and webhook-signature are required"
		return check, true
	}
	seconds, err := strconv.ParseInt(request.Timestamp, 10, 64)
	if skew := s.now().Sub(time.Unix(seconds, 0)).Abs(); err != nil || skew > signatureTolerance {
		check.Detail = "The callback's webhook-timestamp is more than five minutes from now"
		return check, true
	}
	headers := http.Header{}
	headers.Set(standardwebhooks.HeaderWebhookID, request.ID)
	headers.Set(standardwebhooks.HeaderWebhookTimestamp, request.Timestamp)
	headers.Set(standardwebhooks.HeaderWebhookSignature, request.Signature)
	for _, secret := range connection.KMSSecrets {
		if seal.CheckSigningSecret(secret) != nil {
			continue // it can be guessed
		}
		webhook, err := standardwebhooks.NewWebhook(secret)
		if err == nil && webhook.VerifyIgnoringTimestamp(request.Body, headers) == nil {
			check.Passed, check.Detail = true, "signed with the connection's callback secret"
			return check, true
		}
	}
	check.Detail = "The callback's signature matches none of the connection's callback secrets"
	return check, true
}
