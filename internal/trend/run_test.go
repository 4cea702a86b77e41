package trend

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cxseal/internal/encryption"
)

func TestARunIsAPartOfEachStageItReachedAndFailsInTheLast(t *testing.T) {
	for _, c := range []struct {
		state encryption.State
		ms    [4]int64
		want  []Part
	}{
		{encryption.Verified, [4]int64{1, 2, 3, 4}, []Part{{"token", 1, false}, {"checks", 2, false}, {"patch", 3, false}, {"kms", 4, false}}},
		{encryption.Failed, [4]int64{0, 12, -1, -1}, []Part{{"token", 0, false}, {"checks", 12, true}}},
		{encryption.Failed, [4]int64{-1, -1, -1, -1}, nil},
		{encryption.Unconfirmed, [4]int64{1, 2, 3, -1}, []Part{{"token", 1, false}, {"checks", 2, false}, {"patch", 3, false}, {"kms", -1, true}}},
		{encryption.Rejected, [4]int64{-1, -1, 3, -1}, []Part{{"patch", 3, false}, {"kms", -1, true}}},
		{encryption.Cancelled, [4]int64{1, 2, 3, 4}, nil},
	} {
		if diff := cmp.Diff(c.want, Ended{State: c.state, Ms: c.ms}.Parts()); diff != "" {
			t.Errorf("%s %v:\n%s", c.state, c.ms, diff)
		}
	}
}

func TestTheLatencyOfADayIsThatOfItsRuns(t *testing.T) {
	late := noon.Add(13 * time.Hour) // the next day
	got := LatencyOf([]Ended{
		{State: encryption.Verified, At: noon, Ms: [4]int64{1, -1, 30, 40}},
		{State: encryption.Failed, At: noon.Add(time.Hour), Ms: [4]int64{9, -1, -1, -1}},
		{State: encryption.Unconfirmed, At: late, Ms: [4]int64{-1, -1, 7, -1}},
	})
	today, next := DayTime(DayOf(noon)), DayTime(DayOf(late))
	want := []Latency{
		{Day: today, Stage: "token", Runs: 2, Failed: 1, Timed: 2, P50: 1, P95: 9, Max: 9},
		{Day: today, Stage: "patch", Runs: 1, Timed: 1, P50: 30, P95: 30, Max: 30},
		{Day: today, Stage: "kms", Runs: 1, Timed: 1, P50: 40, P95: 40, Max: 40},
		{Day: next, Stage: "patch", Runs: 1, Timed: 1, P50: 7, P95: 7, Max: 7},
		{Day: next, Stage: "kms", Runs: 1, Failed: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// counted is Durations without a database.
type counted map[int64]int64

func (c counted) Count(ms int64) (int64, error) { return c[ms], nil }

func (c counted) nearest(better func(ms, found int64) bool, in func(ms int64) bool) (int64, error) {
	found, any := int64(0), false
	for ms, n := range c {
		if n > 0 && in(ms) && (!any || better(ms, found)) {
			found, any = ms, true
		}
	}
	return found, nil
}

func (c counted) Lower(of int64) (int64, error) {
	return c.nearest(func(ms, found int64) bool { return ms > found }, func(ms int64) bool { return ms < of })
}

func (c counted) Higher(of int64) (int64, error) {
	return c.nearest(func(ms, found int64) bool { return ms < found }, func(ms int64) bool { return ms > of })
}

func (c counted) Longest() (int64, error) {
	return c.nearest(func(ms, found int64) bool { return ms > found }, func(int64) bool { return true })
}

// Figures that are kept up run by run must stay those of all runs together,
// also when a late callback takes a run out of a day again.
func TestFiguresKeptUpAreThoseOfAllRuns(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var f Figures
		var there []Part
		all := counted{}
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			by := int64(1)
			p := Part{Ms: rapid.Int64Range(-1, 12).Draw(rt, "ms"), Failed: rapid.Bool().Draw(rt, "failed")}
			if len(there) > 0 && rapid.IntRange(0, 2).Draw(rt, "out") == 0 {
				i := rapid.IntRange(0, len(there)-1).Draw(rt, "which")
				by, p = -1, there[i]
				there = slices.Delete(there, i, i+1)
			} else {
				there = append(there, p)
			}
			if p.Ms >= 0 {
				all[p.Ms] += by
			}
			if err := f.Take(p, by, all); err != nil {
				rt.Fatal(err)
			}
			var ms []int64
			var failed int64
			for _, p := range there {
				if p.Failed {
					failed++
				}
				if p.Ms >= 0 {
					ms = append(ms, p.Ms)
				}
			}
			longest := int64(0)
			if len(ms) > 0 {
				longest = slices.Max(ms)
			}
			if f.Runs != int64(len(there)) || f.Failed != failed || f.Timed != int64(len(ms)) || f.Longest != longest ||
				f.P50.Ms != Percentile(ms, 0.50) || f.P95.Ms != Percentile(ms, 0.95) {
				rt.Fatalf("figures %+v of %v", f, there)
			}
		}
	})
}
