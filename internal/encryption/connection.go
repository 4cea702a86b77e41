package encryption

import (
	"context"
	"time"

	"cxseal/cxone"
)

// Tenant is what a run needs of CXone; *cxone.Client is one.
type Tenant interface {
	Table(ctx context.Context, datastoreID, tableID string) (*cxone.Table, error)
	Indexes(ctx context.Context, datastoreID, tableID string) ([]cxone.Index, error)
	Encrypt(ctx context.Context, datastoreID, tableID, idempotencyKey string, body []byte) (*cxone.EncryptResult, error)
}

// Connection is one tenant as this console may use it.
type Connection struct {
	Name   string
	Tenant Tenant

	// CallbackURL is the setting that CallbackURL (the function) fills in.
	CallbackURL string

	// KMSSecrets, when there are any, sign every callback (Standard Webhooks,
	// whsec_…). Two may live at once while one is being replaced.
	KMSSecrets []string

	// CallbackDeadline is how long a run waits for its KMS confirmation.
	CallbackDeadline time.Duration

	// Concurrency is how many runs may be checked or patched at a time. Runs
	// that only wait for a callback do not count.
	Concurrency int

	// FourEyes asks for another person's approval of every run; a request waits
	// for it for ApprovalLife.
	FourEyes     bool
	ApprovalLife time.Duration

	// Disabled refuses new runs. Callbacks of what was sent still count.
	Disabled bool

	// Redact removes the connection's secrets from a text.
	Redact func(string) string
}

// DefaultCallbackDeadline is how long a run waits for its KMS confirmation.
const DefaultCallbackDeadline = 10 * time.Minute

// Connections finds the tenants this console may use. What it answers may
// change at any time.
type Connections interface {
	// Connection is fault.NotFound for a name that is unknown.
	Connection(name string) (*Connection, error)
	// Names lists the usable connections in a stable order.
	Names() []string
}
