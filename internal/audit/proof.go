package audit

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"cxseal/internal/fault"
)

const (
	proofHeader   = "c2sp.org/tlog-proof@v1"
	maxProofBytes = 256 << 10 // a record of 64 KiB in base64, 48 hashes, a checkpoint: 110 KiB at most
	maxProofPath  = 48        // log₂ maxTreeSize
)

// Proof shows offline that one record is in the log (C2SP tlog-proof).
//
// The record's own bytes stand in the format's "extra" line, so the file can be checked without the log. The
// format does not authenticate that line; here it is authenticated, because the leaf hash is computed from it
// alone.
type Proof struct {
	Index      int64       // 0-based; the record's Seq is Index+1
	Hashes     []tlog.Hash // from the leaf's sibling up to the root's child
	Raw        []byte      // the record's bytes; nil when the file carries none
	Checkpoint []byte      // the signed checkpoint, verbatim
}

// NewProof makes the proof of the record e under a signed checkpoint of the
// given size, from the stored hashes.
func NewProof(e Entry, size int64, checkpoint []byte, r tlog.HashReader) (Proof, error) {
	path, err := InclusionProof(size, e.Seq-1, r)
	if err != nil {
		return Proof{}, err
	}
	return Proof{Index: e.Seq - 1, Hashes: path, Raw: e.Raw, Checkpoint: checkpoint}, nil
}

// Text is the file's content; its name should end in .tlog-proof.
func (p Proof) Text() []byte {
	var b bytes.Buffer
	b.WriteString(proofHeader + "\n")
	if p.Raw != nil {
		b.WriteString("extra " + base64.StdEncoding.EncodeToString(p.Raw) + "\n")
	}
	b.WriteString("index " + strconv.FormatInt(p.Index, 10) + "\n")
	for _, h := range p.Hashes {
		b.WriteString(h.String() + "\n")
	}
	b.WriteByte('\n')
	b.Write(p.Checkpoint)
	return b.Bytes()
}

// ParseProof reads a proof file without checking the proof; Verify does that.
func ParseProof(text []byte) (Proof, error) {
	var p Proof
	if len(text) > maxProofBytes {
		return p, fault.New(fault.TooLarge, "The proof takes %d bytes; the most is %d", len(text), maxProofBytes)
	}
	rest, ok := strings.CutPrefix(string(text), proofHeader+"\n")
	if !ok {
		return p, fault.New(fault.Invalid, "The file is not a proof: its first line must be %s", proofHeader)
	}
	head, checkpoint, ok := strings.Cut(rest, "\n\n")
	if !ok {
		return p, fault.New(fault.Invalid, "The proof is cut off: it has no checkpoint")
	}
	lines := strings.Split(head, "\n")
	if extra, ok := strings.CutPrefix(lines[0], "extra "); ok {
		raw, err := base64.StdEncoding.Strict().DecodeString(extra)
		if err != nil || len(raw) > MaxRecordBytes || strings.ContainsRune(extra, '\r') {
			return Proof{}, fault.New(fault.Invalid, "The proof's record is not valid base64, or too long")
		}
		p.Raw, lines = raw, lines[1:]
	}
	if len(lines) == 0 {
		return Proof{}, fault.New(fault.Invalid, "The proof names no index")
	}
	number, ok := strings.CutPrefix(lines[0], "index ")
	index, err := parseIndex(number)
	if !ok || err != nil {
		return Proof{}, fault.New(fault.Invalid, "The proof names no index")
	}
	p.Index, lines = index, lines[1:]
	if len(lines) > maxProofPath {
		return Proof{}, fault.New(fault.Invalid, "The proof has %d hashes; no log is so long", len(lines))
	}
	for _, l := range lines {
		h, err := parseHash(l)
		if err != nil {
			return Proof{}, fault.New(fault.Invalid, "The proof holds a line that is not a hash")
		}
		p.Hashes = append(p.Hashes, h)
	}
	p.Checkpoint = []byte(checkpoint)
	return p, nil
}

// Verify checks the proof against the log's verifier key alone, and returns
// the entry it proves and the checkpoint it proves it under. raw is the record,
// for a proof that carries none; when both are there they must be equal.
func (p Proof) Verify(raw []byte, verifierKey string) (Entry, Checkpoint, error) {
	c, err := OpenCheckpoint(p.Checkpoint, verifierKey)
	if err != nil {
		return Entry{}, Checkpoint{}, err
	}
	switch {
	case raw == nil && p.Raw == nil:
		return Entry{}, c, fault.New(fault.Invalid, "The proof carries no record, so there is nothing to check it against")
	case raw == nil:
		raw = p.Raw
	case p.Raw != nil && !bytes.Equal(raw, p.Raw):
		return Entry{}, c, fault.New(fault.Invalid, "The proof is of another record")
	}
	e := Entry{Seq: p.Index + 1, Raw: raw, LeafHash: LeafHash(raw)}
	if err := tlog.CheckRecord(p.Hashes, c.Size, c.Root, p.Index, e.LeafHash); err != nil {
		return Entry{}, c, fault.New(fault.Invalid, "The proof does not hold: record %d, as given here, is not in the log's checkpoint of %d records", e.Seq, c.Size)
	}
	if e.Record, err = Parse(raw); err != nil {
		return Entry{}, c, err
	}
	return e, c, nil
}
