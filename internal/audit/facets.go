package audit

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
