package audit

import (
	"cmp"
	"slices"
	"strings"
)

// Facets counts the records that match a filter by the values of a few columns, the most frequent value first.
type Facets struct {
	Operations, Outcomes, Actors, Connections []FacetCount

	Of  int64 // how many records were counted, from the newest on
	All bool  // every record that matches was counted
}

// FacetCount is one value of a column and how many of the records have it.
type FacetCount struct {
	Value string
	Count int64
}

// Totals are what a list of records says beside it: how many match, and how they divide.
type Totals struct {
	Count  int64
	Exact  bool // false: there are more than Count
	Facets Facets
}

// TotalsOf returns the totals of a list that is whole.
func TotalsOf(lines []Line) Totals {
	var of [4]map[string]int64
	for i := range of {
		of[i] = map[string]int64{}
	}
	for i := range lines {
		l := &lines[i]
		for i, value := range [...]string{string(l.Operation), string(l.Outcome), l.Actor.Name, l.Connection} {
			if value != "" {
				of[i][value]++
			}
		}
	}
	n := int64(len(lines))
	return Totals{Count: n, Exact: true, Facets: Facets{Operations: FacetOf(of[0]), Outcomes: FacetOf(of[1]), Actors: FacetOf(of[2]),
		Connections: FacetOf(of[3]), Of: n, All: true}}
}

// FacetsMost is how many values of a column are listed.
const FacetsMost = 50

// FacetOf returns the most frequent values, in the order of how often they occur and then of the alphabet.
func FacetOf(counts map[string]int64) []FacetCount {
	var list []FacetCount
	for v, n := range counts {
		list = append(list, FacetCount{Value: v, Count: n})
	}
	slices.SortFunc(list, func(a, b FacetCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Value, b.Value))
	})
	return list[:min(len(list), FacetsMost)]
}
