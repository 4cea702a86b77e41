package trend

import (
	"time"

	"cxseal/internal/encryption"
)

// Ended is what the latency figures need of a run that ended.
type Ended struct {
	Connection string
	State      encryption.State
	At         time.Time
	Ms         [4]int64 // the stages' durations in the order of Stages; -1: not reached
}

// EndedOf is what the figures need of the run.
func EndedOf(r *encryption.Run) Ended {
	return Ended{r.Connection, r.State, r.FinishedAt, [4]int64{r.Timings.TokenMs, r.Timings.ChecksMs, r.Timings.PatchMs, r.Timings.KMSMs}}
}

// Part is what one run adds to a day's figures of one stage.
type Part struct {
	Stage  Stage
	Ms     int64 // -1: the stage was reached and did not end
	Failed bool  // the run came no further, and was not verified
}

// Parts are what the run adds to its day's figures. A cancelled run adds
// nothing: it never ran.
func (e Ended) Parts() []Part {
	if e.State == encryption.Cancelled {
		return nil
	}
	waited := e.State == encryption.Rejected || e.State == encryption.Unconfirmed // for the KMS
	var parts []Part
	for i, stage := range Stages() {
		if e.Ms[i] >= 0 || stage == "kms" && waited {
			parts = append(parts, Part{Stage: stage, Ms: e.Ms[i]})
		}
	}
	if len(parts) > 0 && e.State != encryption.Verified {
		parts[len(parts)-1].Failed = true
	}
	return parts
}

// LatencyOf computes the daily latency from the runs themselves, which come by
// the time they ended.
func LatencyOf(runs []Ended) []Latency {
	var list []Latency
	for from := 0; from < len(runs); {
		to, day := from, DayOf(runs[from].At)
		for to < len(runs) && DayOf(runs[to].At) == day {
			to++
		}
		list = append(list, latencyOfDay(day, runs[from:to])...)
		from = to
	}
	return list
}

func latencyOfDay(day int64, runs []Ended) []Latency {
	var list []Latency
	for _, stage := range Stages() {
		l := Latency{Day: DayTime(day), Stage: stage}
		var ms []int64
		for _, r := range runs {
			for _, p := range r.Parts() {
				if p.Stage != stage {
					continue
				}
				l.Runs++
				if p.Failed {
					l.Failed++
				}
				if p.Ms >= 0 {
					ms = append(ms, p.Ms)
					l.Max = max(l.Max, p.Ms)
				}
			}
		}
		if l.Runs > 0 {
			l.Timed = len(ms)
			l.P50, l.P95 = Percentile(ms, 0.50), Percentile(ms, 0.95)
			list = append(list, l)
		}
	}
	return list
}
