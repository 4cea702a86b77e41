package encryption

import (
	"slices"
	"time"

	"cxseal/internal/audit"
)

// KMSAnswer is the answer to an accepted callback (contract §1).
type KMSAnswer struct {
	Status         string        `json:"status"`
	PermissionHash string        `json:"permissionHash"`
	Timestamp      string        `json:"timestamp"`
	AuditTrail     KMSAuditTrail `json:"auditTrail"`
}

// KMSAuditTrail says what was checked.
type KMSAuditTrail struct {
	VerifiedBy string `json:"verifiedBy"`

	// GDPRCompliant: the KMS reported the algorithm that was asked for and the
	// key has a rotation interval.
	GDPRCompliant bool `json:"gdprCompliant"`

	// DecryptionPipelineReady: the tenant shows every column of the run as
	// encrypted, under this key version where it shows one. It is false while
	// the table's new state is not known. No decryption is tried.
	DecryptionPipelineReady bool `json:"decryptionPipelineReady"`
}

// AcceptedAnswer is the answer to a callback that passed every check.
func AcceptedAnswer(run Run, callback Callback, at time.Time) KMSAnswer {
	return KMSAnswer{
		Status:         string(kmsVerified),
		PermissionHash: PermissionHash(callback.TableID, KeyVersionText(callback.KeyVersion, callback.KeyID), len(callback.Columns)),
		Timestamp:      audit.FormatTime(at),
		AuditTrail: KMSAuditTrail{
			VerifiedBy:              "EXTERNAL_KMS",
			GDPRCompliant:           run.IntervalDays > 0 && checkAlgorithm(callback.Algorithm).Passed,
			DecryptionPipelineReady: encryptedIn(run.After, run.Columns),
		},
	}
}

// encryptedIn reports whether the table's columns, as the tenant tells them,
// are known and show every named one as encrypted.
func encryptedIn(table []ColumnState, names []string) bool {
	for _, name := range names {
		if !slices.ContainsFunc(table, func(c ColumnState) bool { return c.Name == name && c.Encrypted }) {
			return false
		}
	}
	return len(names) > 0
}
