package cxone

import (
	"encoding/json"
	"strconv"
)

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

	// Unreadable lists the places whose values could not be read; the fields
	// that stand for them are zero and say nothing.
	Unreadable []Unreadable `json:"-"`
}

// Doubts returns the places of one column that could not be read; "" asks for
// the table's own.
func (t *Table) Doubts(column string) []Unreadable {
	var out []Unreadable
	for _, u := range t.Unreadable {
		if u.Column == column {
			out = append(out, u)
		}
	}
	return out
}

// TableMetadata carries the table's limits. MaxEncryptedFields is filled with
// DefaultMaxEncryptedFields by the client when the tenant names none; 0 means
// that no column may be encrypted.
type TableMetadata struct {
	MaxEncryptedFields int `json:"maxEncryptedFields"`
}

// Column is one column of a table. EncryptionConfiguration may be nil even
// where Encrypted is true: not every tenant shows it.
type Column struct {
	Name                    string            `json:"name"`
	Type                    string            `json:"type"`
	Encrypted               bool              `json:"encrypted"`
	Unclear                 bool              `json:"-"` // whether it is encrypted could not be read
	EncryptionConfiguration *ColumnEncryption `json:"encryptionConfiguration,omitempty"`
}

// KeyVersion is the column's key version as a number that can be ordered, 0
// where the tenant shows none, or one that is no number.
func (c Column) KeyVersion() int64 {
	if c.EncryptionConfiguration == nil {
		return 0
	}
	return c.EncryptionConfiguration.KeyVersion
}

// KeyVersionText is the column's key version as the tenant gives it, "" where
// it shows none. Some tenants name a key by an id: two of them can be told
// apart, and not ordered.
func (c Column) KeyVersionText() string {
	switch e := c.EncryptionConfiguration; {
	case e == nil:
		return ""
	case e.KeyVersionText == "" && e.KeyVersion != 0:
		return strconv.FormatInt(e.KeyVersion, 10)
	default:
		return e.KeyVersionText
	}
}

// ColumnEncryption is what a tenant may show of an encrypted column.
type ColumnEncryption struct {
	Algorithm            string                `json:"algorithm,omitempty"`
	KeyVersion           int64                 `json:"keyVersion,omitempty"` // 0: not shown, or no number
	KeyVersionText       string                `json:"-"`                    // as given; 3, 3.0 and "3" are "3"
	KeyRotationDirective *KeyRotationDirective `json:"keyRotationDirective,omitempty"`
}

// Index is one index of a table. An encrypted column cannot be served by it.
// Its columns are as the tenant writes them; StandsOver says what they mean.
type Index struct {
	Name     string   `json:"name"`
	Columns  []string `json:"columns"`
	ReadOnly bool     `json:"readOnly"`

	// Unreadable says why the columns are not known, "" where they are. Such an
	// index may stand over any column.
	Unreadable string `json:"unreadable,omitempty"`
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
	Body     []byte // as received, at most 8 MiB; a longer one is cut there
	Replayed bool   // the tenant said Idempotent-Replayed: true

	// UnderWay is true where the tenant accepted the change and says that it is
	// still making it: status 202, or a body whose status says so. Nothing in
	// the answer tells whether it will succeed.
	UnderWay bool

	// Problem is the error that the tenant put into a success, "" where it put
	// none. The table tells whether the change was made.
	Problem string

	// Columns is the new state when the answer tells it, nil when it does not:
	// the shape of the answer is not fixed, so callers re-read the table then.
	Columns []Column

	// KMSPayload is the callback's body when the tenant sends it inline
	// (externalKmsPayload), nil when it comes by callback.
	KMSPayload json.RawMessage
}
