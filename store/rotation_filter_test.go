package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cxseal/internal/encryption"
	"cxseal/internal/rotation"
)

// The list of a status is made by SQL, and the status of a column by
// rotation.StatusAt: a column must be in the list of its status and in no other.
func TestEachColumnIsInTheListOfItsStatusAndInNoOther(t *testing.T) {
	s, at := open(t), noon
	rapid.Check(t, func(rt *rapid.T) {
		connection := fmt.Sprint("c", number(t, s, `SELECT count(DISTINCT connection) FROM rotation_dates`))
		leads := rotation.Leads{First: time.Duration(rapid.IntRange(0, 60).Draw(rt, "first")) * day, Second: time.Duration(rapid.IntRange(0, 20).Draw(rt, "second")) * day}
		var want []rotation.Column
		for i := range rapid.IntRange(1, 12).Draw(rt, "columns") {
			want = append(want, rotation.Column{
				Key:       rotation.Key{Connection: connection, DatastoreID: "ds", TableID: "t", Column: fmt.Sprintf("c%02d", i)},
				Strategy:  rapid.SampledFrom([]string{encryption.Automatic, encryption.Manual}).Draw(rt, "strategy"),
				GraceDays: rapid.IntRange(0, 9).Draw(rt, "grace"), IntervalDays: rapid.SampledFrom([]int{1, 14, 30, 59, 60, 61, 90}).Draw(rt, "interval"),
				DueAt:     at.Add(time.Duration(rapid.IntRange(-12, 70).Draw(rt, "due")) * day),
				FirstSeen: noon, UpdatedAt: noon,
				KeyVersion: rapid.Int64Range(0, 1).Draw(rt, "version"),
				Shown:      rapid.SampledFrom([]rotation.Visibility{rotation.NeverRead, rotation.VersionShown, rotation.VersionHidden}).Draw(rt, "shown"),
				Rotated:    rotation.Rotation{Timeliness: rapid.SampledFrom([]rotation.Timeliness{"", rotation.OnTime, rotation.Late, rotation.Unproven}).Draw(rt, "timeliness")},
			})
		}
		if err := s.write(t.Context(), func(t *tx) error { return t.changeLedger(rotation.Changes{Moved: want}) }); err != nil {
			rt.Fatal(err)
		}
		for _, status := range rotation.Statuses() {
			list, err := s.Ledger(t.Context(), rotation.Filter{Connection: connection, Status: status, Now: at, Leads: leads}, nil, 100)
			if err != nil {
				rt.Fatal(err)
			}
			var got, have []string
			for _, c := range list {
				got = append(got, c.Column)
			}
			for _, c := range want {
				if c.StatusAt(at, leads) == status {
					have = append(have, c.Column)
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(have, got); diff != "" {
				rt.Fatalf("%s (-by StatusAt +by SQL):\n%s", status, diff)
			}
		}
	})
}
