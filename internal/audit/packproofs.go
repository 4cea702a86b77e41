package audit

import (
	"bufio"
	"encoding/base64"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"cxseal/internal/fault"
)

// A pack holds one proof a line, in the order of the records:
//
//	{"index":6,"shared":17,"hashes":["…","…"]}
//
// The inclusion path (leaf's sibling first) is "hashes" followed by the last "shared" hashes of the previous
// line's path. Neighbours in a tree share all but their lowest hashes, so a line holds two hashes on average
// instead of twenty, and each record still has a proof of its own.

// proofBatch is how many records' proofs are fetched from the stored hashes at
// once: the hashes they share are read once, in one sorted call.
const proofBatch = 512

type proofWriter struct {
	w          *bufio.Writer
	hashes     tlog.HashReader
	checkpoint Checkpoint
	batch      []leafAt
	last       tlog.RecordProof
	line       []byte
}

type leafAt struct {
	index int64
	leaf  tlog.Hash
}

func (p *proofWriter) add(index int64, leaf tlog.Hash) error {
	p.batch = append(p.batch, leafAt{index, leaf})
	if len(p.batch) < proofBatch {
		return nil
	}
	return p.flush()
}

func (p *proofWriter) flush() error {
	cache := newHashCache()
	for _, l := range p.batch { // a dry run, to learn which hashes are needed
		if _, err := tlog.ProveRecord(p.checkpoint.Size, l.index, cache); err != nil {
			return err
		}
	}
	if err := cache.fill(p.hashes); err != nil {
		return err
	}
	for _, l := range p.batch {
		path, err := tlog.ProveRecord(p.checkpoint.Size, l.index, cache)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(path, p.checkpoint.Size, p.checkpoint.Root, l.index, l.leaf); err != nil {
			return fault.Wrap(err, fault.Internal, "Record %d does not prove under the checkpoint: run cxseal verify", l.index+1)
		}
		p.line = appendProofLine(p.line[:0], l.index, path, p.last)
		if _, err := p.w.Write(p.line); err != nil {
			return err
		}
		p.last = path
	}
	p.batch = p.batch[:0]
	return nil
}

// hashCache is a tlog.HashReader that records which hashes are read until it is filled, and returns them
// afterwards.
type hashCache struct {
	known  map[int64]tlog.Hash
	filled bool
}

func newHashCache() *hashCache { return &hashCache{known: map[int64]tlog.Hash{}} }

func (c *hashCache) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if !c.filled {
			c.known[x] = tlog.Hash{}
			continue
		}
		h, ok := c.known[x]
		if !ok {
			return nil, errors.New("audit: a hash was not foreseen")
		}
		out[i] = h
	}
	return out, nil
}

func (c *hashCache) fill(r tlog.HashReader) error {
	indexes := slices.Sorted(maps.Keys(c.known))
	c.filled = true
	if len(indexes) == 0 {
		return nil
	}
	hashes, err := r.ReadHashes(indexes)
	if err != nil {
		return err
	}
	if len(hashes) != len(indexes) {
		return fault.New(fault.Internal, "The log's stored hashes are incomplete: %d of %d were found", len(hashes), len(indexes))
	}
	for i, x := range indexes {
		c.known[x] = hashes[i]
	}
	return nil
}

func appendProofLine(dst []byte, index int64, path, last tlog.RecordProof) []byte {
	shared := 0
	for shared < len(path) && shared < len(last) && path[len(path)-1-shared] == last[len(last)-1-shared] {
		shared++
	}
	dst = append(dst, `{"index":`...)
	dst = strconv.AppendInt(dst, index, 10)
	dst = append(dst, `,"shared":`...)
	dst = strconv.AppendInt(dst, int64(shared), 10)
	dst = append(dst, `,"hashes":[`...)
	for i, h := range path[:len(path)-shared] {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, h[:])
		dst = append(dst, '"')
	}
	return append(dst, "]}\n"...)
}

var errProofLine = errors.New("not a line of proofs")

// parseProofLine reads a line in exactly the form appendProofLine writes, with
// the previous line's path, and returns the whole path.
func parseProofLine(line string, last tlog.RecordProof) (int64, tlog.RecordProof, error) {
	rest, ok1 := strings.CutPrefix(line, `{"index":`)
	number, rest, ok2 := strings.Cut(rest, `,"shared":`)
	count, rest, ok3 := strings.Cut(rest, `,"hashes":[`)
	list, ok4 := strings.CutSuffix(rest, "]}")
	index, err1 := parseIndex(number)
	shared, err2 := parseIndex(count)
	if !ok1 || !ok2 || !ok3 || !ok4 || err1 != nil || err2 != nil || shared > int64(len(last)) {
		return 0, nil, errProofLine
	}
	var path tlog.RecordProof
	const width = 46 // a hash in base64 and its quotes
	for list != "" {
		if len(list) < width || list[0] != '"' || list[width-1] != '"' || len(path) >= maxProofPath {
			return 0, nil, errProofLine
		}
		h, err := parseHash(list[1 : width-1])
		if err != nil {
			return 0, nil, errProofLine
		}
		path = append(path, h)
		if list = list[width:]; list == "" {
			break
		}
		if list[0] != ',' || len(list) == 1 {
			return 0, nil, errProofLine
		}
		list = list[1:]
	}
	path = append(path, last[len(last)-int(shared):]...)
	if len(path) > maxProofPath {
		return 0, nil, errProofLine
	}
	return index, path, nil
}
