package web

import "strconv"

func (v ErrorView) statusText() string { return strconv.Itoa(v.Status) }

func (v ErrorView) next() string {
	if v.Next != "" {
		return v.Next
	}
	return AdviceFor(v.Code)
}
