package web

import (
	"context"
	"io"

	"github.com/a-h/templ"
)

// Tone says how a message is meant. It is always accompanied by words or an
// icon, never shown by colour alone.
type Tone string

// The tones, calmest first.
const (
	ToneNone    Tone = ""
	ToneInfo    Tone = "info"
	ToneSuccess Tone = "success"
	ToneWarning Tone = "warning"
	ToneDanger  Tone = "danger"
)

// label is how a code (a state, an outcome, a status) reads to a person: a word, a tone and an icon. The three
// always go together, so that no state is told by colour alone. A code that a label's function does not know is
// shown as it is: another release may have written it.
type label struct {
	text string
	tone Tone
	icon string
}

// badge draws a label. A list draws hundreds of them: written by hand, it takes a third of what a template takes.
func badge(l label) templ.Component { return l }

// Render implements templ.Component.
func (l label) Render(_ context.Context, w io.Writer) error {
	_, err := io.WriteString(w, `<span class="cx-badge `+templ.EscapeString(toneClass(l.tone))+`">`+drawing(l.icon)+` `+templ.EscapeString(l.text)+`</span>`)
	return err
}

func toneClass(t Tone) string {
	if t == ToneNone {
		return "cx-tone-none"
	}
	return "cx-tone-" + string(t)
}

func toneIcon(t Tone) string {
	switch t {
	case ToneSuccess:
		return "check"
	case ToneWarning:
		return "warning"
	case ToneDanger:
		return "alert"
	}
	return "info"
}

// toneWord is read aloud before a message, for those who don't see its colour.
func toneWord(t Tone) string {
	switch t {
	case ToneSuccess:
		return "Done: "
	case ToneWarning:
		return "Warning: "
	case ToneDanger:
		return "Error: "
	}
	return "Note: "
}
