package audit

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"cxseal/internal/fault"
)

// packProblemLimit ends the reading of a badly damaged or hostile pack. Every forged line is a problem, so
// the limit bounds the work too.
const packProblemLimit = 1000

// VerifyFile checks a file that cxseal gave out (an evidence pack, a record's
// proof, a checkpoint) against a note verifier key, with nothing else. Which
// of them it is is read from its first bytes. The error is for a malformed key
// or an unreadable file; what is wrong with a readable one is in the Report.
func VerifyFile(ctx context.Context, r io.ReaderAt, size int64, verifierKey string) (Report, error) {
	if _, err := note.NewVerifier(strings.TrimSpace(verifierKey)); err != nil {
		return Report{}, fault.New(fault.Invalid, "The verifier key is malformed: it looks like name+hash+key, as printed by cxseal key")
	}
	var head [4]byte
	if n, err := r.ReadAt(head[:], 0); err != nil && !errors.Is(err, io.EOF) || n == 0 {
		return Report{}, fault.New(fault.Invalid, "The file is empty or cannot be read")
	}
	if string(head[:]) == "PK\x03\x04" || size > maxProofBytes {
		return VerifyPack(ctx, r, size, verifierKey)
	}
	text, err := io.ReadAll(io.NewSectionReader(r, 0, size))
	if err != nil {
		return Report{}, fault.Wrap(err, fault.Invalid, "The file cannot be read")
	}
	if bytes.HasPrefix(text, []byte("c2sp.org/tlog-proof")) {
		return verifyProofText(text, verifierKey), nil
	}
	rep := Report{What: "checkpoint"}
	c, err := OpenCheckpoint(text, verifierKey)
	if err != nil {
		rep.addf(CheckpointUnsigned, 0, 0, "The file is no evidence pack and no proof, and does not hold as a checkpoint: %s", fault.MessageOf(err))
		return rep, nil
	}
	rep.Checkpoint, rep.Matched = &c, 1
	rep.notef("Only the signature was checked: a checkpoint holds no records.")
	return rep, nil
}

func verifyProofText(text []byte, verifierKey string) Report {
	rep := Report{What: "proof"}
	p, err := ParseProof(text)
	if err == nil {
		var e Entry
		var c Checkpoint
		if e, c, err = p.Verify(nil, verifierKey); err == nil {
			rep.Records, rep.First, rep.Last, rep.Checkpoint, rep.Matched = 1, e.Seq, e.Seq, &c, 1
			rep.notef("Record %d: %s %s at %s, id %s.", e.Seq, e.Record.Operation, e.Record.Outcome, e.Record.Timestamp, e.Record.AuditID)
			return rep
		}
	}
	rep.addf(FileDamaged, 0, 0, "%s", fault.MessageOf(err))
	return rep
}

// VerifyPack checks an evidence pack against the given key (never the one in
// the pack): the manifest's signature, each file's hash, each record's
// inclusion under the signed checkpoint, and that the CSV says the same as the
// records. It trusts nothing in the file and holds a few lines of it at a time.
func VerifyPack(ctx context.Context, r io.ReaderAt, size int64, verifierKey string) (Report, error) {
	v := packVerifier{rep: &Report{What: "pack", limit: packProblemLimit}, key: verifierKey, sums: map[string][32]byte{}}
	v.files = openPack(r, size, v.rep)
	if len(v.files) == 0 {
		if v.rep.OK() {
			v.rep.addf(FileDamaged, 0, 0, "The ZIP holds no evidence pack")
		}
		return *v.rep, nil
	}
	v.signedFiles()
	err := v.records(ctx)
	if err == nil {
		v.compareSums()
	}
	return *v.rep, err
}

type packVerifier struct {
	rep      *Report
	key      string
	files    map[string]*zip.File
	manifest *manifest // nil when it does not hold
	sums     map[string][32]byte
}

func (v *packVerifier) bad(format string, args ...any) {
	v.rep.addf(FileDamaged, 0, 0, format, args...)
}

// signedFiles opens the manifest and the checkpoint and hashes the files that are not interpreted.
func (v *packVerifier) signedFiles() {
	for _, name := range []string{packManifest, packCheckpoint, packKey, packReadme, packSummary} {
		if v.files[name] == nil {
			continue
		}
		text, err := readPackFile(v.files[name])
		if err != nil {
			v.bad("%s cannot be read: %s", name, oneLine(err.Error()))
			continue
		}
		v.sums[name] = sha256.Sum256(text)
		switch name {
		case packManifest:
			if v.manifest, err = openManifest(text, v.key); err != nil {
				v.bad("The manifest was not accepted: %s", fault.MessageOf(err))
			}
		case packCheckpoint:
			c, err := OpenCheckpoint(text, v.key)
			if err != nil {
				v.rep.addf(CheckpointUnsigned, 0, 0, "The pack's checkpoint was not accepted: %s", fault.MessageOf(err))
				continue
			}
			v.rep.Checkpoint, v.rep.Matched = &c, 1
		case packKey:
			if strings.TrimSpace(string(text)) != strings.TrimSpace(v.key) {
				v.bad("key.txt holds another key than the one given")
			}
		}
	}
	if m, c := v.manifest, v.rep.Checkpoint; m != nil && c != nil && m.size != c.Size {
		v.bad("The manifest speaks of a checkpoint of %s, and the pack's has %s", CountOf(m.size, "record"), CountOf(c.Size, "record"))
	}
}

// records reads the three files of records side by side.
func (v *packVerifier) records(ctx context.Context) error {
	streams := map[string]*packStream{}
	for _, name := range []string{packJSONL, packProofs, packCSV} {
		if v.files[name] == nil {
			return nil // reported already; what is left cannot be told apart
		}
		s, err := openStream(name, v.files[name])
		if err != nil {
			v.bad("%s cannot be read: %s", name, oneLine(err.Error()))
			return nil
		}
		defer func() { _ = s.file.Close() }()
		streams[name] = s
	}
	records, proofs, rows := streams[packJSONL], streams[packProofs], streams[packCSV]
	var want []byte
	if row, ok := rows.csvRow(); ok && !bytes.Equal(row, AppendCSVHeader(nil)) {
		v.bad("audit.csv does not begin with the header of the audit export")
	}
	last, gapless := int64(-1), true
	var path tlog.RecordProof
	for v.rep.More == 0 {
		if v.rep.Records%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		raw, ok := records.line()
		if !ok {
			break
		}
		v.rep.Records++
		line, ok := proofs.line()
		if !ok {
			v.bad("proofs.jsonl has no proof of the record in line %d of audit.jsonl", v.rep.Records)
			break
		}
		index, p, err := parseProofLine(string(line), path)
		if err != nil {
			v.bad("Line %d of proofs.jsonl is not a proof", v.rep.Records)
			proofs.err = errors.New("it was not read to its end")
			break
		}
		if index <= last {
			v.rep.addf(RecordMisplaced, index+1, index+1, "Record %d stands after record %d", index+1, last+1)
		}
		gapless = gapless && (last < 0 || index == last+1)
		path, last = p, index
		e := Entry{Seq: index + 1, Raw: raw, LeafHash: LeafHash(raw)}
		if v.rep.First == 0 {
			v.rep.First = e.Seq
		}
		v.rep.Last = e.Seq
		readable := v.judge(&e, p)
		row, ok := rows.csvRow()
		if !ok {
			v.bad("audit.csv has no row of record %d", e.Seq)
			break
		}
		if want = AppendCSV(want[:0], &e); readable && !bytes.Equal(row, want) {
			v.rep.addf(FileDamaged, e.Seq, e.Seq, "The row of record %d in audit.csv is not what the record says", e.Seq)
		}
	}
	if v.rep.More > 0 {
		v.rep.notef("Reading stopped after %d problems.", packProblemLimit)
		return nil
	}
	v.ends(records, proofs, rows)
	switch {
	case v.rep.Records == 0:
		v.rep.Lead = "The pack is empty: it holds no record, and does not say why."
		if v.manifest != nil && v.manifest.empty() != "" {
			v.rep.Lead = emptyLead(v.manifest.empty())
		}
	case !v.rep.OK():
	case gapless:
		v.rep.Lead = fmt.Sprintf("%s, without a gap.", capital(span(v.rep.First, v.rep.Last)))
	default:
		v.rep.Lead = fmt.Sprintf("A selection from %s: what the filter left out cannot be told from a pack.", span(v.rep.First, v.rep.Last))
	}
	return nil
}

// judge checks one record under the checkpoint and fills in e.Record; it reports whether the record could be
// read.
func (v *packVerifier) judge(e *Entry, p tlog.RecordProof) bool {
	if c := v.rep.Checkpoint; c != nil {
		if err := tlog.CheckRecord(p, c.Size, c.Root, e.Seq-1, e.LeafHash); err != nil {
			v.rep.addf(RecordChanged, e.Seq, e.Seq, "Record %d, as it stands in the pack, is not in the log's checkpoint of %s", e.Seq, CountOf(c.Size, "record"))
		}
	}
	var err error
	if e.Record, err = Parse(e.Raw); err != nil {
		v.rep.addf(FileDamaged, e.Seq, e.Seq, "Record %d cannot be read: %s", e.Seq, fault.MessageOf(err))
	}
	return err == nil
}

// ends checks that the three files end at the same record, and each at the end of a line.
func (v *packVerifier) ends(records, proofs, rows *packStream) {
	for _, s := range []*packStream{records, proofs, rows} {
		if s.err == nil {
			var more bool
			if s == rows {
				_, more = s.csvRow()
			} else {
				_, more = s.line()
			}
			if more {
				v.bad("%s holds more records than the files beside it, from line %d on", s.name, v.rep.Records+1)
				continue
			}
		}
		sum, ok := s.hashed()
		if !ok {
			v.bad("%s is damaged after %s: %s", s.name, CountOf(v.rep.Records, "record"), oneLine(s.err.Error()))
			continue
		}
		v.sums[s.name] = sum
	}
	if m := v.manifest; m != nil && m.records != v.rep.Records {
		v.bad("The manifest counts %s, and the pack holds %d", CountOf(m.records, "record"), v.rep.Records)
	}
}

func (v *packVerifier) compareSums() {
	if v.manifest == nil {
		return
	}
	for _, name := range packFiles {
		if sum, read := v.sums[name]; read && name != packManifest && sum != v.manifest.sums[name] {
			v.bad("%s was changed: its SHA-256 is not the manifest's", name)
		}
	}
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
