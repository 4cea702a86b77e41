package audit

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"cxseal/internal/fault"
)

// manifestHeader is the first line of a pack's signed manifest. It can never be
// a checkpoint's origin: an origin is the key's name, which holds no space.
const manifestHeader = "# cxseal evidence pack v1"

// manifest is the signed list of a pack's files. Its lines are those of
// sha256sum -c, which skips what begins with #.
type manifest struct {
	origin  string
	size    int64 // of the checkpoint's tree
	records int64
	remarks []string // for a person; signed, not interpreted
	sums    map[string][32]byte
}

func newManifest(in PackInput, c Checkpoint, records int64, sums map[string][32]byte) manifest {
	filter := in.Filter
	if len(filter) > 1024 {
		filter = strings.ToValidUTF8(filter[:1024], "") + "…"
	}
	m := manifest{
		origin: c.Origin, size: c.Size, records: records, sums: sums,
		remarks: []string{
			"made: " + FormatTime(in.Now),
			"period: " + periodText(in.From, in.To),
			"filter: " + strconv.Quote(filter),
		},
	}
	if records == 0 {
		m.remarks = append(m.remarks, emptyRemark+in.Empty)
	}
	return m
}

// emptyRemark begins the remark that says why a pack holds no record.
const emptyRemark = "empty: "

// maxEmptyText bounds that reason, in characters, and maxEmptyFilter the filter in it.
const maxEmptyText, maxEmptyFilter = 500, 200

// empty returns why the pack holds no record, "" when the manifest does not say so.
func (m *manifest) empty() string {
	for _, r := range m.remarks {
		if why, ok := strings.CutPrefix(r, emptyRemark); ok {
			return lineOf(why, maxEmptyText)
		}
	}
	return ""
}

// emptyLead is the first line of the README, the summary and the verification of a pack without records.
func emptyLead(why string) string { return "The pack is empty: " + why }

func (m manifest) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n# log: %s\n# tree size: %d\n# records: %d\n", manifestHeader, m.origin, m.size, m.records)
	for _, r := range m.remarks {
		b.WriteString("# " + r + "\n")
	}
	for _, name := range packFiles {
		if name != packManifest {
			sum := m.sums[name]
			fmt.Fprintf(&b, "%x  %s\n", sum, name)
		}
	}
	return b.String()
}

// openManifest checks the manifest's signature with the given key and reads it
// strictly: each file of a pack once, nothing else.
func openManifest(text []byte, verifierKey string) (*manifest, error) {
	body, name, err := openNote(text, verifierKey)
	if err != nil {
		return nil, err
	}
	bad := func(what string) (*manifest, error) {
		return nil, fault.New(fault.Invalid, "it is not a manifest this version knows: %s", what)
	}
	lines := strings.Split(strings.TrimSuffix(body, "\n"), "\n")
	if len(lines) < 4 || lines[0] != manifestHeader {
		return bad("its first line must be " + manifestHeader)
	}
	m := &manifest{sums: map[string][32]byte{}}
	var ok bool
	if m.origin, ok = strings.CutPrefix(lines[1], "# log: "); !ok || m.origin != name {
		return bad("it names another log than the key")
	}
	size, ok := strings.CutPrefix(lines[2], "# tree size: ")
	if m.size, err = parseIndex(size); !ok || err != nil {
		return bad("it gives no tree size")
	}
	records, ok := strings.CutPrefix(lines[3], "# records: ")
	if m.records, err = parseIndex(records); !ok || err != nil {
		return bad("it gives no number of records")
	}
	for _, l := range lines[4:] {
		if remark, ok := strings.CutPrefix(l, "# "); ok && len(m.sums) == 0 {
			m.remarks = append(m.remarks, remark)
			continue
		}
		sum, file, ok := strings.Cut(l, "  ")
		b, err := hex.DecodeString(sum)
		_, twice := m.sums[file]
		if !ok || err != nil || len(b) != 32 || twice || file == packManifest || !slices.Contains(packFiles, file) {
			return bad("a line that is not the hash of one of its files")
		}
		m.sums[file] = [32]byte(b)
	}
	if len(m.sums) != len(packFiles)-1 {
		return bad("it does not list each file")
	}
	return m, nil
}

// oneLine makes outside text safe inside a message or a line of text.
func oneLine(s string) string {
	return lineOf(s, fault.ClipLength)
}

// lineOf is oneLine for a text of so many characters.
func lineOf(s string, most int) string {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
		return strconv.Quote(fault.ClipTo(s, most))
	}
	return fault.ClipTo(s, most)
}
