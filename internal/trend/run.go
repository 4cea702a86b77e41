package trend

// Part is what one run adds to a day's figures of one stage.
type Part struct {
	Stage  Stage
	Ms     int64 // -1: the stage was reached and did not end
	Failed bool  // the run came no further, and was not verified
}

// PartsOf are the parts of a run that ended: its stages' durations in
// milliseconds in the order of Stages (-1: not reached), whether it waited for
// the KMS, and whether it was verified.
func PartsOf(ms [4]int64, waited, verified bool) []Part {
	var parts []Part
	for i, stage := range Stages {
		if ms[i] >= 0 || stage == "kms" && waited {
			parts = append(parts, Part{Stage: stage, Ms: ms[i]})
		}
	}
	if len(parts) > 0 && !verified {
		parts[len(parts)-1].Failed = true
	}
	return parts
}
