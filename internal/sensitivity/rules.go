package sensitivity

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"cxseal/internal/fault"
)

// maxRulesBytes bounds a file of an organisation's own rules.
const maxRulesBytes = 1 << 20

//go:embed rules/*.txt
var builtIn embed.FS

// Rules decide what is proposed for a column.
type Rules struct {
	*lexicon
	languages map[string]language
	version   string
}

// grammar is part of every version: it changes when the same rules come to
// propose something else.
const grammar = "5"

// Version names the content of the rules: it changes when they do.
func (r *Rules) Version() string { return r.version }

// Load reads the built-in rules, then an organisation's own from more (nil for
// none), whose phrases win. A line that cannot be understood is fault.Invalid
// and is named.
func Load(more io.Reader) (*Rules, error) {
	own := []byte(nil)
	if more != nil {
		var err error
		if own, err = io.ReadAll(io.LimitReader(more, maxRulesBytes+1)); err != nil {
			return nil, fmt.Errorf("read the sensitivity rules: %w", err)
		}
		if len(own) > maxRulesBytes {
			return nil, fault.New(fault.TooLarge, "The sensitivity rules are larger than 1 MiB.")
		}
	}
	files, err := fs.Glob(builtIn, "rules/*.txt")
	if err != nil {
		return nil, err
	}
	r := &Rules{lexicon: newLexicon(), languages: map[string]language{}}
	for _, file := range files {
		if name := languageOf(file); name != "" && r.languages[name] == 0 {
			r.languages[name] = 1 << len(r.languages)
		}
	}
	sum := sha256.New()
	_, _ = sum.Write([]byte(grammar))
	for _, file := range files {
		content, err := builtIn.ReadFile(file)
		if err != nil {
			return nil, err
		}
		_, _ = sum.Write(content)
		if err := r.parse(content, r.languages[languageOf(file)], false); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	_, _ = sum.Write(append([]byte{0}, own...))
	if err := r.parse(own, 0, true); err != nil {
		return nil, err
	}
	r.abbreviate()
	r.version = hex.EncodeToString(sum.Sum(nil)[:8])
	return r, nil
}

// languageOf is the language of a file of rules, by its name: es.txt and
// es_health.txt are Spanish, common_health.txt is of no language.
func languageOf(file string) string {
	name, _, _ := strings.Cut(strings.TrimSuffix(path.Base(file), ".txt"), "_")
	if len(name) != 2 {
		return ""
	}
	return name
}
