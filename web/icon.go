package web

import "github.com/a-h/templ"

const (
	iconStart = `<svg class="icon" viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">`
	iconEnd   = `</svg>`
)

// drawn are the icons as they are written. A page of the log has some eighty.
var drawn = func() map[string]templ.Component {
	m := make(map[string]templ.Component, len(icons))
	for name, inner := range icons {
		m[name] = templ.Raw(iconStart + inner + iconEnd)
	}
	return m
}()

var noIcon = templ.Raw(iconStart + iconEnd)

// icon draws one icon. It is decoration: the words beside it carry the meaning.
func icon(name string) templ.Component {
	if c, ok := drawn[name]; ok {
		return c
	}
	return noIcon
}
