package web

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/a-h/templ"
	"golang.org/x/net/html"
)

// inlineElements do not begin a line of their own: the text of each goes on with what stands around it.
var inlineElements = strings.Fields("a abbr b code em i kbd small span strong time output")

// runningText is the text of a page as a reader meets it, one piece for each element that begins a line. A child that
// is not shown in the flow (a hidden word, a note on a line of its own) ends a piece too.
func runningText(n *html.Node) []string {
	var pieces []string
	var piece strings.Builder
	end := func() {
		if text := strings.Join(strings.Fields(piece.String()), " "); text != "" {
			pieces = append(pieces, text)
		}
		piece.Reset()
	}
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		switch {
		case n.Type == html.TextNode:
			piece.WriteString(n.Data)
			return
		case n.Type == html.ElementNode && slices.Contains([]string{"script", "style", "svg", "textarea", "pre", "head"}, n.Data):
			return
		}
		class, _ := attr(n, "class")
		apart := n.Type == html.ElementNode && !slices.Contains(inlineElements, n.Data) || class == "cx-sub" || class == "visually-hidden"
		if apart {
			end()
		}
		for c := range n.ChildNodes() {
			walk(c)
		}
		if apart {
			end()
		}
	}
	walk(n)
	end()
	return pieces
}

// straySpace is a space before a punctuation mark that ends a word or a sentence, or behind an opening bracket, and a
// mark that is doubled.
var straySpace = regexp.MustCompile(`\s[;:,.!?)\]](\s|$)|[(\[]\s|,\s*[,.;]|;\s*[;.]|\.\s*[;,]`)

// Fails when a page puts a space before a punctuation mark, as the dashboard did (“130 of 227 sensitive columns ; 1
// refused”): a template that breaks the line between two expressions puts one there. Every page is drawn with its
// sample and with each of its fields filled in.
func TestNoPageHasASpaceBeforeAPunctuationMark(t *testing.T) {
	pages := map[string]templ.Component{}
	for _, p := range samplePages() {
		pages["sample "+p.name] = p.c
	}
	for name, page := range hostilePages {
		pages["filled "+name] = page("word")
	}
	read := 0
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		for _, text := range runningText(parse(t, draw(t, pages[name]))) {
			read++
			if at := straySpace.FindStringIndex(text); at != nil {
				t.Errorf("%s: …%s…", name, text[max(0, at[0]-50):min(len(text), at[1]+30)])
			}
		}
	}
	if read < 2000 {
		t.Errorf("%d texts were read", read)
	}
}
