package fault_test

import (
	"testing"

	"cxseal/internal/fault"
	"cxseal/internal/vocabularytest"
)

// TestCodesListsEveryCode fails when a code is declared but not listed (tried by taking Unavailable out of
// the list).
func TestCodesListsEveryCode(t *testing.T) { vocabularytest.Complete(t, fault.Codes()) }
