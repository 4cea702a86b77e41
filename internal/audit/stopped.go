package audit

import (
	"time"

	"cxseal/internal/fault"
)

// MostSearchTime is how long a search of the log may take.
const MostSearchTime = 5 * time.Second

// ErrSearchStopped answers a search that took too long, or found no connection
// in that time because others were searching.
var ErrSearchStopped = fault.New(fault.Unavailable,
	"The search was stopped after %d seconds. Narrow it: by a period, a run, a table or an actor, or by a rarer word in place of a common one or of a few letters.",
	int(MostSearchTime/time.Second))
