package frame

import (
	"testing"

	"cxseal/internal/fault"
)

// Mutation: with one line of statuses left out, this test names its code.
func TestEveryFaultHasAStatus(t *testing.T) {
	for _, code := range fault.Codes() {
		status, ok := statuses[code]
		if !ok || status < 400 || status > 599 {
			t.Errorf("%s is answered %d", code, status)
		}
	}
}

// Mutation: with StatusOf returning statuses[code], the status is 0 here, and
// net/http panics at WriteHeader(0).
func TestAFaultWithoutAStatusIsOurs(t *testing.T) {
	if p := Describe(fault.New("new_code", "Something new.")); p.Status != 500 || p.Message != "Something new." {
		t.Errorf("%+v", p)
	}
}
