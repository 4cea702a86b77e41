package encryption

import (
	"testing"
	"time"
)

func TestAnEndedRunHasNoLeaseAndOnlyAVerifiedOneAKeyVersion(t *testing.T) {
	until := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for _, state := range States() {
		r := Run{State: state, LeaseOwner: "w", LeaseUntil: until, KeyVersion: 4}
		owner, at := r.Lease()
		if ended := owner == "" && at.IsZero(); ended != state.Ended() || !ended && (owner != "w" || !at.Equal(until)) {
			t.Errorf("%s: the lease is %q until %s", state, owner, at)
		}
		if proven := r.ProvenKeyVersion() == 4; proven != (state == Verified) {
			t.Errorf("%s: the proven key version is %d", state, r.ProvenKeyVersion())
		}
	}
	if v := (&Run{State: Verified, KeyVersion: -1}).ProvenKeyVersion(); v != 0 {
		t.Errorf("the key version %d was proven", v)
	}
}

func TestANamedTableIsCalledByItsName(t *testing.T) {
	r := Run{TableID: "tbl_1", Plan: &Plan{}}
	if name := r.NameOfTable(); name != "tbl_1" {
		t.Errorf("without a name it is %q", name)
	}
	r.Plan.TableName = "Customers"
	if name := r.NameOfTable(); name != "Customers" {
		t.Errorf("with a name it is %q", name)
	}
}
