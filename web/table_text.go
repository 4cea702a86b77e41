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

func (c ColumnRow) keyText() string {
	switch {
	case c.KeyID != "":
		return "key version " + c.KeyID
	case c.KeyVersion <= 0:
		return "key version not shown"
	}
	return "key version " + FormatNumber(c.KeyVersion)
}

// A column's name may hold anything, so ids are made from its hash.

func encryptedLabel(encrypted bool) label {
	if encrypted {
		return label{"Encrypted", ToneSuccess, "lock"}
	}
	return label{"Not encrypted", ToneNone, "unlock"}
}
