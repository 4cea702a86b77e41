package access

import (
	"strings"

	"cxseal/internal/fault"
)

// Roles lists the roles a person can have, from the least trusted. System is
// not among them: no account carries it.
func Roles() []Role { return []Role{Viewer, Officer, Approver, Admin} }

// ParseRole reads a person's role, without regard to case or surrounding
// space. Anything else, System included, is fault.Invalid.
func ParseRole(s string) (Role, error) {
	r := Role(strings.ToLower(strings.TrimSpace(s)))
	if !r.Valid() {
		return "", fault.New(fault.Invalid, "A role is one of viewer, officer, approver or admin.")
	}
	return r, nil
}

// Valid says whether a person can have the role.
func (r Role) Valid() bool {
	switch r {
	case Viewer, Officer, Approver, Admin:
		return true
	}
	return false
}

// Description says in one sentence what the role is trusted with.
func (r Role) Description() string {
	switch r {
	case Viewer:
		return "Reads the dashboards."
	case Officer:
		return "Reads everything, exports the record and reviews it."
	case Approver:
		return "Reads everything and approves what another person has asked for."
	case Admin:
		return "Launches and cancels runs, and manages connections, people and settings."
	case System:
		return "The console itself, or the command line on its machine."
	}
	return "An unknown role, trusted with nothing."
}
