package trend

// Figures are a day's figures of one stage, kept up with each run that ends.
// They say what LatencyOf computes of all of the day's runs.
type Figures struct {
	Runs, Failed int64
	Timed        int64 // runs whose duration is known
	P50, P95     Quantile
	Longest      int64 // milliseconds
}

// Quantile is a percentile and how many durations lie below it.
type Quantile struct{ Ms, Below int64 }

// Durations are the durations of one stage on one day in milliseconds, each
// with how many runs took it. 0 stands for a duration that is not there.
type Durations interface {
	Count(ms int64) (int64, error)
	Lower(ms int64) (int64, error)  // the longest below
	Higher(ms int64) (int64, error) // the shortest above
	Longest() (int64, error)
}

// Take adds a run's part to the figures (by 1), or takes it out again (by -1).
// The durations have it, or no longer have it, already.
func (f *Figures) Take(p Part, by int64, all Durations) (err error) {
	f.Runs += by
	if p.Failed {
		f.Failed += by
	}
	if p.Ms < 0 {
		return nil
	}
	f.Timed += by
	if by > 0 {
		f.Longest = max(f.Longest, p.Ms)
	} else if f.Longest, err = all.Longest(); err != nil {
		return err
	}
	for _, q := range []*Quantile{&f.P50, &f.P95} {
		if p.Ms < q.Ms {
			q.Below += by
		}
	}
	return f.Settle(all)
}

// Settle moves the percentiles to their nearest rank among the durations. One
// duration more or less moves them by a step, rarely two.
func (f *Figures) Settle(all Durations) error {
	if err := f.P50.settle(f.Timed, 0.50, all); err != nil {
		return err
	}
	return f.P95.settle(f.Timed, 0.95, all)
}

func (q *Quantile) settle(n int64, share float64, all Durations) error {
	if n == 0 {
		*q = Quantile{}
		return nil
	}
	rank := int64(Rank(int(n), share))
	for q.Below >= rank {
		lower, err := all.Lower(q.Ms)
		if err != nil {
			return err
		}
		there, err := all.Count(lower)
		if err != nil {
			return err
		}
		q.Ms, q.Below = lower, q.Below-there
	}
	for {
		here, err := all.Count(q.Ms)
		if err != nil || q.Below+here >= rank {
			return err
		}
		next, err := all.Higher(q.Ms)
		if err != nil {
			return err
		}
		q.Ms, q.Below = next, q.Below+here
	}
}
