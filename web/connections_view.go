package web

import (
	"strings"
	"time"
)

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

func (r ManagedConnection) label() label {
	switch {
	case r.Trouble != "":
		return label{"Cannot be used", ToneDanger, "x"}
	case r.Disabled:
		return label{"Disabled", ToneWarning, "ban"}
	}
	return label{"In use", ToneSuccess, "check"}
}

func (r ManagedConnection) eyes() string {
	if r.FourEyes {
		return "two people"
	}
	return "one person"
}

// ConnectionView is one connection with its form. NewSecret is shown once.
type ConnectionView struct {
	Chrome
	Row       ManagedConnection // not of a new one
	New       bool
	Form      ConnectionForm
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

func (f Finding) label() label {
	switch f.Verdict {
	case "ok":
		return label{"Good", ToneSuccess, "check"}
	case "warning":
		return label{"Look at it", ToneWarning, "warning"}
	case "problem":
		return label{"Problem", ToneDanger, "x"}
	}
	return label{"Not examined", ToneNone, "circle"}
}

var modeOptions = []Option{{"client-credentials", "Client credentials"}, {"access-key", "Access key"}}

// FormatDuration is a duration as a person types it: 10m, not 10m0s.
func FormatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func signedText(secrets int) string {
	switch secrets {
	case 0:
		return "need no signature"
	case 1:
		return "must be signed"
	}
	return "must be signed; " + FormatNumber(int64(secrets)) + " secrets are live"
}

func connectionAction(v ConnectionView) string {
	if v.New {
		return "/connections"
	}
	return ConnectionPath(v.Row.Name)
}
