package rotation

import "strconv"

func days(n int) string    { return plural(n, "day") }
func minutes(n int) string { return plural(n, "minute") }

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
