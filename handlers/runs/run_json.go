package runs

import (
	"time"

	"cxseal/internal/encryption"
)

// runShown is a run as a program that asks for JSON sees it: where it stands
// and why, and nothing that could confirm it in the KMS's place.
type runShown struct {
	RunID       string    `json:"runId"`
	Operation   string    `json:"operation"`
	State       string    `json:"state"`
	Connection  string    `json:"connection"`
	DatastoreID string    `json:"datastoreId"`
	TableID     string    `json:"tableId"`
	Columns     []string  `json:"columns"`
	RequestedBy string    `json:"requestedBy"`
	ApprovedBy  string    `json:"approvedBy,omitempty"`
	RequestedAt time.Time `json:"requestedAt"`
	FinishedAt  time.Time `json:"finishedAt,omitzero"`
	KeyVersion  int64     `json:"keyVersion,omitempty"`
	KeyID       string    `json:"keyVersionId,omitempty"` // where the key version is no number
	ErrorCode   string    `json:"errorCode,omitempty"`
	Error       string    `json:"error,omitempty"`
}

func runJSON(r encryption.Run) runShown {
	shown := runShown{RunID: r.ID, Operation: string(r.Operation), State: string(r.State), Connection: r.Connection, DatastoreID: r.DatastoreID,
		TableID: r.TableID, Columns: r.Columns, RequestedBy: r.RequestedBy.Name, RequestedAt: r.RequestedAt.UTC(), FinishedAt: r.FinishedAt,
		KeyVersion: r.KeyVersion, KeyID: r.KeyID, ErrorCode: string(r.ErrorCode), Error: r.ErrorMessage}
	if r.Approval != nil {
		shown.ApprovedBy = r.Approval.DecidedBy.Name
	}
	return shown
}
