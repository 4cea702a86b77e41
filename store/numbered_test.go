package store

import (
	"fmt"
	"testing"

	"cxseal/internal/encryption"
)

func TestAPageIsTheSameFromEitherSide(t *testing.T) {
	s := open(t)
	for i := range 7 {
		addRun(t, s, newRun(fmt.Sprint("r", i), "tbl"))
	}
	ids := func(list []encryption.RunLine, err error) (ids string, first, last int64) {
		t.Helper()
		if err != nil || len(list) == 0 {
			t.Fatal(len(list), err)
		}
		for _, l := range list {
			ids += l.ID
		}
		return ids, list[0].Seq, list[len(list)-1].Seq
	}
	f := encryption.RunFilter{}
	newest, _, last := ids(s.Runs(t.Context(), f, 0, 3))
	next, first, _ := ids(s.Runs(t.Context(), f, last, 3))
	back, _, _ := ids(s.RunsAfter(t.Context(), f, first, 3))
	one, _, _ := ids(s.RunsAfter(t.Context(), f, first, 1))
	if newest != "r6r5r4" || next != "r3r2r1" || back != newest || one != "r4" {
		t.Errorf("%s, then %s, and back %s, of which the nearest is %s", newest, next, back, one)
	}
}
