// Package access decides who a person is and what they may do: accounts, passwords, single sign-on, second
// factors, sessions, API tokens, roles and permissions, the four-eyes approval. It declares the storage
// that it needs as interfaces, which store satisfies. It knows nothing of HTTP pages or SQL.
package access

import "cxseal/internal/audit"

// Role is what an account may do; see the table of permissions in permission.go.
type Role string

// The roles, from the least trusted.
const (
	Viewer   Role = "viewer"   // reads dashboards
	Officer  Role = "officer"  // reads everything, exports, reviews
	Approver Role = "approver" // reads everything, approves runs (four eyes)
	Admin    Role = "admin"    // launches runs, manages connections and people

	// System is the role of the console itself: the scheduler, the runner and the command line on the
	// machine that holds the database.
	System Role = "system"
)

// Caller is the person, program or part of the console that asks for something. Every method that changes
// something takes one.
type Caller struct {
	UserID int64  // 0 for System
	Name   string // the account's name, or "scheduler", "cli", "kms"
	Role   Role
	IP     string // the client's address as the console saw it; empty for System

	// SessionID is the public id of the session the caller came with; empty without one. It is not the
	// session's token.
	SessionID string

	// Scope limits a caller who came with an API token. It is nil for everyone else, who can do all that
	// their role allows.
	Scope *Scope
}

// Scope is what an API token may be used for, at most.
type Scope struct {
	TokenID     int64
	Permissions []Permission
}

// Actor is the caller as the ledger keeps it.
func (c Caller) Actor() audit.Actor {
	return audit.Actor{Name: c.Name, Role: string(c.Role), IP: c.IP}
}
