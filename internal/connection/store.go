package connection

import (
	"context"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/seal"
)

// Stored is a managed connection as a database keeps it.
type Stored struct {
	Settings  Settings
	Sealed    Sealed
	Disabled  bool
	Version   int64 // one more with every change
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Sealed are a connection's secrets, each sealed for its column and the connection's name; see place. A
// secret that is not set is nil.
type Sealed struct {
	ClientSecret    []byte
	AccessKeySecret []byte
	KMSSecrets      []byte // of a JSON array
}

// Table and columns of the sealed secrets, and bounds. A Store must use these names, for which the secrets
// are sealed.
const (
	tableName       = "connections"
	clientColumn    = "client_secret"
	accessKeyColumn = "access_key_secret"
	kmsColumn       = "kms_secrets"
	maxKMSSecrets   = 2
	maxConnections  = 100
)

func place(column, name string) seal.Place {
	return seal.Place{Table: tableName, Column: column, Row: name}
}

// Store is what connections need of a database. Every method is one transaction with its audit records.
type Store interface {
	// StoredConnections returns every managed connection in the order of names.
	StoredConnections(ctx context.Context) ([]Stored, error)

	// AddConnection is fault.Conflict for a name that is taken.
	AddConnection(ctx context.Context, c Stored, records ...audit.Record) error

	// ReplaceConnection is a compare-and-swap on the version, else fault.Conflict.
	ReplaceConnection(ctx context.Context, c Stored, was int64, records ...audit.Record) error

	// AppendRecords appends audit records that stand alone (a denial).
	AppendRecords(ctx context.Context, records ...audit.Record) error
}
