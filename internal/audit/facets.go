package audit

// Facets is how the records that match a filter divide by a few columns, each
// with the most frequent value first.
type Facets struct {
	Operations, Outcomes, Actors, Connections []FacetCount

	Of  int64 // how many records were looked at: the newest ones
	All bool  // that was every record that matches
}

// FacetCount is one value of a column and how many of the records have it.
type FacetCount struct {
	Value string
	Count int64
}
