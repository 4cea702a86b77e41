package access

import (
	"slices"

	"cxseal/internal/fault"
)

// Permission is one thing a caller may be allowed to do. The text is what an
// API token's scopes are stored and shown as, so it is never renamed.
type Permission string

// The permissions. A route or a service names exactly one of them.
const (
	PermOwnAccount        Permission = "account:own"        // one's own password, sessions, second factor and API tokens
	PermViewDashboard     Permission = "dashboard:view"     // the dashboards and the series behind their charts
	PermViewAll           Permission = "records:view"       // data stores, runs, the audit log, verifications, rotations
	PermExport            Permission = "records:export"     // CSV, JSONL, evidence packs, the calendar feed
	PermReview            Permission = "records:review"     // sign that a part of the log was reviewed
	PermLaunchRun         Permission = "runs:launch"        // launch runs and campaigns, or ask for them under four eyes
	PermCancelRun         Permission = "runs:cancel"        // cancel a run that has not been sent
	PermApproveRun        Permission = "runs:approve"       // approve or decline what another person asked for
	PermManageConnections Permission = "connections:manage" // add, edit, test, disable a connection
	PermManagePeople      Permission = "people:manage"      // accounts, roles, other people's sessions and tokens
	PermManageSettings    Permission = "settings:manage"    // everything else that can be set
)

// table is the one table of permissions: a role holds what stands beside it
// and nothing else. Reviewing is the officer's alone, so that those who launch
// runs do not also sign off their record. An admin may approve, but nobody
// approves their own request (Approval.Approve).
var table = map[Role][]Permission{
	Viewer:   {PermOwnAccount, PermViewDashboard},
	Officer:  {PermOwnAccount, PermViewDashboard, PermViewAll, PermExport, PermReview},
	Approver: {PermOwnAccount, PermViewDashboard, PermViewAll, PermApproveRun},
	Admin: {PermOwnAccount, PermViewDashboard, PermViewAll, PermExport, PermLaunchRun, PermCancelRun,
		PermApproveRun, PermManageConnections, PermManagePeople, PermManageSettings},
	System: {PermViewDashboard, PermViewAll, PermExport, PermLaunchRun, PermCancelRun,
		PermManageConnections, PermManagePeople, PermManageSettings},
}

// deeds say what a permission allows, to follow "may not" and "may".
var deeds = map[Permission]string{
	PermOwnAccount:        "change their own account",
	PermViewDashboard:     "read the dashboards",
	PermViewAll:           "read data stores, runs and the audit log",
	PermExport:            "export the record",
	PermReview:            "review the record",
	PermLaunchRun:         "launch runs",
	PermCancelRun:         "cancel runs",
	PermApproveRun:        "approve runs",
	PermManageConnections: "manage connections",
	PermManagePeople:      "manage people",
	PermManageSettings:    "change settings",
}

// Permissions lists every permission in a fixed order.
func Permissions() []Permission {
	return []Permission{PermOwnAccount, PermViewDashboard, PermViewAll, PermExport, PermReview, PermLaunchRun,
		PermCancelRun, PermApproveRun, PermManageConnections, PermManagePeople, PermManageSettings}
}

// Deed says what the permission allows, as the end of a sentence: "launch runs".
func (p Permission) Deed() string {
	if d, ok := deeds[p]; ok {
		return d
	}
	return "do this"
}

// Can says whether the role holds the permission. An unknown role holds none.
func Can(role Role, perm Permission) bool { return slices.Contains(table[role], perm) }

// Can says whether the caller's role holds the permission and, when the caller
// came with an API token, whether the token's scope holds it too.
func (c Caller) Can(perm Permission) bool {
	return Can(c.Role, perm) && (c.Scope == nil || slices.Contains(c.Scope.Permissions, perm))
}

// Require is nil when the caller holds the permission, and otherwise
// fault.Denied with a sentence that says what is missing and nothing about the
// thing that was asked for.
func Require(c Caller, perm Permission) error {
	if c.Can(perm) {
		return nil
	}
	if c.Scope != nil && Can(c.Role, perm) {
		return fault.New(fault.Denied, "This API token may not %s. Make one whose scopes include %s.", perm.Deed(), perm)
	}
	if !c.Role.Valid() {
		return fault.New(fault.Denied, "You may not %s.", perm.Deed())
	}
	return fault.New(fault.Denied, "The role %s may not %s. Ask an admin.", c.Role, perm.Deed())
}
