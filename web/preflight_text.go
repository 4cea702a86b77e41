package web

import "strings"

func launchText(rotation bool, n int) string {
	switch {
	case rotation && n > 0:
		return "Rotate " + Plural(n, "key", "keys") + " now"
	case rotation:
		return "Rotate now"
	case n > 0:
		return "Encrypt " + Plural(n, "column", "columns") + " now"
	}
	return "Encrypt now"
}

// launchText promises no “now” to what starts later.
func (v PreflightView) launchText() string {
	text := launchText(v.Rotation, len(v.Chosen()))
	if !v.StartAt.IsZero() {
		text = strings.TrimSuffix(text, " now")
	}
	return text
}

func (v PreflightView) blockedTitle() string {
	n := len(v.TableBlockers)
	for _, c := range v.Columns {
		n += len(c.Blockers)
	}
	if n == 1 {
		return "One thing stands in the way"
	}
	return FormatNumber(int64(n)) + " things stand in the way"
}

// sentence says what will be asked of CXone. It promises nothing that only
// CXone can keep.
func (v PreflightView) sentence() string {
	var list []string
	for _, c := range v.Chosen() {
		list = append(list, c.Name)
	}
	what := Plural(len(list), "column", "columns") + " of " + v.TableName + " (" + JoinNames(list) + ")"
	if v.Rotation {
		return "CXone will be asked to give " + what + " a new key version with AES-256-GCM: all of them, or none."
	}
	return "CXone will be asked to encrypt " + what + " with AES-256-GCM: all of them, or none."
}

func (v PreflightView) consequence() string {
	if v.Rotation {
		return "The columns stay encrypted throughout. The run counts as verified when the KMS confirms a newer key version."
	}
	return "It is also asked to check the decryption permission of readers, so people and integrations without it may no longer see these values. This console cannot undo it."
}
