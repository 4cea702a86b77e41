package web

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
