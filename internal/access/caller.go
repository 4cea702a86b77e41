// Package access decides who may do what: accounts, roles, sessions, second
// factors. It declares the storage it needs and store satisfies it.
package access

import "cxseal/internal/audit"

// Role is what an account is trusted with.
type Role string

// The roles, from the least trusted.
const (
	Viewer   Role = "viewer"   // reads dashboards
	Officer  Role = "officer"  // reads everything, exports, reviews
	Approver Role = "approver" // reads everything, approves runs (four eyes)
	Admin    Role = "admin"    // launches runs, manages connections and people

	// System is the role of the console itself: the scheduler, the runner and
	// the command line on the machine that holds the database.
	System Role = "system"
)

// Caller is who asks. Every method that changes something takes one.
type Caller struct {
	UserID int64  // 0 for System
	Name   string // the account's name, or "scheduler", "cli", "kms"
	Role   Role
	IP     string // the client's address as the console saw it; empty for System

	// SessionID is the public id of the session the caller came with; empty
	// without one. It is not the session's token.
	SessionID string

	// Scope narrows a caller who came with an API token; nil for everyone
	// else, who can do all that their role can.
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
