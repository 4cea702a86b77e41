package cxone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
)

const (
	pageSize   = 100       // "top" (contract §1)
	maxEntries = 1_000_000 // of one listing; more is a tenant that never ends
)

// page is one page of a listing. Total is -1 where the tenant names none.
type page[T any] struct {
	items []T
	total int
	bare  bool // a bare array, without totalRecords
}

// list pages through a listing with skip and top. It ends at totalRecords, at
// a short page where there is no total, or at an empty page. Entries met twice
// are given once: a listing that changes while it is read may shift. A page
// that brings nothing new although more is due is an error, not a loop: the
// tenant ignores skip, and the list would be incomplete.
func list[T any](ctx context.Context, c *Client, path, key string, id func(T) string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		seed := maphash.MakeSeed()
		seen := map[uint64]struct{}{} // hashes: ten thousand tables are not kept in memory for this
		for skip := 0; ; {
			in := c.read(path)
			in.query = fmt.Sprintf("skip=%d&top=%d", skip, pageSize)
			in.listing = true
			ans, err := c.do(ctx, in)
			if err != nil {
				yield(none, err)
				return
			}
			p, err := decodePage[T](ans.body, key)
			if err != nil {
				yield(none, c.undecodable(in, err))
				return
			}
			fresh := 0
			for i, item := range p.items {
				if id(item) == "" {
					yield(none, c.undecodable(in, fmt.Errorf("entry %d has no id", skip+i+1)))
					return
				}
				h := maphash.String(seed, id(item))
				if _, ok := seen[h]; ok {
					continue
				}
				seen[h] = struct{}{}
				fresh++
				if !yield(item, nil) {
					return
				}
			}
			skip += len(p.items)
			switch {
			case p.last(skip):
				return
			case fresh == 0:
				yield(none, c.undecodable(in, errors.New("it repeats entries instead of going on, so the list may be incomplete")))
				return
			case skip > maxEntries:
				yield(none, c.undecodable(in, fmt.Errorf("the list has more than %d entries", maxEntries)))
				return
			}
		}
	}
}

// last reports whether nothing follows this page, skip entries having been
// read with it.
func (p page[T]) last(skip int) bool {
	switch n := len(p.items); {
	case n == 0:
		return true
	case p.total >= 0:
		return skip >= p.total
	case p.bare && n > pageSize:
		return true // the tenant gave everything at once
	default:
		return n < pageSize
	}
}

// decodePage reads {totalRecords, <key>: […]}, or the bare array.
func decodePage[T any](body []byte, key string) (page[T], error) {
	p := page[T]{total: -1}
	raw, err := checkJSON(body)
	if err != nil {
		return p, err
	}
	if raw[0] == '[' {
		p.bare = true
		return p, decodeValue(raw, "the list", &p.items)
	}
	fields, err := object(raw)
	if err != nil {
		return p, err
	}
	items, ok := fields[key]
	if !ok {
		return p, fmt.Errorf("it holds no %q", key)
	}
	if err := decodeValue(items, key, &p.items); err != nil {
		return p, err
	}
	if total, ok := fields["totalRecords"]; ok && string(total) != "null" {
		if err := decodeValue(total, "totalRecords", &p.total); err != nil {
			return p, err
		}
		if p.total < 0 {
			return p, errors.New("totalRecords is negative")
		}
	}
	return p, nil
}

func object(raw []byte) (map[string]json.RawMessage, error) {
	if raw[0] != '{' {
		return nil, errors.New("it is not a JSON object")
	}
	var fields map[string]json.RawMessage
	return fields, json.Unmarshal(raw, &fields)
}
