package web

// GlossaryView says what the words of the pages, the exports and the audit log mean.
type GlossaryView struct {
	Chrome
}

// glossarySection is one vocabulary with the meaning of each of its words.
type glossarySection struct {
	id, title, lead string
	terms           []glossaryTerm
}

// glossaryTerm is one word: how pages show it, how exports and filters write it, and what it means.
type glossaryTerm struct {
	label   label
	code    string
	meaning string
}
