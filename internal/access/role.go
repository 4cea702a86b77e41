package access

import (
	"slices"
	"strings"

	"cxseal/internal/fault"
)

// Roles lists the roles a person can have, from the least trusted. System is not among them: no account
// carries it.
func Roles() []Role { return []Role{Viewer, Officer, Approver, Admin} }

var errNoSuchRole = fault.New(fault.Invalid, "A role is one of viewer, officer, approver or admin.")

// ParseRole reads a person's role, without regard to case or surrounding space. Anything else, System
// included, is fault.Invalid.
func ParseRole(s string) (Role, error) {
	r := Role(strings.ToLower(strings.TrimSpace(s)))
	if !r.Valid() {
		return "", errNoSuchRole
	}
	return r, nil
}

// Valid reports whether a person can have the role.
func (r Role) Valid() bool {
	return slices.Contains(Roles(), r)
}

// Description returns a sentence that says what the role may do.
func (r Role) Description() string {
	switch r {
	case Viewer:
		return "Reads the dashboards."
	case Officer:
		return "Reads everything, exports the record and reviews it, and decides what is sensitive."
	case Approver:
		return "Reads everything and approves what another person has asked for."
	case Admin:
		return "Launches and cancels runs, and manages connections, people and settings."
	case System:
		return "The console itself, or the command line on its machine."
	}
	return "An unknown role, trusted with nothing."
}
