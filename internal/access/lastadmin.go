package access

import "cxseal/internal/fault"

// KeepAdmin is fault.Conflict for a change of accounts that leaves no admin who can sign in; before and
// after are their numbers. A change made while there is none is allowed, or an admin could never be made
// again.
func KeepAdmin(before, after int) error {
	if before > 0 && after == 0 {
		return fault.New(fault.Conflict,
			"This is the last admin who can sign in: make another account an admin first.")
	}
	return nil
}
