package cxone

import "encoding/json"

// Algorithm is the only one the published guide names.
const Algorithm = "AES-256-GCM"

// DefaultMaxEncryptedFields is a table's limit of encrypted columns when its
// metadata names none.
const DefaultMaxEncryptedFields = 12

// DataStore is one entry of the data store listing.
type DataStore struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// TableRef is one entry of a data store's table listing.
type TableRef struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	DatastoreID string `json:"datastoreId"`
}

// Table is a table's shape as the tenant tells it.
type Table struct {
	ID          string        `json:"id"`
	DatastoreID string        `json:"datastoreId"`
	Name        string        `json:"name"`
	Columns     []Column      `json:"columns"`
	Metadata    TableMetadata `json:"metadata"`
}

// TableMetadata carries the table's limits. MaxEncryptedFields is filled with
// DefaultMaxEncryptedFields by the client when the tenant names none.
type TableMetadata struct {
	MaxEncryptedFields int `json:"maxEncryptedFields"`
}

// Column is one column of a table. EncryptionConfiguration may be nil even
// where Encrypted is true: not every tenant shows it.
type Column struct {
	Name                    string            `json:"name"`
	Type                    string            `json:"type"`
	Encrypted               bool              `json:"encrypted"`
	EncryptionConfiguration *ColumnEncryption `json:"encryptionConfiguration,omitempty"`
}

// KeyVersion is the column's key version, 0 where the tenant shows none.
func (c Column) KeyVersion() int64 {
	if c.EncryptionConfiguration == nil {
		return 0
	}
	return c.EncryptionConfiguration.KeyVersion
}

// ColumnEncryption is what a tenant may show of an encrypted column.
type ColumnEncryption struct {
	Algorithm            string                `json:"algorithm,omitempty"`
	KeyVersion           int64                 `json:"keyVersion,omitempty"` // 0: not shown
	KeyRotationDirective *KeyRotationDirective `json:"keyRotationDirective,omitempty"`
}

// Index is one index of a table. An encrypted column cannot be served by it.
type Index struct {
	Name     string   `json:"name"`
	Columns  []string `json:"columns"`
	ReadOnly bool     `json:"readOnly"`
}

// EncryptRequest is the body of the PATCH (contract §1), field order included.
type EncryptRequest struct {
	TableID            string          `json:"tableId"`
	ColumnTargetMatrix []ColumnTarget  `json:"columnTargetMatrix"`
	ExternalKMSSync    ExternalKMSSync `json:"externalKmsSync"`
}

// ColumnTarget asks for one column.
type ColumnTarget struct {
	Name                    string                  `json:"name"`
	Type                    string                  `json:"type"`
	EncryptionConfiguration EncryptionConfiguration `json:"encryptionConfiguration"`
}

// EncryptionConfiguration is how a column is to be encrypted.
type EncryptionConfiguration struct {
	Enabled                          bool                 `json:"enabled"`
	Algorithm                        string               `json:"algorithm"`
	ComplianceMode                   string               `json:"complianceMode"`
	KeyRotationDirective             KeyRotationDirective `json:"keyRotationDirective"`
	IndexMaskingTrigger              bool                 `json:"indexMaskingTrigger"`
	DecryptionPermissionVerification bool                 `json:"decryptionPermissionVerification"`
}

// KeyRotationDirective says when the key is to be rotated next.
type KeyRotationDirective struct {
	Strategy          string `json:"strategy"` // AUTOMATIC or MANUAL
	IntervalDays      int    `json:"intervalDays"`
	NextRotationEpoch int64  `json:"nextRotationEpoch"` // Unix seconds
}

// ExternalKMSSync says where the external KMS is to be told, and how often.
type ExternalKMSSync struct {
	CallbackURL string      `json:"callbackUrl"`
	SyncMode    string      `json:"syncMode"` // ASYNC
	RetryPolicy RetryPolicy `json:"retryPolicy"`
}

// RetryPolicy bounds the tenant's attempts at the callback.
type RetryPolicy struct {
	MaxAttempts int `json:"maxAttempts"`
	BackoffMs   int `json:"backoffMs"`
}

// EncryptResult is a 2xx answer to the PATCH.
type EncryptResult struct {
	Status   int
	Body     []byte // as received, capped at 64 KiB
	Replayed bool   // the tenant said Idempotent-Replayed: true

	// Columns is the new state when the answer tells it, nil when it does not:
	// the shape of the answer is not fixed, so callers re-read the table then.
	Columns []Column

	// KMSPayload is the callback's body when the tenant sends it inline
	// (externalKmsPayload), nil when it comes by callback.
	KMSPayload json.RawMessage
}
