package audit

import (
	"archive/zip"
	"bufio"
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"hash"
	"io"
	"io/fs"
	"iter"
	"os"
	"strings"
	"text/template"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"cxseal/internal/fault"
)

// The files of an evidence pack, in the order they stand in it.
const (
	packReadme     = "README.txt"
	packKey        = "key.txt"
	packCheckpoint = "checkpoint.txt"
	packJSONL      = "audit.jsonl"
	packCSV        = "audit.csv"
	packProofs     = "proofs.jsonl"
	packSummary    = "summary.html"
	packManifest   = "MANIFEST.txt"
)

var packFiles = []string{packReadme, packKey, packCheckpoint, packJSONL, packCSV, packProofs, packSummary, packManifest}

//go:embed pack_readme.txt
var readmeText string

var readmeTemplate = template.Must(template.New(packReadme).Parse(readmeText))

// PackInput is what an evidence pack is made of.
type PackInput struct {
	Entries    iter.Seq2[Entry, error] // ascending Seq, each covered by Checkpoint; Seq and Raw are read
	Hashes     tlog.HashReader         // the log's stored hashes
	Checkpoint []byte                  // signed by Key
	Key        *Key
	Now        time.Time
	From, To   time.Time       // the period asked for; zero is open
	Filter     string          // the other conditions, in the search box's words; "" for none
	Empty      string          // why there is no entry, one sentence; needed exactly when there is none
	Coverage   []TableCoverage // what the summary shows of tables at both ends of the period
	Decisions  *decisions      // what the summary shows of decisions in the period; nil for none
	TempDir    string          // where files wait their turn, up to half the records' size; "" is the system's
}

// lead returns the sentence that begins the README and the summary of a pack without records, "" of any other.
func (in *PackInput) lead() string {
	if in.Empty == "" {
		return ""
	}
	return emptyLead(in.Empty)
}

// WritePack streams an evidence pack as a ZIP to w: the records' exact bytes,
// the CSV, an inclusion proof for each record, the checkpoint, a page to print
// and a manifest signed by the log's key. Memory does not grow with the number
// of records: the entries are read once, and the CSV and the proofs wait in
// temporary files (mode 0600, removed before return).
//
// Each proof is checked before it is written, so a pack that is whole is one
// that verifies. After an error what was written has no directory and opens in
// no ZIP reader; the caller must still not let it pass for complete.
func WritePack(ctx context.Context, w io.Writer, in PackInput) (err error) {
	checkpoint, err := OpenCheckpoint(in.Checkpoint, in.Key.VerifierKey())
	if err != nil {
		return err
	}
	pw := &packWriter{zip: zip.NewWriter(w), now: in.Now, sums: map[string][32]byte{}}
	spools, err := newSpools(in.TempDir, packCSV, packProofs)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "The evidence pack's temporary files could not be made")
	}
	defer func() { err = errors.Join(err, spools.remove()) }()

	var readme strings.Builder
	if err := readmeTemplate.Execute(&readme, map[string]string{"Origin": in.Key.Origin(), "Key": in.Key.VerifierKey(), "Lead": in.lead()}); err != nil {
		return err
	}
	for _, f := range []struct{ name, text string }{
		{packReadme, readme.String()}, {packKey, in.Key.VerifierKey() + "\n"}, {packCheckpoint, string(in.Checkpoint)},
	} {
		if err := pw.file(f.name, strings.NewReader(f.text)); err != nil {
			return err
		}
	}
	stats := newStats()
	if err := pw.records(ctx, in, checkpoint, stats, spools); err != nil {
		return err
	}
	if (stats.Records == 0) != (in.Empty != "") {
		return fault.New(fault.Internal, "The evidence pack was begun for another number of records than %d", stats.Records)
	}
	for _, name := range []string{packCSV, packProofs} {
		r, err := spools.reader(name)
		if err != nil {
			return err
		}
		if err := pw.file(name, r); err != nil {
			return err
		}
	}
	page, err := stats.page(in, checkpoint)
	if err != nil {
		return err
	}
	if err := pw.file(packSummary, strings.NewReader(page)); err != nil {
		return err
	}
	signed, err := in.Key.sign(newManifest(in, checkpoint, stats.Records, pw.sums).text())
	if err != nil {
		return err
	}
	if err := pw.file(packManifest, strings.NewReader(string(signed))); err != nil {
		return err
	}
	return pw.zip.Close()
}

// packWriter writes files into the ZIP and remembers their hashes.
type packWriter struct {
	zip  *zip.Writer
	now  time.Time
	sums map[string][32]byte
}

func (p *packWriter) create(name string) (*bufio.Writer, hash.Hash, error) {
	f, err := p.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: p.now.UTC()})
	if err != nil {
		return nil, nil, err
	}
	sum := sha256.New()
	return bufio.NewWriterSize(io.MultiWriter(f, sum), 64<<10), sum, nil
}

func (p *packWriter) file(name string, r io.Reader) error {
	w, sum, err := p.create(name)
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, r); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	p.sums[name] = [32]byte(sum.Sum(nil))
	return nil
}

// records writes audit.jsonl straight into the ZIP and the other two readings
// of each record into their spools.
func (p *packWriter) records(ctx context.Context, in PackInput, c Checkpoint, stats *packStats, s spools) error {
	w, sum, err := p.create(packJSONL)
	if err != nil {
		return err
	}
	rows := s[packCSV].w
	proofs := proofWriter{w: s[packProofs].w, hashes: in.Hashes, checkpoint: c}
	line := AppendCSVHeader(nil)
	if _, err := rows.Write(line); err != nil {
		return err
	}
	last := int64(0)
	for e, err := range in.Entries {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if e.Seq <= last || e.Seq > c.Size {
			return fault.New(fault.Internal, "Record %d cannot follow record %d in an evidence pack under a checkpoint of %d records", e.Seq, last, c.Size)
		}
		last = e.Seq
		if e.Record, err = Parse(e.Raw); err != nil {
			return fault.Wrap(err, fault.Internal, "Record %d is damaged: run cxseal verify", e.Seq)
		}
		e.LeafHash = LeafHash(e.Raw)
		stats.add(&e)
		if _, err := w.Write(e.Raw); err != nil {
			return err
		}
		if err := w.WriteByte('\n'); err != nil {
			return err
		}
		line = AppendCSV(line[:0], &e)
		if _, err := rows.Write(line); err != nil {
			return err
		}
		if err := proofs.add(e.Seq-1, e.LeafHash); err != nil {
			return err
		}
	}
	if err := proofs.flush(); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	p.sums[packJSONL] = [32]byte(sum.Sum(nil))
	return nil
}

// spools are the temporary files of a pack in the making, by name.
type spools map[string]*spool

type spool struct {
	f *os.File
	w *bufio.Writer
}

func newSpools(dir string, names ...string) (spools, error) {
	s := spools{}
	for _, name := range names {
		f, err := os.CreateTemp(dir, "cxseal-pack-*")
		if err != nil {
			return nil, errors.Join(err, s.remove())
		}
		s[name] = &spool{f, bufio.NewWriterSize(f, 64<<10)}
		// Where a system lets go of an open file's name, even a console that is
		// killed leaves no copy of the records behind.
		_ = os.Remove(f.Name())
	}
	return s, nil
}

func (s spools) reader(name string) (io.Reader, error) {
	if err := s[name].w.Flush(); err != nil {
		return nil, err
	}
	_, err := s[name].f.Seek(0, io.SeekStart)
	return s[name].f, err
}

func (s spools) remove() error {
	var err error
	for _, t := range s {
		err = errors.Join(err, t.f.Close())
		if e := os.Remove(t.f.Name()); !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}
