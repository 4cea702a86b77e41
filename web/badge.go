package web

import (
	"context"
	"io"

	"github.com/a-h/templ"
)

// Tone is the colour of a message or a label. Words or an icon always go with it: no meaning is in colour alone.
type Tone string

// The tones, calmest first.
const (
	ToneNone    Tone = ""
	ToneInfo    Tone = "info"
	ToneSuccess Tone = "success"
	ToneWarning Tone = "warning"
	ToneDanger  Tone = "danger"
)

// label is what a page shows for a code (a state, an outcome, a status): a word, a tone and an icon. The three
// always go together, so that no state is shown by colour alone.
type label struct {
	text string
	tone Tone
	icon string
}

// word is one code of a vocabulary and its label.
type word struct {
	code  string
	label label
}

// vocabulary is every code of one kind (the states of a run, the outcomes of a record), in the order in which a
// filter offers them. Labels and choices both come from it, and vocabulary_test.go holds it against the list of
// the package that owns the codes.
type vocabulary []word

// label is the code's label. A code that is not known is shown as it is: another release may have written it.
func (v vocabulary) label(code string) label {
	for _, w := range v {
		if w.code == code {
			return w.label
		}
	}
	return label{code, ToneNone, "circle"}
}

// options are the vocabulary's codes as choices.
func (v vocabulary) options() []Option {
	out := make([]Option, len(v))
	for i, w := range v {
		out[i] = Option{w.code, w.label.text}
	}
	return out
}

// badge draws a label. It is not a template because a list draws hundreds of them, and a template takes three times
// as long.
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

// toneWord returns the word that a screen reader speaks before a message, in place of its colour.
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
