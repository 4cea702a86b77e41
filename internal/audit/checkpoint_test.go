package audit

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func TestACheckpointIsC2SPs(t *testing.T) {
	key := testKey(t)
	root := LeafHash([]byte("x"))
	text, err := SignCheckpoint(key, 1, root)
	if err != nil {
		t.Fatal(err)
	}
	if want := "cxseal/test\n1\n" + tlog.Hash(root).String() + "\n\n— cxseal/test "; !strings.HasPrefix(string(text), want) {
		t.Errorf("%q does not begin with %q", text, want)
	}
	got, err := OpenCheckpoint(text, key.VerifierKey()+"\n")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Checkpoint{Origin: "cxseal/test", Size: 1, Root: root}, got); diff != "" {
		t.Error(diff)
	}
}

func TestACheckpointThatIsNotTheLogsIsRefused(t *testing.T) {
	key := testKey(t)
	good, err := SignCheckpoint(key, 12, LeafHash(nil))
	if err != nil {
		t.Fatal(err)
	}
	signed := func(text string) []byte {
		b, err := key.sign(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	root := tlog.Hash(LeafHash(nil)).String()
	for name, text := range map[string][]byte{
		"empty":           nil,
		"another size":    bytes.Replace(good, []byte("\n12\n"), []byte("\n13\n"), 1),
		"no signature":    good[:bytes.Index(good, []byte("— "))],
		"cut off":         good[:len(good)-3],
		"another origin":  signed("cxseal/other\n12\n" + root + "\n"),
		"leading zero":    signed("cxseal/test\n012\n" + root + "\n"),
		"negative":        signed("cxseal/test\n-1\n" + root + "\n"),
		"too large":       signed("cxseal/test\n9223372036854775807\n" + root + "\n"),
		"short root":      signed("cxseal/test\n12\nAAAA\n"),
		"two lines":       signed("cxseal/test\n12\n"),
		"empty extension": signed("cxseal/test\n12\n" + root + "\n\nx\n"),
		"a pack manifest": signed(manifestHeader + "\n12\n" + root + "\n"),
		"endless":         append(slices.Clone(good), bytes.Repeat([]byte("— x AAAAAAAA\n"), 10_000)...),
	} {
		if _, err := OpenCheckpoint(text, key.VerifierKey()); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	other, _ := LoadOrCreateKey(t.TempDir()+"/key", "cxseal/test")
	if _, err := OpenCheckpoint(good, other.VerifierKey()); err == nil {
		t.Error("another key of the same name opened it")
	}
	if _, err := OpenCheckpoint(good, "nonsense"); err == nil {
		t.Error("a malformed key opened it")
	}
}

func TestAWitnessMayCosignACheckpoint(t *testing.T) {
	key := testKey(t)
	text, err := SignCheckpoint(key, 3, LeafHash(nil))
	if err != nil {
		t.Fatal(err)
	}
	verifier, _ := note.NewVerifier(key.VerifierKey())
	n, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		t.Fatal(err)
	}
	witness, err := LoadOrCreateKey(t.TempDir()+"/key", "witness.example")
	if err != nil {
		t.Fatal(err)
	}
	cosigned, err := note.Sign(n, witness.signer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenCheckpoint(cosigned, key.VerifierKey()); err != nil {
		t.Error(err)
	}
}

func TestAnAnchorFileGivesBackEachCheckpoint(t *testing.T) {
	key := testKey(t)
	var want []string
	var file strings.Builder
	for size := range int64(5) {
		text, err := SignCheckpoint(key, size, LeafHash(nil))
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, string(text))
		file.Write(text)
		if size == 2 {
			file.WriteString("\n\n")
		}
	}
	var got []string
	for text, err := range ReadCheckpoints(strings.NewReader(file.String())) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(text))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{strings.Repeat("x", 1<<20), strings.Repeat("x\n", 1<<20)} {
		failed := false
		for _, err := range ReadCheckpoints(strings.NewReader(bad)) {
			failed = failed || err != nil
		}
		if !failed {
			t.Error("an endless checkpoint was read into memory")
		}
	}
}

func TestConsistencyShowsARewrittenLog(t *testing.T) {
	key := testKey(t)
	d := newDisk(t, key, 20, 7, 20)
	older, _ := OpenCheckpoint(d.signed[0].Text, key.VerifierKey())
	newer, _ := OpenCheckpoint(d.signed[1].Text, key.VerifierKey())
	proof, err := ConsistencyProof(7, 20, d.reader())
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckConsistency(older, newer, proof); err != nil {
		t.Error(err)
	}
	older.Root[0] ^= 1
	if err := CheckConsistency(older, newer, proof); err == nil {
		t.Error("another history passed")
	}
}

func FuzzOpenCheckpoint(f *testing.F) {
	key := testKey(f)
	text, err := SignCheckpoint(key, 12, LeafHash(nil))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := OpenCheckpoint(in, key.VerifierKey())
		if err == nil && (c.Size != 12 || c.Root != LeafHash(nil) || c.Origin != "cxseal/test") {
			t.Errorf("forged: %+v", c)
		}
		read := 0
		for text, err := range ReadCheckpoints(bytes.NewReader(in)) {
			if read += len(text); err == nil && len(text) == 0 {
				t.Error("an empty checkpoint was yielded")
			}
		}
		if read > len(in) {
			t.Error("more was yielded than is there")
		}
		if c, err := parseCheckpoint(string(in)); err == nil && c.text() != string(in) {
			t.Errorf("%q reads as %q", in, c.text())
		}
	})
}
