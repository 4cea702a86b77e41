package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"
)

// disk is a ledger as a database stores it, which a test may change in any way.
type disk struct {
	rows   []StoredEntry
	hashes []StoredHash
	signed []SignedCheckpoint
	key    *Key
}

func testKey(t testing.TB) *Key {
	t.Helper()
	key, err := LoadOrCreateKey(t.TempDir()+"/key", "cxseal/test")
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newDisk writes n records and signs a checkpoint at each of the sizes.
func newDisk(t testing.TB, key *Key, n int, sizes ...int64) *disk {
	t.Helper()
	d := &disk{key: key}
	d.append(n)
	d.rehash()
	for _, size := range sizes {
		d.sign(t, size)
	}
	return d
}

func (d *disk) append(n int) {
	for range n {
		r := fullRecord()
		r.Detail = fmt.Sprintf("record %d", len(d.rows)+1)
		raw, err := Canonical(r)
		if err != nil {
			panic(err)
		}
		leaf := LeafHash(raw)
		d.rows = append(d.rows, StoredEntry{Seq: int64(len(d.rows) + 1), Raw: raw, LeafHash: leaf[:]})
	}
}

// rehash makes everything stored beside the records agree with them, as a
// thorough forger would.
func (d *disk) rehash() {
	var tree Tree
	d.hashes = nil
	for i := range d.rows {
		d.rows[i].Seq = int64(i + 1)
		leaf := LeafHash(d.rows[i].Raw)
		d.rows[i].LeafHash = leaf[:]
		for _, h := range tree.Append(leaf, nil) {
			d.hashes = append(d.hashes, StoredHash{int64(len(d.hashes)), h[:]})
		}
	}
}

func (d *disk) reader() hashList {
	var l hashList
	for _, h := range d.hashes {
		l = append(l, tlog.Hash(h.Hash))
	}
	return l
}

func (d *disk) sign(t testing.TB, size int64) {
	t.Helper()
	root, err := TreeHead(size, d.reader())
	if err != nil {
		t.Fatal(err)
	}
	text, err := SignCheckpoint(d.key, size, root)
	if err != nil {
		t.Fatal(err)
	}
	d.signed = append(d.signed, SignedCheckpoint{text, "the anchor file"})
}

func (d *disk) input() LogInput {
	i := 0
	return LogInput{
		Entries: seq2(d.rows), Checkpoints: seq2(d.signed), VerifierKey: d.key.VerifierKey(),
		NextHash: func() (StoredHash, error) {
			if i == len(d.hashes) {
				return StoredHash{}, io.EOF
			}
			i++
			return d.hashes[i-1], nil
		},
	}
}

func (d *disk) verify(t testing.TB) Report {
	t.Helper()
	rep, err := VerifyLog(context.Background(), d.input())
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func seq2[T any](list []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, x := range list {
			if !yield(x, nil) {
				return
			}
		}
	}
}

func flip(b []byte, bit int) []byte {
	b = slices.Clone(b)
	b[bit/8%len(b)] ^= 1 << (bit % 8)
	return b
}

// findings prints a report's problems as kind and range.
func findings(rep Report) string {
	var out []string
	for _, p := range rep.Problems {
		out = append(out, fmt.Sprintf("%s %d-%d", p.Kind, p.From, p.To))
	}
	return strings.Join(out, ", ")
}

func TestAnUntouchedLogVerifiesAndSaysUnderWhich(t *testing.T) {
	key := testKey(t)
	for _, n := range []int{0, 1, 2, 3, 7, 8, 100} {
		d := newDisk(t, key, n, 0, int64(n/2), int64(n))
		rep := d.verify(t)
		if !rep.OK() || rep.Records != int64(n) || rep.Checkpoint == nil || rep.Checkpoint.Size != int64(n) {
			t.Errorf("%d records: %s %+v", n, findings(rep), rep)
		}
	}
	rep := newDisk(t, key, 10, 7).verify(t)
	if want := "No matching checkpoint covers records 8 to 10 yet."; !slices.Contains(rep.Notes, want) {
		t.Errorf("notes %q lack %q", rep.Notes, want)
	}
	if want := "The log verifies: 10 records checked; checkpoint cxseal/test, 7 records, root "; !strings.HasPrefix(rep.Summary(), want) {
		t.Error(rep.Summary())
	}
}

func TestDamageIsNamedWhereItIs(t *testing.T) {
	key := testKey(t)
	for _, c := range []struct {
		name  string
		spoil func(d *disk)
		want  string
	}{
		{"a byte of a record", func(d *disk) { d.rows[41].Raw = flip(d.rows[41].Raw, 99) }, "record-changed 42-42"},
		{"a record and its leaf hash", func(d *disk) {
			d.rows[41].Raw = flip(d.rows[41].Raw, 99)
			leaf := LeafHash(d.rows[41].Raw)
			d.rows[41].LeafHash = leaf[:]
		}, "record-changed 42-42"},
		{"a record, its leaf hash and its stored hash", func(d *disk) {
			d.rows[41].Raw = flip(d.rows[41].Raw, 99)
			leaf := LeafHash(d.rows[41].Raw)
			d.rows[41].LeafHash, d.hashes[tlog.StoredHashIndex(0, 41)].Hash = leaf[:], leaf[:]
		}, "record-changed 41-42, history-rewritten 31-60"},
		{"only the leaf hash beside it", func(d *disk) { d.rows[41].LeafHash = flip(d.rows[41].LeafHash, 1) }, "hash-changed 42-42"},
		{"only a stored leaf hash", func(d *disk) {
			h := &d.hashes[tlog.StoredHashIndex(0, 41)]
			h.Hash = flip(h.Hash, 1)
		}, "hash-changed 42-42"},
		{"only a stored subtree hash", func(d *disk) {
			h := &d.hashes[tlog.StoredHashIndex(2, 10)]
			h.Hash = flip(h.Hash, 1)
		}, "hash-changed 41-44"},
		{"a removed record", func(d *disk) { d.rows = slices.Delete(d.rows, 41, 42) }, "records-missing 42-42"},
		{"three gaps", func(d *disk) {
			d.rows = slices.Delete(d.rows, 90, 92)
			d.rows = slices.Delete(d.rows, 41, 42)
			d.rows = slices.Delete(d.rows, 0, 3)
		}, "records-missing 1-3, records-missing 42-42, records-missing 91-92"},
		{"a removed record with its hash", func(d *disk) {
			d.rows = slices.Delete(d.rows, 41, 42)
			d.hashes = slices.DeleteFunc(d.hashes, func(h StoredHash) bool { return h.Index == tlog.StoredHashIndex(0, 41) })
		}, "records-missing 42-42, history-rewritten 31-60"},
		{"two swapped", func(d *disk) { d.rows[41].Raw, d.rows[7].Raw = d.rows[7].Raw, d.rows[41].Raw },
			"records-swapped 8-8, records-swapped 42-42"},
		{"two swapped with their leaf hashes", func(d *disk) {
			d.rows[41], d.rows[7] = d.rows[7], d.rows[41]
			d.rows[41].Seq, d.rows[7].Seq = 42, 8
		}, "records-swapped 8-8, records-swapped 42-42"},
		{"the last ten cut off", func(d *disk) { d.rows = d.rows[:90] }, "records-cut 91-100"},
		{"the last ten cut off with their hashes", func(d *disk) {
			d.rows = d.rows[:90]
			d.rehash()
		}, "records-cut 91-100"},
		{"everything cut off", func(d *disk) { d.rows, d.hashes = nil, nil }, "records-cut 1-100"},
		{"all hashes gone", func(d *disk) { d.hashes = nil }, "hash-missing 1-100"},
		{"a rewritten tree", func(d *disk) {
			d.rows[41].Raw = flip(d.rows[41].Raw, 99)
			d.rehash()
		}, "history-rewritten 31-60"},
		{"a removed record and a rewritten tree", func(d *disk) {
			d.rows = slices.Delete(d.rows, 41, 42)
			d.rehash()
		}, "history-rewritten 31-60, records-cut 100-100"},
		{"a slipped-in record and a rewritten tree", func(d *disk) {
			d.rows = slices.Insert(d.rows, 41, d.rows[0])
			d.rehash()
		}, "history-rewritten 31-60"},
		{"a row twice", func(d *disk) { d.rows = slices.Insert(d.rows, 41, d.rows[40]) }, "record-misplaced 41-41"},
		{"an astronomical row", func(d *disk) { d.rows[99].Seq = 1 << 40 },
			fmt.Sprintf("records-missing 100-%d, hash-missing %d-%d", int64(1)<<40-1, int64(1)<<40, int64(1)<<40)},
		{"an impossible row", func(d *disk) { d.rows[99].Seq = math.MaxInt64 },
			fmt.Sprintf("record-misplaced %d-%d, records-cut 100-100", int64(math.MaxInt64), int64(math.MaxInt64))},
		{"a checkpoint signed by someone else", func(d *disk) {
			other, err := LoadOrCreateKey(t.TempDir()+"/key", "cxseal/test")
			if err != nil {
				t.Fatal(err)
			}
			text, _ := SignCheckpoint(other, 60, tlog.Hash{})
			d.signed = append(d.signed, SignedCheckpoint{text, "somewhere"})
		}, "checkpoint-unsigned 0-0"},
		{"a second history signed", func(d *disk) {
			text, _ := SignCheckpoint(d.key, 60, tlog.Hash{})
			d.signed = append(d.signed, SignedCheckpoint{text, "somewhere"})
		}, "history-rewritten 31-60"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDisk(t, key, 100, 30, 60, 100)
			c.spoil(d)
			rep := d.verify(t)
			if got := findings(rep); got != c.want {
				var b strings.Builder
				_ = rep.Write(&b)
				t.Errorf("got  %s\nwant %s\n%s", got, c.want, &b)
			}
		})
	}
}

func TestOneDamageDoesNotHideTheNext(t *testing.T) {
	d := newDisk(t, testKey(t), 200, 50, 100, 150, 200)
	for _, i := range []int{10, 60, 61, 160} {
		d.rows[i].Raw = flip(d.rows[i].Raw, 50)
	}
	h := &d.hashes[tlog.StoredHashIndex(0, 120)]
	h.Hash = flip(h.Hash, 3)
	rep := d.verify(t)
	want := "record-changed 11-11, record-changed 61-61, record-changed 62-62, hash-changed 121-121, record-changed 161-161"
	if got := findings(rep); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if rep.Matched != 4 {
		t.Errorf("%d checkpoints matched: the damage blurred them", rep.Matched)
	}
}

func TestAWreckedLogDoesNotExhaustMemory(t *testing.T) {
	d := newDisk(t, testKey(t), 100)
	for i := range d.rows {
		d.rows[i].Raw = flip(d.rows[i].Raw, 50)
	}
	in := d.input()
	in.Limit = 10
	rep, err := VerifyLog(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	if len(rep.Problems) != 10 || rep.More != 90 || rep.OK() {
		t.Errorf("%d problems listed, %d more", len(rep.Problems), rep.More)
	}
	var b strings.Builder
	if err := rep.Write(&b); err != nil || !strings.Contains(b.String(), "… and 90 problems more") {
		t.Errorf("%v %s", err, &b)
	}
}

func TestVerificationStopsWhenAsked(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := VerifyLog(ctx, newDisk(t, testKey(t), 5).input()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Whatever single thing someone does to a log under a checkpoint, it shows.
func TestNoSingleEditOfALogPasses(t *testing.T) {
	key := testKey(t)
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(2, 40).Draw(rt, "records")
		early := int64(rapid.IntRange(0, n).Draw(rt, "early checkpoint"))
		d := newDisk(t, key, n, early, int64(n))
		if rep := d.verify(t); !rep.OK() {
			rt.Fatalf("untouched: %s", findings(rep))
		}
		i := rapid.IntRange(0, n-1).Draw(rt, "i")
		j := (i + rapid.IntRange(1, n-1).Draw(rt, "distance")) % n
		bit := rapid.IntRange(0, 4000).Draw(rt, "bit")
		seqs := []int64{int64(i + 1)} // each must be within some finding
		forge := rapid.Bool().Draw(rt, "recompute all hashes")
		switch edit := rapid.SampledFrom([]string{"flip", "leaf", "hash", "delete", "swap", "cut", "insert"}).Draw(rt, "edit"); edit {
		case "flip":
			d.rows[i].Raw = flip(d.rows[i].Raw, bit)
		case "leaf":
			d.rows[i].LeafHash, forge = flip(d.rows[i].LeafHash, bit), false
		case "hash":
			h := &d.hashes[rapid.IntRange(0, len(d.hashes)-1).Draw(rt, "hash")]
			h.Hash, forge, seqs = flip(h.Hash, bit), false, nil
		case "delete":
			d.rows = slices.Delete(d.rows, i, i+1)
			if forge { // renumbered, it looks like a cut: the log is too short for its checkpoint
				seqs = []int64{int64(n)}
			}
		case "swap":
			d.rows[i].Raw, d.rows[j].Raw = d.rows[j].Raw, d.rows[i].Raw
			seqs = append(seqs, int64(j+1))
			if forge { // a checkpoint may part the two: then its range holds the first only
				seqs = []int64{int64(min(i, j) + 1)}
			}
		case "cut":
			d.rows = d.rows[:i]
		case "insert":
			d.rows = slices.Insert(d.rows, i, d.rows[j])
			d.rows[i].Raw, forge = flip(d.rows[i].Raw, bit), true
		}
		if forge {
			d.rehash()
		}
		rep := d.verify(t)
		if rep.OK() {
			rt.Fatal("the edit passed")
		}
		for _, s := range seqs {
			if !slices.ContainsFunc(rep.Problems, func(p Problem) bool { return p.From <= s && s <= p.To }) {
				rt.Fatalf("record %d is not named: %s", s, findings(rep))
			}
		}
	})
}

func BenchmarkVerifyLog(b *testing.B) {
	d := newDisk(b, testKey(b), 10_000, 5_000, 10_000)
	var size int64
	for _, r := range d.rows {
		size += int64(len(r.Raw))
	}
	b.SetBytes(size)
	for b.Loop() {
		rep, err := VerifyLog(context.Background(), d.input())
		if err != nil || !rep.OK() {
			b.Fatal(err, findings(rep))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/record")
}
