package web

import (
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/a-h/templ"
)

// RunForm is the state of a form that launches a run: as typed, with what was
// wrong with it, and the preflight when one was made.
type RunForm struct {
	Chosen       []string // names of the ticked columns
	IntervalDays string   // as typed; "90" at first
	Strategy     string   // AUTOMATIC or MANUAL; empty: automatic
	StartAt      string   // as typed; empty: at once
	MaskIndexes  bool
	IgnoreWindow bool
	Errors       map[string]string // a sentence by field name: columns, strategy, interval_days, start_at
	Preflight    *PreflightView    // nil: not checked yet
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

func columnID(rotation bool, column string) string {
	return formID("column-"+nameHash(column), rotation)
}

func findingID(rotation bool, column string) string {
	return formID("finding-"+nameHash(column), rotation)
}

func nameHash(name string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // writing to a hash does not fail
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
