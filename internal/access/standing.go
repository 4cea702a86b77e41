package access

import "cxseal/internal/fault"

// MayStill is nil when the account may do now what the permission is for, and otherwise fault.Denied with a sentence
// that says why work in its person's name does not go on. Work that waits is bound to people who may still do it.
func (u User) MayStill(perm Permission) error {
	switch {
	case u.Disabled:
		return fault.New(fault.Denied, "The account %s is disabled.", u.Name)
	case !Can(u.Role, perm):
		return fault.New(fault.Denied, "%s has the role %s now and may not %s.", u.Name, u.Role, perm.Action())
	}
	return nil
}
