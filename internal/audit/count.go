package audit

import "strconv"

// CountOf writes a number with its noun, as the details of records and reports
// have it: "1 column", "2 columns".
func CountOf[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.FormatInt(int64(n), 10) + " " + noun + "s"
}
