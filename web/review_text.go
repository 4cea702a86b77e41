package web

import "strconv"

// ViewDeletePath is where a saved view is deleted, by POST.
func ViewDeletePath(id int64) string { return "/audit/views/" + strconv.FormatInt(id, 10) + "/delete" }

// plainNumber is a number for a program, without separators.
func plainNumber(n int64) string { return strconv.FormatInt(n, 10) }
