package oracletest

import (
	"fmt"
	"strings"
	"time"
)

// Default promises of a key that the tenant or somebody else made: the built-in policy.
const (
	defaultInterval = 90
	Grace           = 7 * 24 * time.Hour
)

// promise is until when a newer key version is promised, and after how many days again.
type promise struct {
	at       time.Time // zero: the column is not encrypted
	interval int
}

// or returns the promise if it is still to come, else one of an interval from now on.
func (p promise) or(q promise, now time.Time) promise {
	if p.at.After(now) {
		return p
	}
	if p.interval > 0 {
		q.interval = p.interval
	}
	return promise{now.AddDate(0, 0, q.interval), q.interval}
}

// Due returns how many rotations are overdue at a moment, and how many are due with their grace still running. A date
// is promised by the run that encrypted the column, and by each newer key version that was seen.
func (l Ledger) Due(f Facts, now time.Time) (overdue, due int) {
	type column struct {
		Table
		name string
	}
	promises, shown := map[column]promise{}, map[column]promise{} // shown is what the tenant shows of a key: its last directive
	newest := map[column]int64{}                                  // the newest key version that was seen
	for table, read := range f.Read {
		for name, encrypted := range read.Columns {
			if encrypted {
				promises[column{table, name}] = promise{read.At.AddDate(0, 0, defaultInterval), defaultInterval}
			}
		}
	}
	asked, every := map[string]time.Time{}, map[string]int{}
	for i := range l {
		r := &l[i]
		if r.Operation == "RUN_REQUESTED" && r.RunID != "" {
			if _, after, ok := strings.Cut(r.Detail, "key rotation every "); ok {
				var days int
				if _, err := fmt.Sscanf(after, "%d days", &days); err == nil {
					asked[r.RunID], every[r.RunID] = r.At, days
				}
			}
		}
		for _, name := range r.Columns {
			of := column{r.Table(), name}
			p, at := promises[of], column{Table{"", r.DatastoreID, r.TableID}, name} // both connections read one tenant
			byRun := promise{asked[r.RunID].AddDate(0, 0, every[r.RunID]), every[r.RunID]}
			switch {
			case r.ended() && r.KMS != nil && r.KMS.Status != "NOT_REACHED":
				shown[at], newest[at] = byRun, max(newest[at], r.KMS.KeyVersion)
				if r.Operation == "COLUMN_ENCRYPTION" {
					p = byRun
				} else {
					p.interval = byRun.interval
				}
			case r.Operation == "ROTATION_OBSERVED" && r.RunID != "":
				p = byRun
			case r.Operation == "ROTATION_OBSERVED":
				if tenants := shown[at].interval; tenants > 0 && versionIn(r.Detail) > newest[at] { // the tenant rotated, and moved its date
					shown[at] = promise{r.At.AddDate(0, 0, tenants), tenants}
				}
				newest[at] = max(newest[at], versionIn(r.Detail))
				p = shown[at].or(promise{interval: p.interval}, r.At)
			case r.Operation == "DRIFT_DETECTED" && (strings.Contains(r.Detail, "no longer encrypted") || strings.HasPrefix(r.Detail, "The column is gone")):
				p.at = time.Time{}
				delete(shown, at)
			case r.Operation == "DRIFT_DETECTED" && foreign(r):
				switch {
				case p.interval > 0: // encrypted again
					p.at = r.At.AddDate(0, 0, p.interval)
				case shown[at].interval > 0: // what the tenant shows, passed or not
					p = shown[at]
				default:
					p = promise{r.At.AddDate(0, 0, defaultInterval), defaultInterval}
				}
			default:
				continue
			}
			promises[of] = p
		}
	}
	for _, p := range promises {
		switch {
		case p.at.IsZero():
		case !now.Before(p.at.Add(Grace)):
			overdue++
		case !now.Before(p.at):
			due++
		}
	}
	return overdue, due
}
