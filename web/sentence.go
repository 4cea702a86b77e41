package web

import (
	"context"
	"fmt"
	"io"

	"github.com/a-h/templ"
)

// sentence is text with components in it (links, times), written without a space between its parts: a template puts
// one wherever a line ends, also before a comma or a full stop. A part is a string or a templ.Component.
type sentence []any

func sentenceOf(parts ...any) templ.Component { return sentence(parts) }

// Render implements templ.Component.
func (s sentence) Render(ctx context.Context, w io.Writer) error {
	for _, part := range s {
		var err error
		switch part := part.(type) {
		case string:
			_, err = io.WriteString(w, templ.EscapeString(part))
		case templ.Component:
			err = part.Render(ctx, w)
		default:
			err = fmt.Errorf("web: a %T stands in a sentence", part)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// link is a link, or only its text where the reader has no way there.
func link(to, text string) templ.Component { return anchor{to, text} }

type anchor struct{ to, text string }

// Render implements templ.Component.
func (a anchor) Render(_ context.Context, w io.Writer) error {
	text := templ.EscapeString(a.text)
	if a.to != "" {
		text = `<a href="` + templ.EscapeString(string(href(a.to))) + `">` + text + `</a>`
	}
	_, err := io.WriteString(w, text)
	return err
}

// linksOf are links with commas between, and what ends them.
func linksOf(list []Link, end string) templ.Component {
	var s sentence
	for i, l := range list {
		if i > 0 {
			s = append(s, ", ")
		}
		s = append(s, link(l.Href, l.Text))
	}
	return append(s, end)
}
