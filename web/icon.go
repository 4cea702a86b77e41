package web

import "github.com/a-h/templ"

const (
	iconStart = `<svg class="icon" viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">`
	iconEnd   = `</svg>`
)

// drawn are the icons as they are written. A page of the log has some eighty.
var drawn = func() map[string]string {
	m := make(map[string]string, len(icons))
	for name, inner := range icons {
		m[name] = iconStart + inner + iconEnd
	}
	return m
}()

// drawing is the markup of an icon, an empty one when there is none of that
// name.
func drawing(name string) string {
	if markup, ok := drawn[name]; ok {
		return markup
	}
	return iconStart + iconEnd
}

// icon draws one icon. It is decoration: the words beside it carry the meaning.
func icon(name string) templ.Component { return templ.Raw(drawing(name)) }
