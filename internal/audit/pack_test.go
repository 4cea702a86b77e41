package audit

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cxseal/internal/fault"
)

// picked yields the disk's records whose number keep accepts.
func (d *disk) picked(keep func(seq int64) bool) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for _, r := range d.rows {
			if keep(r.Seq) && !yield(Entry{Seq: r.Seq, Raw: r.Raw}, nil) {
				return
			}
		}
	}
}

func all(int64) bool { return true }

func (d *disk) packInput(t testing.TB, keep func(int64) bool) PackInput {
	empty := "nothing was picked."
	for range d.picked(keep) {
		empty = ""
	}
	return PackInput{
		Entries: d.picked(keep), Empty: empty, Hashes: d.reader(), Checkpoint: d.signed[0].Text, Key: d.key,
		Coverage: []TableCoverage{
			{Connection: "<b>eu", DatastoreID: "ds", TableID: "t2", Name: "Late", End: &CoverageFigures{Total: 4, Encrypted: 1, Sensitive: 0}},
			{Connection: "<b>eu", DatastoreID: "ds", TableID: "t1", Start: &CoverageFigures{Total: 12, Encrypted: 1, Sensitive: 3, Verified: 1},
				End: &CoverageFigures{Total: 12, Encrypted: 3, Sensitive: 3, Verified: 1, Unverified: 1, Refused: 1}},
			{Connection: "us", DatastoreID: "ds", TableID: "t1", Name: "never read"},
		},
		Now: noon, From: noon.AddDate(0, -1, 0), To: noon, Filter: `actor:"<b>" -outcome:SUCCESS`, TempDir: t.TempDir(),
	}
}

func makePack(t testing.TB, d *disk, keep func(int64) bool) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WritePack(context.Background(), &b, d.packInput(t, keep)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func checkFile(t testing.TB, file []byte, key string) Report {
	t.Helper()
	rep, err := VerifyFile(context.Background(), bytes.NewReader(file), int64(len(file)), key)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// unzip and rezip take a pack apart and put it together again.
func unzip(t testing.TB, file []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name] = string(b)
	}
	return out
}

func rezip(t testing.TB, files map[string]string, extra ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	put := func(name, text string) {
		method := zip.Deflate
		if len(text) < 16 { // a compressor for each would take the test's time
			method = zip.Store
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range packFiles {
		if text, ok := files[name]; ok {
			put(name, text)
		}
	}
	for _, name := range extra {
		put(name, files[name])
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAPackChecksWithTheKeyAlone(t *testing.T) {
	key := testKey(t)
	for _, n := range []int{1, 2, 7, 64, 1100} {
		d := newDisk(t, key, n, int64(n))
		for name, keep := range map[string]func(int64) bool{
			"all": all, "none": func(int64) bool { return false },
			"odd": func(s int64) bool { return s%2 == 1 }, "the end": func(s int64) bool { return s > int64(n/2) },
		} {
			want := int64(0)
			for _, r := range d.rows {
				if keep(r.Seq) {
					want++
				}
			}
			rep := checkFile(t, makePack(t, d, keep), key.VerifierKey())
			if !rep.OK() || rep.Records != want || rep.Checkpoint.Size != int64(n) || rep.What != "pack" {
				t.Errorf("%d records, %s: %s %+v", n, name, findings(rep), rep)
			}
		}
	}
	d := newDisk(t, key, 9, 9)
	rep := checkFile(t, makePack(t, d, func(s int64) bool { return s > 3 && s < 7 }), key.VerifierKey())
	if rep.Lead != "Records 4 to 6, without a gap." {
		t.Errorf("%q", rep.Lead)
	}
	rep = checkFile(t, makePack(t, d, func(s int64) bool { return s%3 == 1 }), key.VerifierKey())
	if !strings.HasPrefix(rep.Lead, "A selection from records 1 to 7") {
		t.Errorf("%q", rep.Lead)
	}
}

func TestWhatAPackSaysMatchesTheExports(t *testing.T) {
	d := &disk{key: testKey(t)}
	for _, e := range hostileEntries(t) {
		d.rows = append(d.rows, StoredEntry{Seq: e.Seq, Raw: e.Raw})
	}
	d.rehash()
	d.sign(t, int64(len(d.rows)))
	file := makePack(t, d, all)
	if rep := checkFile(t, file, d.key.VerifierKey()); !rep.OK() {
		t.Fatal(findings(rep), rep.Problems)
	}
	files := unzip(t, file)
	golden, err := os.ReadFile(filepath.Join("testdata", "hostile.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if files[packCSV] != string(golden) {
		t.Error("the pack's CSV is not the export's")
	}
	var jsonl []byte
	for _, r := range d.rows {
		jsonl = AppendJSONL(jsonl, r.Raw)
	}
	if files[packJSONL] != string(jsonl) {
		t.Error("the pack's JSONL is not the exact bytes")
	}
}

func TestTheSummaryIsHonestAndInert(t *testing.T) {
	key := testKey(t)
	d := &disk{key: key}
	add := func(spoil func(*Record)) {
		r := fullRecord()
		spoil(&r)
		e := entry(t, int64(len(d.rows)+1), r)
		d.rows = append(d.rows, StoredEntry{Seq: e.Seq, Raw: e.Raw})
	}
	add(func(r *Record) { r.Metrics.CoverageRate = 12.5 })
	add(func(r *Record) {
		r.Outcome, r.Detail, r.Actor.Name = Denied, "<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`
	})
	add(func(r *Record) { r.KMS.Status = "REJECTED" })
	for range maxExceptions {
		add(func(r *Record) { r.Outcome = Failure; r.Metrics.CoverageRate = 87.5 })
	}
	d.rehash()
	d.sign(t, int64(len(d.rows)))
	page := unzip(t, makePack(t, d, all))[packSummary]
	for _, want := range []string{
		`<tr><td>&lt;b&gt;eu</td><td>ds</td><td>t1</td><td class="n">8.33 % (1 of 12)</td><td class="n">25 % (3 of 12)</td>` +
			`<td class="n">33.33 % (1 of 3)</td><td class="n">33.33 % (1 of 3), 1 not verified, 1 refused</td></tr>` + "\n" +
			`<tr><td>&lt;b&gt;eu</td><td>ds</td><td>t2 (Late)</td><td class="n">not known</td><td class="n">25 % (1 of 4)</td>` +
			`<td class="n">not known</td><td class="n">none</td></tr>` + "\n" +
			`<tr><td>us</td><td>ds</td><td>t1 (never read)</td>` + strings.Repeat(`<td class="n">not known</td>`, 4) + "</tr>",
		`All tables together</td><td class="n">8.33 % (1 of 12)</td><td class="n">25 % (4 of 16)</td><td class="n">33.33 % (1 of 3)</td><td class="n">33.33 % (1 of 3), 1 not verified, 1 refused</td>`,
		"… and 2 more", "@media print", "&lt;script&gt;alert(1)",
		`<tr><td>COLUMN_ENCRYPTION</td><td class="n">2</td><td class="n">100</td><td class="n">1</td><td class="n">103</td></tr>`,
		"every record between the first and the last is here", "from 2026-10-23T04:00:00.123Z, before 2026-11-23T04:00:00.123Z",
		"actor:&#34;&lt;b&gt;&#34;",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the summary lacks %q", want)
		}
	}
	for _, bad := range []string{"<script", "<img", "src=\"", "http://", "https://"} {
		if strings.Contains(page, bad) {
			t.Errorf("the summary holds %q", bad)
		}
	}
}

func TestATamperedPackIsNamed(t *testing.T) {
	key := testKey(t)
	d := newDisk(t, key, 20, 20)
	good := unzip(t, makePack(t, d, all))
	other := newDisk(t, key, 21, 21)
	resign := func(f map[string]string) { // even the key's holder cannot slip in a false record
		body, _, err := openNote([]byte(f[packManifest]), key.VerifierKey())
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(body, "\n")
		for i, l := range lines {
			if sum, name, ok := strings.Cut(l, "  "); ok && len(sum) == 64 {
				h := HexHash(sha(f[name]))
				lines[i] = h + "  " + name
			}
		}
		text, err := key.sign(strings.Join(lines, "\n"))
		if err != nil {
			t.Fatal(err)
		}
		f[packManifest] = string(text)
	}
	for _, c := range []struct {
		name, want string
		spoil      func(f map[string]string)
	}{
		{"an edited record", "Record 7, as it stands in the pack, is not in the log's checkpoint", func(f map[string]string) {
			f[packJSONL] = strings.Replace(f[packJSONL], `record 7"`, `record X"`, 1)
		}},
		{"an edited record, signed", "Record 7, as it stands in the pack", func(f map[string]string) {
			f[packJSONL] = strings.Replace(f[packJSONL], `record 7"`, `record X"`, 1)
			resign(f)
		}},
		{"an edited CSV", "The row of record 7 in audit.csv", func(f map[string]string) { f[packCSV] = strings.Replace(f[packCSV], "record 7,", "nothing,", 1) }},
		{"an edited CSV, signed", "The row of record 7 in audit.csv", func(f map[string]string) {
			f[packCSV] = strings.Replace(f[packCSV], "record 7,", "\"no\r\nthing\",", 1)
			resign(f)
		}},
		{"another CSV header", "does not begin with the header", func(f map[string]string) { f[packCSV] = "x" + f[packCSV] }},
		{"a CSV row less", "has no row of record 20", func(f map[string]string) { f[packCSV] = f[packCSV][:strings.Index(f[packCSV], "\r\n20,")+2] }},
		{"a CSV row more", "audit.csv holds more records", func(f map[string]string) { f[packCSV] += f[packCSV][strings.Index(f[packCSV], "\r\n20,")+2:] }},
		{"a proof less", "no proof of the record in line 20", func(f map[string]string) {
			f[packProofs] = f[packProofs][:strings.LastIndex(strings.TrimSpace(f[packProofs]), "\n")+1]
		}},
		{"a record less", "proofs.jsonl holds more records", func(f map[string]string) {
			f[packJSONL] = f[packJSONL][:strings.LastIndex(strings.TrimSpace(f[packJSONL]), "\n")+1]
		}},
		{"a cut line", "audit.jsonl is damaged after 19 records: it ends in the middle of a line", func(f map[string]string) { f[packJSONL] = f[packJSONL][:len(f[packJSONL])-1] }},
		{"an endless line", "a line is longer than any record's", func(f map[string]string) { f[packJSONL] = strings.Repeat("x", 1<<20) }},
		{"an endless row", "audit.csv is damaged", func(f map[string]string) { f[packCSV] += `"` + strings.Repeat("x\n", 1<<18) }},
		{"an endless proof", "Line 1 of proofs.jsonl is not a proof", func(f map[string]string) {
			f[packProofs] = `{"index":0,"shared":0,"hashes":[` + strings.Repeat(`"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",`, 1000)[:47*1000-1] + "]}\n"
		}},
		{"a record twice", "Record 1 stands after record 1", func(f map[string]string) {
			for _, n := range []string{packJSONL, packProofs} {
				f[n] = f[n][:strings.Index(f[n], "\n")+1] + f[n]
			}
		}},
		{"an edited README", "README.txt was changed", func(f map[string]string) { f[packReadme] += "x" }},
		{"an edited summary", "summary.html was changed", func(f map[string]string) { f[packSummary] += "x" }},
		{"another key", "key.txt holds another key", func(f map[string]string) { f[packKey] = "x" }},
		{"an edited manifest", "The manifest was not accepted", func(f map[string]string) {
			f[packManifest] = strings.Replace(f[packManifest], "# records: 20", "# records: 21", 1)
		}},
		{"a wrong count, signed", "The manifest counts 21 records, and the pack holds 20", func(f map[string]string) {
			body, _, _ := openNote([]byte(f[packManifest]), key.VerifierKey())
			text, _ := key.sign(strings.Replace(body, "# records: 20", "# records: 21", 1))
			f[packManifest] = string(text)
		}},
		{"a checkpoint for a manifest", "not a manifest", func(f map[string]string) { f[packManifest] = f[packCheckpoint] }},
		{"an older or newer checkpoint", "The manifest speaks of a checkpoint of 20 records, and the pack's has 21", func(f map[string]string) { f[packCheckpoint] = string(other.signed[0].Text) }},
		{"no signature", "checkpoint was not accepted", func(f map[string]string) { f[packCheckpoint] = "cxseal/test\n20\nx\n" }},
		{"a huge README", "README.txt cannot be read: it is over", func(f map[string]string) { f[packReadme] = strings.Repeat("x", maxPackFile+1) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := map[string]string{}
			for k, v := range good {
				f[k] = v
			}
			c.spoil(f)
			rep := checkFile(t, rezip(t, f), key.VerifierKey())
			var b strings.Builder
			_ = rep.Write(&b)
			if rep.OK() || !strings.Contains(b.String(), c.want) {
				t.Errorf("want %q in:\n%s", c.want, &b)
			}
		})
	}
	for _, name := range packFiles {
		f := unzip(t, rezip(t, good))
		delete(f, name)
		rep := checkFile(t, rezip(t, f), key.VerifierKey())
		if rep.OK() || !strings.Contains(fmt.Sprint(rep.Problems), name+" is missing") {
			t.Errorf("without %s: %v", name, rep.Problems)
		}
	}
}

func TestAHostileZIPIsRefusedWithinBounds(t *testing.T) {
	key := testKey(t)
	good := unzip(t, makePack(t, newDisk(t, key, 5, 5), all))
	good["../../etc/passwd"], good["C:\\x\x00"] = "root", "x"
	crowd := make([]string, 22_000)
	for i := range crowd {
		crowd[i] = fmt.Sprintf("f%d", i)
	}
	badMethod := rezip(t, good)
	for i := 0; ; { // archive/zip wrote Deflate (8) into each directory entry
		n := bytes.Index(badMethod[i:], []byte("PK\x01\x02"))
		if n < 0 {
			break
		}
		i += n + 4
		binary.LittleEndian.PutUint16(badMethod[i+6:], 99)
	}
	bomb := unzip(t, rezip(t, good))
	bomb[packJSONL] = strings.Repeat("\n", 4<<20)
	whole := rezip(t, good)
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"a path out of the folder": {rezip(t, good, "../../etc/passwd"), "does not belong there: ../../etc/passwd"},
		"a name with controls":     {rezip(t, good, "C:\\x\x00"), `does not belong there: "C:`},
		"a file twice":             {rezip(t, good, packJSONL), "two files named audit.jsonl"},
		"a crowd":                  {rezip(t, good, crowd...), "far more files"},
		"another method":           {badMethod, "is compressed in a way"},
		"cut off":                  {whole[:len(whole)-30], "not a whole ZIP"},
		"only a head":              {[]byte("PK\x03\x04"), "not a whole ZIP"},
		"a bomb":                   {rezip(t, bomb), "no proof of the record in line 6"},
	} {
		rep := checkFile(t, c.file, key.VerifierKey())
		if got := fmt.Sprint(rep.Problems); rep.OK() || !strings.Contains(got, c.want) {
			t.Errorf("%s: want %q in %.300s", name, c.want, got)
		}
	}
	other, err := LoadOrCreateKey(t.TempDir()+"/key", "cxseal/test")
	if err != nil {
		t.Fatal(err)
	}
	if rep := checkFile(t, whole, other.VerifierKey()); rep.OK() || len(rep.Problems) < 3 {
		t.Errorf("a pack that vouches for itself was believed: %v", rep.Problems)
	}
	if _, err := VerifyFile(context.Background(), bytes.NewReader(whole), int64(len(whole)), "x"); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("a malformed key: %v", err)
	}
}

func TestAPackThatCannotBeWholeIsAnError(t *testing.T) {
	key := testKey(t)
	d := newDisk(t, key, 20, 20)
	boom := errors.New("disk gone")
	for name, spoil := range map[string]func(*PackInput){
		"the iterator fails": func(in *PackInput) {
			in.Entries = func(yield func(Entry, error) bool) { yield(Entry{}, boom) }
		},
		"a damaged record": func(in *PackInput) {
			in.Entries = func(yield func(Entry, error) bool) { yield(Entry{Seq: 1, Raw: flip(d.rows[0].Raw, 9)}, nil) }
		},
		"another's record": func(in *PackInput) {
			in.Entries = func(yield func(Entry, error) bool) { yield(Entry{Seq: 1, Raw: d.rows[1].Raw}, nil) }
		},
		"beyond the checkpoint": func(in *PackInput) {
			in.Entries = func(yield func(Entry, error) bool) { yield(Entry{Seq: 21, Raw: d.rows[1].Raw}, nil) }
		},
		"another's checkpoint": func(in *PackInput) { in.Key, _ = LoadOrCreateKey(t.TempDir()+"/key", "cxseal/x") },
		"no hashes":            func(in *PackInput) { in.Hashes = hashList(nil) },
		"no room":              func(in *PackInput) { in.TempDir = filepath.Join(in.TempDir, "none") },
	} {
		in := d.packInput(t, all)
		spoil(&in)
		var b bytes.Buffer
		if err := WritePack(context.Background(), &b, in); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len())); err == nil {
			t.Errorf("%s: the broken pack looks whole", name)
		}
		if left, _ := filepath.Glob(filepath.Join(in.TempDir, "*")); len(left) > 0 {
			t.Errorf("%s: left behind %v", name, left)
		}
	}
}

func TestAnyFileThatWasGivenOutIsRecognised(t *testing.T) {
	key := testKey(t)
	d := newDisk(t, key, 5, 5)
	rep := checkFile(t, proofOf(t, d, 3).Text(), key.VerifierKey())
	if !rep.OK() || rep.What != "proof" || rep.First != 3 || !strings.Contains(rep.Notes[0], "Record 3: COLUMN_ENCRYPTION SUCCESS at 2026-11-23T04:00:00.123Z") {
		t.Errorf("%+v", rep)
	}
	rep = checkFile(t, d.signed[0].Text, key.VerifierKey())
	if !rep.OK() || rep.What != "checkpoint" || rep.Checkpoint.Size != 5 {
		t.Errorf("%+v", rep)
	}
	for _, junk := range []string{"x", proofHeader, "%PDF", strings.Repeat("x", 1<<20)} {
		if rep := checkFile(t, []byte(junk), key.VerifierKey()); rep.OK() {
			t.Errorf("%.20q verified", junk)
		}
	}
}

// Whatever byte of a pack changes, it shows, or nothing that is read changed.
func TestNoFlippedByteOfAPackPasses(t *testing.T) {
	key := testKey(t)
	file := makePack(t, newDisk(t, key, 6, 6), all)
	rapid.Check(t, func(rt *rapid.T) {
		spoiled := flip(file, rapid.IntRange(0, len(file)*8-1).Draw(rt, "bit"))
		if rep := checkFile(t, spoiled, key.VerifierKey()); rep.OK() {
			rt.Fatal("a changed pack verified")
		}
	})
}

// A ZIP lists its files twice, in local headers and in its directory, and may hold bytes that neither lists:
// readers differ in what they take.
func TestAPackThatOtherReadersMayReadOtherwiseIsRefused(t *testing.T) {
	key := testKey(t)
	whole := makePack(t, newDisk(t, key, 6, 6), all)
	z, err := zip.NewReader(bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		t.Fatal(err)
	}
	meta := []int{}
	for i, f := range z.File {
		data, err := f.DataOffset()
		if err != nil {
			t.Fatal(err)
		}
		end := data + int64(f.CompressedSize64)
		next := bytes.Index(whole[end:], []byte("PK\x03\x04"))
		if i == len(z.File)-1 {
			next = len(whole) - int(end)
		}
		for at := int(end); at < int(end)+next; at++ {
			meta = append(meta, at)
		}
	}
	first, _ := z.File[0].DataOffset()
	for at := range int(first) {
		meta = append(meta, at)
	}
	for _, at := range meta { // every byte that is not a file's
		for _, bit := range []byte{1, 0x80} {
			spoiled := bytes.Clone(whole)
			spoiled[at] ^= bit
			if rep := checkFile(t, spoiled, key.VerifierKey()); rep.OK() {
				t.Errorf("byte %d of %d, flipped by %#x, verified", at, len(whole), bit)
			}
		}
	}
	for name, file := range map[string][]byte{
		"something behind it":   append(bytes.Clone(whole), "more"...),
		"a comment":             append(append(bytes.Clone(whole[:len(whole)-2]), 3, 0), "abc"...),
		"something before it":   append([]byte("PK\x03\x04 and more"), whole...),
		"another ZIP before it": append(bytes.Clone(whole), whole...),
	} {
		if rep := checkFile(t, file, key.VerifierKey()); rep.OK() {
			t.Errorf("%s: verified", name)
		}
	}
}

// The README's own instructions are run as an auditor would.
func TestTheREADMEsHandCheckWorks(t *testing.T) {
	for _, tool := range []string{"sh", "sha256sum", "openssl", "python3"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	dir := t.TempDir()
	files := unzip(t, makePack(t, newDisk(t, testKey(t), 21, 21), func(s int64) bool { return s != 5 }))
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	readme := files[packReadme]
	var shell, python []string
	for _, l := range strings.Split(readme[strings.Index(readme, "To check it by hand"):], "\n") {
		body, ok := strings.CutPrefix(l, "       ")
		switch {
		case !ok:
		case len(python) > 0 || strings.HasPrefix(body, "import "):
			python = append(python, body)
		default:
			shell = append(shell, body)
		}
	}
	run := func(name string, args ...string) error {
		cmd := exec.Command(name, args...) //nolint:gosec // the README's lines
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	if len(shell) < 5 || len(python) < 10 {
		t.Fatalf("the README's commands were not found: %q %q", shell, python)
	}
	if err := run("sh", "-ec", strings.Join(shell, "\n")); err != nil {
		t.Error(err)
	}
	if err := run("python3", "-c", strings.Join(python, "\n")); err != nil {
		t.Error(err)
	}
	spoiled := strings.Replace(files[packJSONL], `record 9"`, `record X"`, 1)
	if err := os.WriteFile(filepath.Join(dir, packJSONL), []byte(spoiled), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run("python3", "-c", strings.Join(python, "\n")); err == nil || !strings.Contains(err.Error(), "record 9 is not in the log") {
		t.Errorf("the script lets an edited record pass: %v", err)
	}
	if err := run("sha256sum", "-c", "MANIFEST.txt"); err == nil {
		t.Error("sha256sum lets an edited record pass")
	}
}

func FuzzVerifyPack(f *testing.F) {
	key := testKey(f)
	d := newDisk(f, key, 6, 6)
	f.Add(makePack(f, d, all))
	f.Add(makePack(f, d, func(s int64) bool { return s == 4 }))
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, in []byte) {
		rep, err := VerifyPack(context.Background(), bytes.NewReader(in), int64(len(in)), key.VerifierKey())
		if err != nil || !rep.OK() {
			return
		}
		for line := range strings.Lines(unzip(t, in)[packJSONL]) {
			if !slices.ContainsFunc(d.rows, func(r StoredEntry) bool { return string(r.Raw)+"\n" == line }) {
				t.Errorf("a record that never was verified: %s", line)
			}
		}
	})
}

func FuzzProofLine(f *testing.F) {
	f.Add(`{"index":6,"shared":1,"hashes":["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]}`)
	f.Fuzz(func(t *testing.T, line string) {
		index, path, err := parseProofLine(line, nil)
		if err == nil && string(appendProofLine(nil, index, path, nil)) != line+"\n" {
			t.Errorf("%q reads as %d %v", line, index, path)
		}
	})
}

func BenchmarkPack(b *testing.B) {
	d := newDisk(b, testKey(b), 20_000, 20_000)
	in := d.packInput(b, all)
	var file []byte
	b.Run("Write", func(b *testing.B) {
		start := time.Now()
		for b.Loop() {
			var w bytes.Buffer
			if err := WritePack(context.Background(), &w, in); err != nil {
				b.Fatal(err)
			}
			file = w.Bytes()
		}
		b.ReportMetric(float64(time.Since(start).Nanoseconds())/float64(b.N)/20_000, "ns/record")
	})
	b.Run("Verify", func(b *testing.B) {
		start := time.Now()
		for b.Loop() {
			rep, err := VerifyPack(context.Background(), bytes.NewReader(file), int64(len(file)), d.key.VerifierKey())
			if err != nil || !rep.OK() {
				b.Fatal(err, findings(rep))
			}
		}
		b.ReportMetric(float64(time.Since(start).Nanoseconds())/float64(b.N)/20_000, "ns/record")
		b.ReportMetric(float64(len(file))/20_000, "bytes/record")
	})
}

func sha(s string) [32]byte { return sha256.Sum256([]byte(s)) }

func TestAKilledConsoleLeavesNoRecordsInTemporaryFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file keeps its name there")
	}
	d := newDisk(t, testKey(t), 5, 5)
	in := d.packInput(t, all)
	in.TempDir = t.TempDir()
	entries, looked := in.Entries, false
	in.Entries = func(yield func(Entry, error) bool) {
		list, err := os.ReadDir(in.TempDir)
		if err != nil || len(list) > 0 {
			t.Errorf("while the pack is made: %v, %v", list, err)
		}
		looked = true
		entries(yield)
	}
	var out bytes.Buffer
	if err := WritePack(t.Context(), &out, in); err != nil || !looked {
		t.Fatal(err, looked)
	}
	if rep := checkFile(t, out.Bytes(), in.Key.VerifierKey()); !rep.OK() {
		t.Error(rep.Problems)
	}
}
