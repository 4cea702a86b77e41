package audit

import (
	"testing"

	"cxseal/internal/fault"
)

func TestACheckpointOfAChangedLogDoesNotRepeatTheOneBefore(t *testing.T) {
	kept := KeptCheckpoint{Size: 3, Root: LeafHash([]byte("a"))}
	if err := (KeptCheckpoint{Size: 3, Root: LeafHash([]byte("a")), Note: "signed again"}).Repeat(kept); err != nil {
		t.Error(err)
	}
	if err := (KeptCheckpoint{Size: 3, Root: LeafHash([]byte("b"))}).Repeat(kept); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("another root: %v", err)
	}
}
