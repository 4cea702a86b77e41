package encryption

import (
	"testing"
	"time"
)

// An approval is for every word of the request: a row that somebody edits
// after the approval must not be sent.
func TestAnApprovalIsForEveryWordOfTheRequest(t *testing.T) {
	plan := Plan{Fingerprint: "shape"}
	run := Run{ID: "r", Operation: "COLUMN_ENCRYPTION", Connection: "c", DatastoreID: "d", TableID: "t", Columns: []string{"a", "b"}, Strategy: Automatic, IntervalDays: 90}
	was := approvalFingerprint(run, plan)
	for what, edit := range map[string]func(*Run, *Plan){
		"id": func(r *Run, _ *Plan) { r.ID = "x" }, "operation": func(r *Run, _ *Plan) { r.Operation = "KEY_ROTATION" },
		"connection": func(r *Run, _ *Plan) { r.Connection = "x" }, "data store": func(r *Run, _ *Plan) { r.DatastoreID = "x" },
		"table": func(r *Run, _ *Plan) { r.TableID = "x" }, "columns": func(r *Run, _ *Plan) { r.Columns = []string{"a"} },
		"masking": func(r *Run, _ *Plan) { r.MaskIndexes = true }, "strategy": func(r *Run, _ *Plan) { r.Strategy = Manual },
		"interval": func(r *Run, _ *Plan) { r.IntervalDays = 1 }, "start": func(r *Run, _ *Plan) { r.StartAt = time.Unix(1, 0) },
		"window": func(r *Run, _ *Plan) { r.IgnoreWindow = true },
		"shape":  func(_ *Run, p *Plan) { p.Fingerprint = "x" },
	} {
		r, p := run, plan
		edit(&r, &p)
		if approvalFingerprint(r, p) == was {
			t.Errorf("the %s can be changed after the approval", what)
		}
	}
}
