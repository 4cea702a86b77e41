package web

import "time"

// ConnectionsView lists the connections to tenants.
type ConnectionsView struct {
	Chrome
	Rows []ManagedConnection
}

// ManagedConnection is one connection.
type ManagedConnection struct {
	Name      string
	Source    string // environment or console
	Mode      string
	Address   string // base URL, or the issuer with an access key
	Callback  string // without a token
	Secrets   int    // live callback secrets
	FourEyes  bool
	Disabled  bool
	Managed   bool   // may be changed here
	Trouble   string // why it cannot be used; empty when it can
	ChangedAt time.Time
}

// ConnectionView is one connection with its form. NewSecret is shown once.
type ConnectionView struct {
	Chrome
	Row       ManagedConnection // not of a new one
	New       bool
	Form      ConnectionForm
	Issuers   []Option // the known ones, which the form offers
	Error     string
	NewSecret string
	Tested    bool
	Findings  []Finding
}

// ConnectionForm is the settings as they are typed. Secrets never stand in it.
type ConnectionForm struct {
	Name, Mode, ClientID, Realm, BaseURL, TokenURL, PathPrefix, Issuer, AccessKeyID string
	DatastoreID, TableID, CallbackURL, CallbackDeadline, Rate, Concurrency          string
	FourEyes, AutoRotate                                                            bool
	ApprovalLife                                                                    string
	Version                                                                         int64
}

// Finding is one examination of a connection.
type Finding struct {
	Name, Verdict, Detail, Mend string
}

func connectionAction(v ConnectionView) string {
	if v.New {
		return "/connections"
	}
	return ConnectionPath(v.Row.Name)
}
