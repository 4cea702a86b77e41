package store

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestASetOfRecordsIsStoredAsItIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var set recordSet
		places := map[int]bool{}
		if rapid.Bool().Draw(t, "most") {
			for i := range blockRecords {
				set.add(i)
				places[i] = true
			}
			for _, p := range rapid.SliceOfN(rapid.IntRange(0, blockRecords-1), 0, 900).Draw(t, "without") {
				set.remove(p)
				delete(places, p)
			}
		} else {
			for _, p := range rapid.SliceOfN(rapid.IntRange(0, blockRecords-1), 0, 900).Draw(t, "with") {
				set.add(p)
				places[p] = true
			}
		}
		packed := set.packed()
		if len(packed) > blockRecords/8 {
			t.Fatalf("%d bytes", len(packed))
		}
		var back recordSet
		if err := back.addPacked(packed); err != nil || back != set {
			t.Fatalf("%d places in %d bytes come back as %d, %v", set.count(), len(packed), back.count(), err)
		}
		from, to := rapid.IntRange(0, blockRecords-1).Draw(t, "from"), rapid.IntRange(0, blockRecords-1).Draw(t, "to")
		cut := set
		cut.between(from, to)
		for _, p := range cut.places(nil) {
			if p < from || p > to || !places[p] {
				t.Fatalf("between %d and %d there is %d", from, to, p)
			}
		}
		n := 0
		for p := range places {
			if from <= p && p <= to {
				n++
			}
		}
		if cut.count() != n || set.count() != len(places) || len(set.places(nil)) != len(places) || !slices.IsSorted(set.places(nil)) {
			t.Fatalf("%d of %d between %d and %d, want %d", cut.count(), set.count(), from, to, n)
		}
	})
}

func FuzzAddPacked(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 1, 2})
	f.Add([]byte{0x80, 0x20})
	f.Add(make([]byte, blockRecords/8))
	f.Fuzz(func(_ *testing.T, packed []byte) {
		var set recordSet
		_ = set.addPacked(packed) // it neither panics nor goes on for ever
	})
}
