package inventory

import (
	"testing"

	"cxseal/internal/fault"
)

// Fails when the advice beside a synchronisation's error is for another error.
func TestASynchronisationsErrorHasItsCode(t *testing.T) {
	for says, want := range map[string]fault.Code{
		"OAuth authentication failed: check the client credentials and the realm (401)": fault.TenantAuth,
		"CXone could not be reached (GET /api/v2/datastores): connection refused":       fault.TenantDown,
		incompleteList + "“Customers”.":                                                 fault.TenantUnreadable,
		"CXone answered 418.":                                                           "",
		"":                                                                              "",
	} {
		if code := (Sync{Error: says}).FaultCode(); code != want {
			t.Errorf("%q has the code %q, want %q", says, code, want)
		}
	}
}
