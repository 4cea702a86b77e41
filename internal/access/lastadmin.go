package access

import "cxseal/internal/fault"

// KeepAdmin refuses a change of accounts that takes away the last admin who can
// sign in: before and after are how many there were and would be. A change made
// while there is none is let through, or nobody could make an admin again.
func KeepAdmin(before, after int) error {
	if before > 0 && after == 0 {
		return fault.New(fault.Conflict, "This is the last admin who can sign in: make another account an admin first.")
	}
	return nil
}
