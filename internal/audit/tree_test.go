package audit

import (
	"encoding/hex"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// hashList is stored hashes in memory, the simplest tlog.HashReader.
type hashList []tlog.Hash

func (l hashList) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if x < 0 || x >= int64(len(l)) {
			return nil, fmt.Errorf("no stored hash %d", x)
		}
		out[i] = l[x]
	}
	return out, nil
}

// rfc6962Leaves are the leaves that Certificate Transparency's own tests use, with their roots beside them.
var rfc6962Leaves = []string{"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}

var rfc6962Roots = []string{
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
	"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
	"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
	"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
	"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}

func TestTheTreeIsRFC6962s(t *testing.T) {
	var tree Tree
	var stored hashList
	for n := 0; ; n++ {
		root := tree.Root()
		if HexHash(root) != rfc6962Roots[n] {
			t.Fatalf("root of %d leaves: %s, want %s", n, HexHash(root), rfc6962Roots[n])
		}
		if head, err := TreeHead(int64(n), stored); err != nil || head != root {
			t.Fatalf("the stored hashes of %d leaves give %v, %v", n, head, err)
		}
		if n == len(rfc6962Leaves) {
			return
		}
		raw, err := hex.DecodeString(rfc6962Leaves[n])
		if err != nil {
			t.Fatal(err)
		}
		want, err := StoredHashes(int64(n), raw, stored)
		if err != nil {
			t.Fatal(err)
		}
		got := tree.Append(LeafHash(raw), nil)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("leaf %d stores %v, tlog says %v", n, got, want)
		}
		stored = append(stored, got...)
	}
}

func TestATreeIsPickedUpWhereTheDatabaseLeftIt(t *testing.T) {
	var whole Tree
	var stored hashList
	for n := range int64(200) {
		resumed, err := LoadTree(n, stored)
		if err != nil {
			t.Fatal(err)
		}
		if resumed.Size() != n || resumed.Root() != whole.Root() {
			t.Fatalf("a tree of %d records read back differs", n)
		}
		leaf := LeafHash(fmt.Appendf(nil, "record %d", n))
		fresh := whole.Append(leaf, nil)
		if again := resumed.Append(leaf, nil); fmt.Sprint(again) != fmt.Sprint(fresh) {
			t.Fatalf("record %d: the resumed tree stores other hashes", n)
		}
		stored = append(stored, fresh...)
	}
}

func TestProofsOfTheStoredTreeHold(t *testing.T) {
	var tree Tree
	var stored hashList
	roots := []tlog.Hash{tree.Root()}
	for n := range 50 {
		stored = tree.Append(LeafHash([]byte{byte(n)}), stored)
		roots = append(roots, tree.Root())
	}
	for n := range int64(50) {
		p, err := InclusionProof(50, n, stored)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckRecord(p, 50, roots[50], n, LeafHash([]byte{byte(n)})); err != nil {
			t.Errorf("record %d: %v", n, err)
		}
		c, err := ConsistencyProof(n+1, 50, stored)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckTree(c, 50, roots[50], n+1, roots[n+1]); err != nil {
			t.Errorf("size %d: %v", n+1, err)
		}
	}
	if _, err := InclusionProof(50, 50, stored); err == nil {
		t.Error("a record beyond the checkpoint got a proof")
	}
	if _, err := ConsistencyProof(0, 50, stored); err == nil {
		t.Error("the empty tree got a consistency proof")
	}
}
