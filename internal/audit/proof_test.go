package audit

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func proofOf(t testing.TB, d *disk, seq int64) Proof {
	t.Helper()
	e := Entry{Seq: seq, Raw: d.rows[seq-1].Raw}
	p, err := NewProof(e, int64(len(d.rows)), d.signed[0].Text, d.reader())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAProofChecksWithTheKeyAlone(t *testing.T) {
	key := testKey(t)
	for _, n := range []int64{1, 2, 3, 13} {
		d := newDisk(t, key, int(n), n)
		for seq := int64(1); seq <= n; seq++ {
			p, err := ParseProof(proofOf(t, d, seq).Text())
			if err != nil {
				t.Fatal(err)
			}
			e, c, err := p.Verify(nil, key.VerifierKey())
			if err != nil {
				t.Fatalf("record %d of %d: %v", seq, n, err)
			}
			if e.Seq != seq || !bytes.Equal(e.Raw, d.rows[seq-1].Raw) || e.Record.TableID != "tbl-contacts" || c.Size != n {
				t.Errorf("record %d of %d: %+v", seq, n, e)
			}
		}
	}
}

// The file is read here with nothing of ours, as someone else's tool would.
func TestAnotherToolCanCheckAProof(t *testing.T) {
	key := testKey(t)
	d := newDisk(t, key, 13, 13)
	text := string(proofOf(t, d, 5).Text())
	head, checkpoint, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" || lines[2] != "index 4" {
		t.Fatalf("%q", lines)
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil {
		t.Fatal(err)
	}
	var path tlog.RecordProof
	for _, l := range lines[3:] {
		h, err := tlog.ParseHash(l)
		if err != nil {
			t.Fatal(err)
		}
		path = append(path, h)
	}
	verifier, err := note.NewVerifier(key.VerifierKey())
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open([]byte(checkpoint), note.VerifierList(verifier))
	if err != nil {
		t.Fatal(err)
	}
	root, err := tlog.ParseHash(strings.Split(n.Text, "\n")[2])
	if err != nil {
		t.Fatal(err)
	}
	if err := tlog.CheckRecord(path, 13, root, 4, tlog.RecordHash(raw)); err != nil {
		t.Error(err)
	}
}

func TestAProofOfSomethingElseFails(t *testing.T) {
	key := testKey(t)
	d := newDisk(t, key, 13, 13)
	good := proofOf(t, d, 5)
	for name, spoil := range map[string]func(*Proof){
		"another record":  func(p *Proof) { p.Raw = d.rows[5].Raw },
		"an edited one":   func(p *Proof) { p.Raw = flip(p.Raw, 77) },
		"another index":   func(p *Proof) { p.Index = 5 },
		"beyond the tree": func(p *Proof) { p.Index = 13 },
		"a hash less":     func(p *Proof) { p.Hashes = p.Hashes[1:] },
		"a hash more":     func(p *Proof) { p.Hashes = append(p.Hashes, tlog.Hash{}) },
		"no record":       func(p *Proof) { p.Raw = nil },
		"a bare tree":     func(p *Proof) { p.Checkpoint = []byte("cxseal/test\n13\nx\n") },
	} {
		p := proofOf(t, d, 5)
		spoil(&p)
		back, err := ParseProof(p.Text())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, _, err := back.Verify(nil, key.VerifierKey()); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	bare := good
	bare.Raw = nil
	if _, _, err := bare.Verify(good.Raw, key.VerifierKey()); err != nil {
		t.Errorf("a proof with the record beside it: %v", err)
	}
	if _, _, err := good.Verify(d.rows[5].Raw, key.VerifierKey()); err == nil {
		t.Error("a proof was taken for another record's")
	}
}

func FuzzProof(f *testing.F) {
	key := testKey(f)
	d := newDisk(f, key, 13, 13)
	f.Add(proofOf(f, d, 5).Text())
	f.Add([]byte(proofHeader + "\nindex 0\n\nx"))
	f.Add([]byte(proofHeader + "\nextra \n\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		p, err := ParseProof(in)
		if err != nil {
			return
		}
		if p.Raw != nil && !bytes.Equal(p.Text(), in) {
			t.Errorf("%q reads as %q", in, p.Text())
		}
		if e, _, err := p.Verify(nil, key.VerifierKey()); err == nil && !bytes.Equal(e.Raw, d.rows[e.Seq-1].Raw) {
			t.Errorf("forged record %d: %s", e.Seq, e.Raw)
		}
	})
}
