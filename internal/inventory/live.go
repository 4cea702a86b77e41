package inventory

import (
	"slices"

	"cxseal/cxone"
)

// Shown are the columns of a live reading, in the tenant's order, with what is
// known of their protection. The reading wins over what is known: it is shown as
// it was made, kept or not.
func (l Live) Shown(known []Column) []Column {
	columns := make([]Column, len(l.Columns))
	for i, c := range l.Columns {
		columns[i] = columnOf(c)
		if at := slices.IndexFunc(known, func(k Column) bool { return k.Name == c.Name }); at >= 0 {
			columns[i].Protection = known[at].Protection
		}
		p := &columns[i].Protection
		p.Encrypted, p.KeyVersion, p.KeyID = columns[i].Encrypted, columns[i].KeyVersion, columns[i].KeyID
	}
	return columns
}

// columnOf is a column as the tenant shows it, without its rotation directive.
func columnOf(c cxone.Column) Column {
	column := Column{Name: c.Name, Type: c.Type, Encrypted: c.Encrypted, KeyVersion: c.KeyVersion()}
	if column.KeyVersion == 0 {
		column.KeyID = c.KeyVersionText()
	}
	return column
}
