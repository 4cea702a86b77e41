package access

import (
	"slices"

	"cxseal/internal/fault"
)

// Permission is one thing a caller may be allowed to do. The text is what an API token's scopes are stored
// and shown as, so it is never renamed.
type Permission string

// The permissions. A route or a service names exactly one of them.
const (
	PermOwnAccount        Permission = "account:own"           // one's own password, sessions, second factor and API tokens
	PermViewDashboard     Permission = "dashboard:view"        // the dashboards and the series behind their charts
	PermViewAll           Permission = "records:view"          // data stores, runs, the audit log, verifications, rotations
	PermExport            Permission = "records:export"        // CSV, JSONL, evidence packs, the calendar feed
	PermReview            Permission = "records:review"        // sign that a part of the log was reviewed
	PermAcknowledge       Permission = "attention:acknowledge" // take on what needs attention, with an owner and a note
	PermLaunchRun         Permission = "runs:launch"           // launch runs and campaigns, or ask for them under four eyes
	PermCancelRun         Permission = "runs:cancel"           // cancel a run that has not been sent
	PermApproveRun        Permission = "runs:approve"          // approve or decline what another person asked for
	PermDecideSensitivity Permission = "sensitivity:decide"    // decide which columns are sensitive, or ask for it under four eyes
	PermManageConnections Permission = "connections:manage"    // add, edit, test, disable a connection
	PermManagePeople      Permission = "people:manage"         // accounts, roles, other people's sessions and tokens
	PermManageSettings    Permission = "settings:manage"       // everything else that can be set
)

// rolePermissions is the one table of permissions: a role holds those beside it and no other. Only officers
// review, so that the people who launch runs do not also sign off their record. Officers decide what is sensitive as
// well as admins: they know the data. An admin may approve, but
// not their own request (Approval.Approve).
var rolePermissions = map[Role][]Permission{
	Viewer:   {PermOwnAccount, PermViewDashboard},
	Officer:  {PermOwnAccount, PermViewDashboard, PermViewAll, PermExport, PermReview, PermAcknowledge, PermDecideSensitivity},
	Approver: {PermOwnAccount, PermViewDashboard, PermViewAll, PermApproveRun},
	Admin: {PermOwnAccount, PermViewDashboard, PermViewAll, PermExport, PermAcknowledge, PermLaunchRun, PermCancelRun,
		PermApproveRun, PermDecideSensitivity, PermManageConnections, PermManagePeople, PermManageSettings},
	System: {PermViewDashboard, PermViewAll, PermExport, PermLaunchRun, PermCancelRun,
		PermManageConnections, PermManagePeople, PermManageSettings},
}

// actions are what each permission allows, as words that follow "may" and "may not".
var actions = map[Permission]string{
	PermOwnAccount:        "change their own account",
	PermViewDashboard:     "read the dashboards",
	PermViewAll:           "read data stores, runs and the audit log",
	PermExport:            "export the record",
	PermReview:            "review the record",
	PermAcknowledge:       "acknowledge what needs attention",
	PermLaunchRun:         "launch runs",
	PermCancelRun:         "cancel runs",
	PermApproveRun:        "approve what other people ask for",
	PermDecideSensitivity: "decide which columns are sensitive",
	PermManageConnections: "manage connections",
	PermManagePeople:      "manage people",
	PermManageSettings:    "change settings",
}

// Permissions lists every permission in a fixed order.
func Permissions() []Permission {
	return []Permission{PermOwnAccount, PermViewDashboard, PermViewAll, PermExport, PermReview, PermAcknowledge, PermLaunchRun,
		PermCancelRun, PermApproveRun, PermDecideSensitivity, PermManageConnections, PermManagePeople, PermManageSettings}
}

// Action returns what the permission allows, as words that end a sentence: "launch runs".
func (p Permission) Action() string {
	if d, ok := actions[p]; ok {
		return d
	}
	return "do this"
}

// Can reports whether the role holds the permission. An unknown role holds none.
func Can(role Role, perm Permission) bool { return slices.Contains(rolePermissions[role], perm) }

// Can reports whether the caller's role holds the permission and, for a caller with an API token, whether
// the token's scope holds it too.
func (c Caller) Can(perm Permission) bool {
	return Can(c.Role, perm) && (c.Scope == nil || slices.Contains(c.Scope.Permissions, perm))
}

// Require is nil when the caller holds the permission, and otherwise fault.Denied with a sentence that
// names the missing permission and tells nothing about what was asked for.
func Require(c Caller, perm Permission) error {
	if c.Can(perm) {
		return nil
	}
	if c.Scope != nil && Can(c.Role, perm) {
		return fault.New(fault.Denied,
			"This API token may not %s. Make one whose scopes include %s.", perm.Action(), perm)
	}
	if !c.Role.Valid() {
		return fault.New(fault.Denied, "You may not %s.", perm.Action())
	}
	return fault.New(fault.Denied, "The role %s may not %s. Ask an admin.", c.Role, perm.Action())
}
