package web

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/a-h/templ"
)

// runsPath is the run list narrowed to this table.
func (v TableView) runsPath() string {
	return RunsFilter{Connection: v.Connection, DatastoreID: v.DatastoreID, TableID: v.TableID}.Path()
}

// selectable counts the columns that can be ticked.
func (v TableView) selectable() int {
	n := 0
	for _, c := range v.Columns {
		if !c.Encrypted && !c.Unsupported {
			n++
		}
	}
	return n
}

func (c ColumnRow) keyText() string {
	if c.KeyVersion <= 0 {
		return "key version not shown"
	}
	return "key version " + FormatNumber(c.KeyVersion)
}

func (f RunForm) chosen(column string) bool { return slices.Contains(f.Chosen, column) }

func (f RunForm) fingerprint() string {
	if f.Preflight == nil {
		return ""
	}
	return f.Preflight.Fingerprint
}

// blockers are what the form's preflight found in a column's way.
func (f RunForm) blockers(column string) []string {
	if f.Preflight == nil {
		return nil
	}
	for _, c := range f.Preflight.Columns {
		if c.Name == column {
			return c.Blockers
		}
	}
	return nil
}

func operationOf(rotation bool) string {
	if rotation {
		return "KEY_ROTATION"
	}
	return "COLUMN_ENCRYPTION"
}

// formID keeps the ids of the two forms of one page apart.
func formID(name string, rotation bool) string {
	if rotation {
		return name + "-rotate"
	}
	return name + "-encrypt"
}

// A column's name may hold anything, so ids are made from its hash.

func columnID(rotation bool, column string) string {
	return formID("column-"+nameHash(column), rotation)
}

func findingID(rotation bool, column string) string {
	return formID("finding-"+nameHash(column), rotation)
}

func nameHash(name string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // a hash takes every byte
	return fmt.Sprintf("%016x", h.Sum64())
}

// live has a form checked as it is filled in. Without scripts its Check button
// asks the same question.
func live(v TableView, rotation bool) templ.Attributes {
	target := "#" + formID("preflight", rotation)
	return templ.Attributes{
		"hx-post":      PreflightPath(v.Connection, v.DatastoreID, v.TableID),
		"hx-trigger":   "change delay:150ms",
		"hx-target":    target,
		"hx-indicator": target,
		"hx-sync":      "this:replace",
	}
}

func oob(on bool) templ.Attributes {
	if !on {
		return nil
	}
	return templ.Attributes{"hx-swap-oob": "true"}
}

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

// rotationText is the rule that the run asks for.
func (v RunView) rotationText() string {
	text := "every " + Plural(v.IntervalDays, "day", "days")
	if v.Strategy == "MANUAL" {
		return text + ", by us"
	}
	return text + ", by CXone"
}

func (v PreflightView) consequence() string {
	if v.Rotation {
		return "The columns stay encrypted throughout. The run counts as verified when the KMS confirms a newer key version."
	}
	return "It is also asked to check the decryption permission of readers, so people and integrations without it may no longer see these values. This console cannot undo it."
}
