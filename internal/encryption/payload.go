package encryption

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"cxseal/cxone"
)

// Strategies returns who may rotate a key, in the order in which a form offers it.
func Strategies() []string { return []string{Automatic, Manual} }

// What every payload carries (contract §1).
const (
	ComplianceMode = "GDPR"
	SyncMode       = "ASYNC"

	// Automatic leaves rotation to the tenant; Manual leaves it to us.
	Automatic = "AUTOMATIC"
	Manual    = "MANUAL"

	DefaultIntervalDays = 90
	MaxIntervalDays     = 3650

	callbackAttempts  = 3
	callbackBackoffMs = 2000
)

// NextRotation is the rotation date that a payload made now asks for.
func NextRotation(now time.Time, intervalDays int) time.Time {
	return time.Unix(now.Unix()+int64(intervalDays)*86400, 0).UTC()
}

// Payload is the exact body of the PATCH for these columns. Its bytes are kept
// with the run, so that a retry after a crash sends the same ones.
func Payload(tableID string, targets []ColumnState, strategy string, intervalDays int, next time.Time, callbackURL string) []byte {
	request := cxone.EncryptRequest{
		TableID:            tableID,
		ColumnTargetMatrix: make([]cxone.ColumnTarget, len(targets)),
		ExternalKMSSync: cxone.ExternalKMSSync{
			CallbackURL: callbackURL,
			SyncMode:    SyncMode,
			RetryPolicy: cxone.RetryPolicy{MaxAttempts: callbackAttempts, BackoffMs: callbackBackoffMs},
		},
	}
	for i, c := range targets {
		request.ColumnTargetMatrix[i] = cxone.ColumnTarget{
			Name: c.Name, Type: c.Type,
			EncryptionConfiguration: cxone.EncryptionConfiguration{
				Enabled:        true,
				Algorithm:      cxone.Algorithm,
				ComplianceMode: ComplianceMode,
				KeyRotationDirective: cxone.KeyRotationDirective{
					Strategy: strategy, IntervalDays: intervalDays, NextRotationEpoch: next.Unix(),
				},
				IndexMaskingTrigger:              true,
				DecryptionPermissionVerification: true,
			},
		}
	}
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false) // a column named <b> is sent as it is named
	if err := encoder.Encode(request); err != nil {
		panic(err) // strings, numbers and booleans only
	}
	return bytes.TrimRight(buf.Bytes(), "\n")
}

// CallbackURL is where the tenant is asked to POST for one run.
//
// A setting with {token} has it filled in. One that ends in /kms/callback is
// this console behind another name, and the token is appended. Anything else
// is a KMS of the customer's own and is passed on as it is: its verdict then arrives
// inline or not at all.
func CallbackURL(setting, token string) string {
	if strings.Contains(setting, "{token}") {
		return strings.ReplaceAll(setting, "{token}", token)
	}
	if trimmed := strings.TrimRight(setting, "/"); strings.HasSuffix(trimmed, "/kms/callback") {
		return trimmed + "/" + token
	}
	return setting
}
